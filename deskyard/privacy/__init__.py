"""Erasure of personal data, redaction of tickets, and which models were trained on erased tickets."""
