"""What one process of the service holds: its context, the model in use, caches."""
