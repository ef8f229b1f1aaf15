"""The built-in help desk: queues, agents, tickets and their histories, in deskyard's own database.

Functions take the connection of the caller's transaction, which the caller commits, and return plain values. Nothing
here predicts or decides.
"""
