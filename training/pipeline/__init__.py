"""A training run from history to bundle."""
