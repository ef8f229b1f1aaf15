"""Active learning: which tickets people should label, and what each label still needs."""
