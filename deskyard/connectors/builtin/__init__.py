"""The built-in desk as a ticket store."""
