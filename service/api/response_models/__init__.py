"""What the API answers, as JSON: one module a subject."""
