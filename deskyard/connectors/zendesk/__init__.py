"""Zendesk as a ticket store."""
