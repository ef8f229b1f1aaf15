"""Authentication of callers, authorization by role, OpenID Connect, rate limits."""
