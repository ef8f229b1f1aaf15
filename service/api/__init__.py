"""The endpoints of the API, one module a resource: each reads the request, makes one call and answers."""
