"""Drift detection: the newest tickets of a desk compared with those before."""
