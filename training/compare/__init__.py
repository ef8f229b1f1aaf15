"""Champion and challenger on tickets that neither has learnt from."""
