"""Reassignments of triaged tickets by people: from which queue to which, and queues between which tickets go back and
forth."""

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import Connection, case, func, select

from deskyard.analytics.intervals import Proportion
from deskyard.analytics.query import ReportQuery
from deskyard.analytics.rollups import view_table
from deskyard.analytics.ticket_facts import ROUTED
from deskyard.db.tables.analytics import QUEUE_MOVES, TICKET_FACTS


@dataclass(frozen=True, slots=True)
class BounceFigures:
    """`moved`: tickets that people reassigned after triage, of those received; `machine` and `hand`: the same by
    who had triaged them (they add up). `returned`: tickets that came back to a queue they had left. `moves`: (from, to,
    tickets) and `queue_pairs`: (one, other, tickets), most tickets first."""

    moved: Proportion
    machine: Proportion
    hand: Proportion
    returned: Proportion
    moves: list[tuple[str, str, int]]
    queue_pairs: list[tuple[str, str, int]]


def count_bounces(conn: Connection, query: ReportQuery) -> BounceFigures:
    """The figures of the query's period."""
    facts, moved = view_table(TICKET_FACTS, query), view_table(QUEUE_MOVES, query)
    machine_sorted = facts.c.fate == ROUTED  # one and the same where it is grouped by: PostgreSQL compares parameters
    rows = conn.execute(
        select(
            machine_sorted,
            func.count(),
            func.sum(case((facts.c.moves > 0, 1), else_=0)),
            func.sum(case((facts.c.returned, 1), else_=0)),
        )
        .where(*query.conditions(facts))
        .group_by(machine_sorted)
    )
    by = {bool(machine): (int(n), int(moved), int(back)) for machine, n, moved, back in rows}
    machine, hand = by.get(True, (0, 0, 0)), by.get(False, (0, 0, 0))
    received = machine[0] + hand[0]
    tickets = func.count(moved.c.ticket_id.distinct())
    moves = conn.execute(
        select(moved.c.was, moved.c.became, tickets)
        .where(*query.conditions(moved))
        .group_by(moved.c.was, moved.c.became)
        .order_by(tickets.desc(), moved.c.was, moved.c.became)
    )
    return BounceFigures(
        moved=Proportion(machine[1] + hand[1], received),
        machine=Proportion(machine[1], machine[0]),
        hand=Proportion(hand[1], hand[0]),
        returned=Proportion(machine[2] + hand[2], received),
        moves=[(was, became, int(n)) for was, became, n in moves],
        queue_pairs=_count_queue_pairs(conn, query),
    )


def _count_queue_pairs(conn: Connection, query: ReportQuery) -> list[tuple[str, str, int]]:
    moved = view_table(QUEUE_MOVES, query)
    rows = conn.execute(
        select(moved.c.ticket_id, moved.c.was, moved.c.became).where(moved.c.back, *query.conditions(moved))
    )
    tickets: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    for number, was, became in rows:
        tickets[min(was, became), max(was, became)].add(number)
    pairs = ((one, other, len(numbers)) for (one, other), numbers in tickets.items())
    return sorted(pairs, key=lambda row: (-row[2], row))
