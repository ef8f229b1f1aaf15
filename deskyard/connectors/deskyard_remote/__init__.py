"""Another deskyard as a ticket store."""
