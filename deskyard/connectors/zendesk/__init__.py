"""The connector to Zendesk."""
