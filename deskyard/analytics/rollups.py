"""Rollups: the journal counted into facts of each ticket and the days they add up to, a little at a time.

In comes the database; what is written are the `report_*` tables and nothing else, so all of it can be thrown away and
counted again. Many processes may count at once: each computes first, and writes only if nobody was faster.
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
from deskyard.analytics.query import Asked
from deskyard.analytics.taxonomy_view import in_names_of_today
from deskyard.analytics.ticket_facts import RULES, Facts
from deskyard.db.database import Database
from deskyard.db.tables.analytics import ANSWERS, DAILY_ANSWERS, DAILY_TICKETS, MOVES, ROLLUP_STATE, TICKET_FACTS
from deskyard.db.tables.desk import QUEUES, TICKETS
from deskyard.db.tables.journal import JOURNAL_ENTRIES
from deskyard.domain.ticket import TARGETS
from deskyard.journal.journal import Entry, Journal

CHUNK: Final = 4_000
"""Entries that are counted together: about a second, and a tenth of it with the right to write."""

LATE: Final = timedelta(minutes=1)
"""On PostgreSQL an entry may be committed after one with a higher number: the last minute is read again."""


@dataclass(frozen=True, slots=True)
class Counted:
    """How far the journal is counted: when, up to which entry, and how many entries wait (some read before, `LATE`)."""

    at: datetime | None
    read_to: int
    left: int

    @property
    def behind(self) -> bool:
        """Whether figures lack so much that a reader must know."""
        return self.left > CHUNK // 4


def counted(conn: Connection) -> Counted:
    """How far it is."""
    row = conn.execute(select(ROLLUP_STATE)).one()
    newest = conn.scalar(select(func.max(JOURNAL_ENTRIES.c.id))) or 0
    return Counted(row.at, row.read_to, max(int(newest) - row.read_to, 0))


def refresh(database: Database, zone: ZoneInfo, *, for_seconds: float = float("inf")) -> Counted:
    """Count what is new, for so long at most; how far it came. Another time zone, or other rules: all of it anew."""
    until = time.monotonic() + for_seconds
    while _step(database, zone) and time.monotonic() < until:
        pass
    with database.reading() as conn:
        return counted(conn)


def _step(database: Database, zone: ZoneInfo) -> bool:
    """Count one chunk; whether there is more."""
    with database.reading() as conn:
        row = conn.execute(select(ROLLUP_STATE)).one()
        anew = (row.rules, row.zone) != (RULES, zone.key)
        start = 0 if anew else row.read_to
        new = conn.execute(
            select(JOURNAL_ENTRIES.c.id, JOURNAL_ENTRIES.c.ticket_id, JOURNAL_ENTRIES.c.at)
            .where(JOURNAL_ENTRIES.c.id > start)
            .order_by(JOURNAL_ENTRIES.c.id)
            .limit(CHUNK)
        ).all()
        found = dict(_facts(conn, sorted({one.ticket_id for one in new})))
    if not new and not anew:
        return False
    now = datetime.now(UTC)
    settled = [one.id for one in new if database.is_sqlite or one.at < now - LATE]
    with database.writing() as conn:
        if conn.execute(select(ROLLUP_STATE).with_for_update()).one() != row:
            return True  # somebody else was faster
        if anew:
            for table in (TICKET_FACTS, ANSWERS, MOVES, DAILY_ANSWERS, DAILY_TICKETS):
                conn.execute(delete(table))
        _write(conn, found, zone)
        read_to = max([start, *settled])
        conn.execute(ROLLUP_STATE.update().values(rules=RULES, zone=zone.key, read_to=read_to, at=now))
    return len(new) == CHUNK and bool(settled)


def _facts(conn: Connection, numbers: Collection[int]) -> Iterator[tuple[int, Facts]]:
    """The facts of tickets."""
    if not numbers:
        return
    entries: defaultdict[int, list[Entry]] = defaultdict(list)
    for entry in Journal.of_all(conn, numbers):
        entries[entry.ticket_id].append(entry)
    rows = select(
        TICKETS.c.id, QUEUES.c.name.label("queue"), TICKETS.c.category, TICKETS.c.priority, TICKETS.c.assignee,
        TICKETS.c.status, TICKETS.c.requester,
    ).join(QUEUES, QUEUES.c.id == TICKETS.c.queue_id).where(TICKETS.c.id.in_(numbers))  # fmt: skip
    stands = {
        row.id: {name: value for name, value in row._mapping.items() if name != "id"} for row in conn.execute(rows)
    }
    for number in numbers:
        yield number, ticket_facts.of(entries[number], stands.get(number))


def _write(conn: Connection, found: dict[int, Facts], zone: ZoneInfo) -> None:
    """Put the facts in place of what was known of their tickets, and count their days again."""
    if not found:
        return
    numbers = list(found)
    days = set(conn.scalars(select(TICKET_FACTS.c.day).where(TICKET_FACTS.c.ticket_id.in_(numbers))))
    for table in (TICKET_FACTS, ANSWERS, MOVES):
        conn.execute(delete(table).where(table.c.ticket_id.in_(numbers)))
    tickets: list[dict[str, Any]] = []
    answers: list[dict[str, Any]] = []
    moves: list[dict[str, Any]] = []
    for number, one in found.items():
        came = one.came.astimezone(zone)
        day = came.date().isoformat()
        days.add(day)
        own = {"ticket_id": number, "day": day, "source": one.source, "placed": one.placed, "queue": one.queue}
        said = ticket_facts.answers(one)
        tickets.append(own | _row(one, came.hour, said["queue"].fate))
        answers += [own | {"target": target, **asdict(a)} for target, a in said.items()]
        moves += [
            own | {"n": n, "was": move.was, "became": move.became, "back": move.back}
            for n, move in enumerate(one.moves)
        ]
    for table, rows in ((TICKET_FACTS, tickets), (ANSWERS, answers), (MOVES, moves)):
        if rows:
            conn.execute(insert(table), rows)
    _add_up(conn, days)


def _row(one: Facts, hour: int, fate: str) -> dict[str, Any]:
    return {
        "hour": hour,
        "fate": fate,
        "assignee": one.values.get("assignee") or "",
        "solved": one.solved,
        "first_response": one.first_response,
        "replies": one.replies,
        "resolution": one.resolution,
        "moves": len(one.moves),
        "returned": one.returned,
    }


def _add_up(conn: Connection, days: Iterable[str]) -> None:
    """Count days again from the facts."""
    chosen = sorted(days)
    for daily, of in ((DAILY_ANSWERS, ANSWERS), (DAILY_TICKETS, TICKET_FACTS)):
        alike = [column.name for column in daily.columns if column.name not in ("id", "n")]
        conn.execute(delete(daily).where(*_on(daily, chosen)))
        columns = [of.c[name] for name in alike]
        rows = select(*columns, func.count()).where(*_on(of, chosen)).group_by(*columns)
        conn.execute(insert(daily).from_select([*alike, "n"], rows))


def seen(table: Table, asked: Asked) -> FromClause:
    """A table of these as it is asked for: in the names of the day, or of today."""
    return in_names_of_today(table, asked.target, asked.turns, MOVES)


def _on(table: Table, days: list[str]) -> list[Any]:
    """Those days, asked so that the index by target serves."""
    chosen = [table.c.day.in_(days)]
    return [table.c.target.in_(TARGETS), *chosen] if "target" in table.c else chosen
