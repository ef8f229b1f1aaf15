"""The connector to Zammad."""
