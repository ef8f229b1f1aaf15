"""Znuny and OTRS as a ticket store."""
