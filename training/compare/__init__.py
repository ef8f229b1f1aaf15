"""Comparison of champion and challenger on tickets that neither was trained on."""
