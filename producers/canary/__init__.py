"""A marked document, published again and again and searched for until it is found: freshness as a user sees it."""
