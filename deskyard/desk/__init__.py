"""The built-in desk: queues, agents, tickets and each ticket's journey, in deskyard's own database.

Every door takes the connection of the transaction it belongs to, whose owner opened it and commits it; out go plain
values. Nothing here predicts, decides or commits.
"""
