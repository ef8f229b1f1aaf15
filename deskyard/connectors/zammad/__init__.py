"""Zammad as a ticket store."""
