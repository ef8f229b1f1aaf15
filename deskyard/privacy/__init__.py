"""Erasure of personal data, redaction of logs, and which models have seen erased tickets."""
