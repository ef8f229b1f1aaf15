"""The commands, and the table that opens each by name."""
