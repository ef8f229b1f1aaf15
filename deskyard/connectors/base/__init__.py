"""What all connectors share: the interface of a ticket store, HTTP, webhooks, pulling, writing once."""
