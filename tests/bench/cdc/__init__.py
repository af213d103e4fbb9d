"""How long a committed row takes to be found, part by part."""
