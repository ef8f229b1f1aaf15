"""Bundles on disk: listing, champion and challenger, promotion, comparison, retraining requests."""
