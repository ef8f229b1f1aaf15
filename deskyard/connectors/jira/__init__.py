"""Jira Service Management as a ticket store."""
