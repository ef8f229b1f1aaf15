"""Roundup as a ticket store."""
