"""How well routing works: facts of each ticket from the journal, their daily sums, and the figures of a period.

Figures are computed for a query (period, target, queue, store, and the queues that the reader may see) and have no HTML
and no texts of tickets. The tickets behind each figure can be listed.
"""
