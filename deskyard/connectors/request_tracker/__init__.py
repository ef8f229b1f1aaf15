"""Request Tracker as a ticket store."""
