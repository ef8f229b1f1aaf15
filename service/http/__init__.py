"""HTTP around the endpoints: middleware, dependencies, problem details, metrics, logging."""
