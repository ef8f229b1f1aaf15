"""The connector to the built-in desk."""
