"""The domain as plain values and rules: tickets, labels, decisions, statuses, actors."""
