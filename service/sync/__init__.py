"""Durable synchronisation with external help desks and mailboxes: the engine, its workflows, and ingest."""
