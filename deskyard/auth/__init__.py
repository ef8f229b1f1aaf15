"""Authentication: API keys, users, and sessions of signed-in users."""
