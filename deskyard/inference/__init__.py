"""Ticket, model and policy to decisions, for one ticket or a whole table."""
