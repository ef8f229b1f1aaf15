"""The connector to another deskyard."""
