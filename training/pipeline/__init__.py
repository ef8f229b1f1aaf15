"""A training run: its options, steps, result and the bundle's card."""
