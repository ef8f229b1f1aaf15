"""A history as training data: reading, labels, splits, near-duplicates, provenance."""
