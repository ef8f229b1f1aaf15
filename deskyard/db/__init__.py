"""The database: connections, tables, migrations, and pages of long lists."""
