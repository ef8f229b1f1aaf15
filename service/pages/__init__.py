"""What people look at in a browser, one file a page: each reads, makes one call, shows."""
