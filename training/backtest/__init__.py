"""What a policy would have done with a desk's past: the model of each day, the rules, the breaker, ticket by ticket."""
