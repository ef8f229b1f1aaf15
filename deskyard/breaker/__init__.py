"""The circuit breaker: change detection, and labels that are only suggested after too many errors."""
