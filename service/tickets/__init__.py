"""What happens to a ticket: routing, corrections, review, rescoring, replay."""
