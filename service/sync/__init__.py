"""Durable work with foreign ticket stores and mailboxes: workflows, ingest, the engine."""
