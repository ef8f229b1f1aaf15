"""The review queue: tickets that wait for a person, leases, blind review, suggestions, undo."""
