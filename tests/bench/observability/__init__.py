"""What is seen under stress, as a real Prometheus sees it, and what the seeing costs."""
