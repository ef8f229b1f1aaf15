"""The connector to Jira Service Management."""
