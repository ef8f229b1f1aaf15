"""How well routing does: facts of every ticket from the journal, the days they add up to, and the figures of a period.

In come a connection and what is asked (period, target, queue, store, and the queues that the reader may see); out go
plain figures, each with the words that name the tickets behind it. No HTML, no text of a ticket.
"""
