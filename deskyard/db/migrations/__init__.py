"""Migrations of the database, one file a step, from the first release to what `deskyard.db.tables` says."""
