"""Response bodies of the API, one module a subject."""
