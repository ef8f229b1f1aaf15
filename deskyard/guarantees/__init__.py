"""What can be promised of a model on the evidence of past tickets, with which confidence."""
