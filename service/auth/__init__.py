"""Who may do what: sign-in, authorization, rate limits."""
