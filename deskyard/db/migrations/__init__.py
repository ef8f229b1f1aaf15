"""Migrations: how the tables came to be what `deskyard.db.tables` says, one file a step. They expand, then contract."""
