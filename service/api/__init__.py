"""The doors of the API, one file a noun: each reads, makes one call, answers."""
