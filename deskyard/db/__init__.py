"""The database: how it is opened, its tables, the migrations that made them, and long lists read page by page."""
