"""What connectors share: the interface of a ticket store, HTTP, webhooks, incremental pulls, idempotent writes."""
