"""Who may come in: API keys, users, sessions."""
