"""Migrations: how the tables came to be what `deskyard.tables` says, one file a step. They expand, then contract."""
