"""Publishes a watched folder: every file that can be read as text becomes one document that follows the file."""
