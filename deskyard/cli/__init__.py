"""The commands of the command line, and the table that opens each by name."""
