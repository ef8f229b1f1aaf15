"""Rollups of the journal: facts of each ticket and their daily sums, computed in batches.

Only the `report_*` tables are written, so all of it can be deleted and counted again. Several processes may count at
once: each computes a batch first, and writes it only if no other was faster.
"""

import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, FromClause, Table, delete, func, insert, select

from deskyard.analytics import ticket_facts
from deskyard.analytics.query import ReportQuery
from deskyard.analytics.taxonomy_view import apply_taxonomy
from deskyard.analytics.ticket_facts import RULES_VERSION, TicketFacts
from deskyard.db.database import Database
from deskyard.db.tables.analytics import (
    DAILY_TARGET_FACTS,
    DAILY_TICKET_FACTS,
    QUEUE_MOVES,
    ROLLUP_STATE,
    TARGET_FACTS,
    TICKET_FACTS,
)
from deskyard.db.tables.desk import QUEUES, TICKETS
from deskyard.db.tables.journal import JOURNAL_ENTRIES
from deskyard.domain.ticket import TARGETS
from deskyard.journal.journal import Journal, JournalEntry

BATCH_SIZE: Final = 4_000
"""Journal entries of a batch, which takes about a second, a tenth of it in the writing transaction."""

LATE_COMMIT_WINDOW: Final = timedelta(minutes=1)
"""On PostgreSQL an entry may be committed after one with a higher number, so the last minute is read again."""


@dataclass(frozen=True, slots=True)
class RollupProgress:
    """How far the journal is counted: when, up to which entry, and how many entries wait (among them those that are
    read again, see `LATE_COMMIT_WINDOW`)."""

    counted_at: datetime | None
    read_to: int
    waiting_entries: int

    @property
    def is_behind(self) -> bool:
        """Whether so many entries wait that readers are told."""
        return self.waiting_entries > BATCH_SIZE // 4


def read_progress(conn: Connection) -> RollupProgress:
    """The progress of counting."""
    row = conn.execute(select(ROLLUP_STATE)).one()
    newest = conn.scalar(select(func.max(JOURNAL_ENTRIES.c.id))) or 0
    return RollupProgress(row.at, row.read_to, max(int(newest) - row.read_to, 0))


def refresh_rollups(database: Database, zone: ZoneInfo, *, for_seconds: float = float("inf")) -> RollupProgress:
    """Count new entries for at most `for_seconds` (s), and return the progress.

    With another time zone or other rules everything is counted again.
    """
    until = time.monotonic() + for_seconds
    while _count_batch(database, zone) and time.monotonic() < until:
        pass
    with database.reading() as conn:
        return read_progress(conn)


def _count_batch(database: Database, zone: ZoneInfo) -> bool:
    """Count one batch; returns whether there is more."""
    with database.reading() as conn:
        row = conn.execute(select(ROLLUP_STATE)).one()
        is_restart = (row.rules, row.zone) != (RULES_VERSION, zone.key)
        start = 0 if is_restart else row.read_to
        new = conn.execute(
            select(JOURNAL_ENTRIES.c.id, JOURNAL_ENTRIES.c.ticket_id, JOURNAL_ENTRIES.c.at)
            .where(JOURNAL_ENTRIES.c.id > start)
            .order_by(JOURNAL_ENTRIES.c.id)
            .limit(BATCH_SIZE)
        ).all()
        found = dict(_load_facts(conn, sorted({one.ticket_id for one in new})))
    if not new and not is_restart:
        return False
    now = datetime.now(UTC)
    settled = [one.id for one in new if database.is_sqlite or one.at < now - LATE_COMMIT_WINDOW]
    with database.writing() as conn:
        if conn.execute(select(ROLLUP_STATE).with_for_update()).one() != row:
            return True  # another process was faster
        if is_restart:
            for table in (TICKET_FACTS, TARGET_FACTS, QUEUE_MOVES, DAILY_TARGET_FACTS, DAILY_TICKET_FACTS):
                conn.execute(delete(table))
        _write_facts(conn, found, zone)
        read_to = max([start, *settled])
        conn.execute(ROLLUP_STATE.update().values(rules=RULES_VERSION, zone=zone.key, read_to=read_to, at=now))
    return len(new) == BATCH_SIZE and bool(settled)


def _load_facts(conn: Connection, numbers: Collection[int]) -> Iterator[tuple[int, TicketFacts]]:
    """The facts of the tickets with these numbers."""
    if not numbers:
        return
    entries: defaultdict[int, list[JournalEntry]] = defaultdict(list)
    for entry in Journal.iter_entries(conn, numbers):
        entries[entry.ticket_id].append(entry)
    rows = select(
        TICKETS.c.id, QUEUES.c.name.label("queue"), TICKETS.c.category, TICKETS.c.priority, TICKETS.c.assignee,
        TICKETS.c.status, TICKETS.c.requester,
    ).join(QUEUES, QUEUES.c.id == TICKETS.c.queue_id).where(TICKETS.c.id.in_(numbers))  # fmt: skip
    current_values = {
        row.id: {name: value for name, value in row._mapping.items() if name != "id"} for row in conn.execute(rows)
    }
    for number in numbers:
        yield number, ticket_facts.collect_facts(entries[number], current_values.get(number))


def _write_facts(conn: Connection, facts_by_ticket: dict[int, TicketFacts], zone: ZoneInfo) -> None:
    """Replace the facts of these tickets, and count their days again."""
    if not facts_by_ticket:
        return
    numbers = list(facts_by_ticket)
    days = set(conn.scalars(select(TICKET_FACTS.c.day).where(TICKET_FACTS.c.ticket_id.in_(numbers))))
    for table in (TICKET_FACTS, TARGET_FACTS, QUEUE_MOVES):
        conn.execute(delete(table).where(table.c.ticket_id.in_(numbers)))
    tickets: list[dict[str, Any]] = []
    answers: list[dict[str, Any]] = []
    moves: list[dict[str, Any]] = []
    for number, one in facts_by_ticket.items():
        received_at = one.received_at.astimezone(zone)
        day = received_at.date().isoformat()
        days.add(day)
        own = {"ticket_id": number, "day": day, "source": one.source, "placed": one.decided_queue, "queue": one.queue}
        target_facts = ticket_facts.list_target_facts(one)
        tickets.append(own | _ticket_row(one, received_at.hour, target_facts["queue"].fate))
        answers += [own | {"target": target, **asdict(facts)} for target, facts in target_facts.items()]
        moves += [
            own | {"n": n, "was": move.was, "became": move.became, "back": move.back}
            for n, move in enumerate(one.moves)
        ]
    for table, rows in ((TICKET_FACTS, tickets), (TARGET_FACTS, answers), (QUEUE_MOVES, moves)):
        if rows:
            conn.execute(insert(table), rows)
    _recount_days(conn, days)


def _ticket_row(ticket_facts: TicketFacts, hour: int, outcome: str) -> dict[str, Any]:
    return {
        "hour": hour,
        "fate": outcome,
        "assignee": ticket_facts.values.get("assignee") or "",
        "solved": ticket_facts.is_solved,
        "first_response": ticket_facts.first_response,
        "replies": ticket_facts.replies,
        "resolution": ticket_facts.resolution,
        "moves": len(ticket_facts.moves),
        "returned": ticket_facts.has_returned,
    }


def _recount_days(conn: Connection, days: Iterable[str]) -> None:
    """Count days again from the facts of tickets."""
    chosen = sorted(days)
    for daily, of in ((DAILY_TARGET_FACTS, TARGET_FACTS), (DAILY_TICKET_FACTS, TICKET_FACTS)):
        alike = [column.name for column in daily.columns if column.name not in ("id", "n")]
        conn.execute(delete(daily).where(*_day_conditions(daily, chosen)))
        columns = [of.c[name] for name in alike]
        rows = select(*columns, func.count()).where(*_day_conditions(of, chosen)).group_by(*columns)
        conn.execute(insert(daily).from_select([*alike, "n"], rows))


def view_table(table: Table, query: ReportQuery) -> FromClause:
    """A table of this module with the label names that the query asks for."""
    return apply_taxonomy(table, query.target, query.taxonomy_changes, QUEUE_MOVES)


def _day_conditions(table: Table, days: list[str]) -> list[Any]:
    """The condition for these days, written so that the index by target is used."""
    chosen = [table.c.day.in_(days)]
    return [table.c.target.in_(TARGETS), *chosen] if "target" in table.c else chosen
