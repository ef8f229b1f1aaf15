"""The connector to Roundup."""
