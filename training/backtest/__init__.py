"""Backtests: what a policy would have done with a desk's past, ticket by ticket, with the model of each day."""
