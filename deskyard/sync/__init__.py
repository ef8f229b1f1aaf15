"""The database side of synchronisation: connections, mirrored tickets, outboxes of deliveries and notifications.

Every function takes the database connection of the caller's transaction, which the caller commits. Nothing here calls a
help desk.
"""
