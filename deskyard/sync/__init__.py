"""What we keep of foreign help desks: connections, mirrored tickets, and the outboxes of deliveries and notices.

Every door takes the connection of the transaction it belongs to, whose owner commits it; out go plain values. Nothing
here calls a help desk.
"""
