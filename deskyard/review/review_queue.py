"""The review queue: the tickets that wait for a person, in the order in which they are taken.

The most urgent come first (by the ticket's priority, else by the predicted one), then the oldest; the order is the same
for everybody. A ticket waits if it is unsolved in the fallback queue or in triage, if it is mirrored from another help
desk with a suggestion that nobody has acted on, or if it waits for a blind review, whatever its status: otherwise the
sample would be biased.
"""

import threading
from collections.abc import Collection, Iterator, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

from cachetools import LRUCache
from sqlalchemy import Connection, Row, and_, literal, or_, select

from deskyard.db.tables.desk import QUEUES, TICKET_HISTORY, TICKETS
from deskyard.db.tables.review import BLIND_REVIEWS
from deskyard.db.tables.sync import MIRROR
from deskyard.desk.overview import routing_outcome
from deskyard.domain.catalogue import TRIAGE
from deskyard.domain.ticket import PRIORITIES
from deskyard.journal.journal import Journal

WAITING_STATUSES: Final = ("new", "open")
"""The statuses in which a ticket waits for the desk, not for its requester."""

MAX_CACHED_DECISIONS: Final = 50_000
"""Number of decisions that are cached between two calls."""

_LOWEST_RANK: Final = len(PRIORITIES)
_RANK: Final = {name: place for place, name in enumerate(reversed(PRIORITIES))}


DecisionCache = MutableMapping[tuple[int, int], tuple[str | None, str]]
"""Number and version of a ticket → its predicted priority, and the outcome: routed, suggested or left."""


@dataclass(frozen=True, slots=True)
class WaitingTicket:
    """A ticket in the queue; `rank` is 0 for critical, and `_LOWEST_RANK` for a solved ticket."""

    number: int
    rank: int
    is_blind: bool


class ReviewQueue:
    """The queue, with a cache of predicted priorities by number and version of a ticket."""

    def __init__(self) -> None:
        """Start with an empty cache."""
        self._cache: DecisionCache = LRUCache(MAX_CACHED_DECISIONS)
        self._lock = threading.Lock()

    def list_waiting(self, conn: Connection, fallback: str, visible: Collection[str] | None) -> list[WaitingTicket]:
        """The tickets that wait now, of the visible queues (None: all). Blind reviews are only for people who see all
        queues: to others the visibility of a ticket would reveal its queue."""
        rows = [
            *conn.execute(_select_waiting(fallback, visible)),
            *(conn.execute(_PENDING_BLIND_REVIEWS) if visible is None else ()),
        ]
        known = self._update_cache(conn, rows)
        found = {}
        for row in rows:
            predicted, outcome = known[row.id, row.version]
            if row.is_blind or row.queue in (fallback, TRIAGE) or outcome == "suggested":
                rank = (
                    _RANK[row.priority or predicted or "medium"]
                    if row.status in (*WAITING_STATUSES, "waiting")
                    else _LOWEST_RANK
                )
                found[row.id] = WaitingTicket(row.id, rank, row.is_blind)
        return sorted(found.values(), key=lambda one: (one.rank, one.number))

    def _update_cache(self, conn: Connection, rows: Collection[Row[Any]]) -> DecisionCache:
        """The cached decisions of these tickets; those that are missing are read from the journal."""
        keys = [(row.id, row.version) for row in rows]
        with self._lock:
            known = {key: self._cache[key] for key in keys if key in self._cache}
        uncached = {number: version for number, version in keys if (number, version) not in known}
        loaded: dict[tuple[int, int], tuple[str | None, str]] = dict.fromkeys(uncached.items(), (None, "left"))
        for numbers in _batches(list(uncached)):
            for number, entry in Journal.last_decisions(conn, numbers).items():
                label = entry.content["decisions"].get("priority", {}).get("label")
                loaded[number, uncached[number]] = label if label in _RANK else None, routing_outcome(entry.content)
        with self._lock:
            self._cache.update(loaded)
        return known | loaded


_IS_BLIND_PENDING: Final = BLIND_REVIEWS.c.ticket_id.is_not(None) & BLIND_REVIEWS.c.answered_at.is_(None)
_TICKET_COLUMNS: Final = (
    TICKETS.c.id,
    TICKETS.c.version,
    TICKETS.c.priority,
    TICKETS.c.status,
    QUEUES.c.name.label("queue"),
)
_PENDING_BLIND_REVIEWS: Final = (
    select(*_TICKET_COLUMNS, literal(True).label("is_blind"))
    .join(QUEUES, QUEUES.c.id == TICKETS.c.queue_id)
    .join(BLIND_REVIEWS, BLIND_REVIEWS.c.ticket_id == TICKETS.c.id)
    .where(BLIND_REVIEWS.c.answered_at.is_(None))
)


def _select_waiting(fallback: str, visible: Collection[str] | None) -> Any:
    by_people = select(TICKET_HISTORY.c.id).where(
        TICKET_HISTORY.c.ticket_id == TICKETS.c.id, TICKET_HISTORY.c.actor_kind == "person"
    )
    rows = (
        select(*_TICKET_COLUMNS, _IS_BLIND_PENDING.label("is_blind"))
        .join(QUEUES, QUEUES.c.id == TICKETS.c.queue_id)
        .outerjoin(MIRROR, MIRROR.c.ticket_id == TICKETS.c.id)
        .outerjoin(BLIND_REVIEWS, BLIND_REVIEWS.c.ticket_id == TICKETS.c.id)
        .where(
            TICKETS.c.status.in_(WAITING_STATUSES),
            or_(QUEUES.c.name.in_({fallback, TRIAGE}), and_(MIRROR.c.ticket_id.is_not(None), ~by_people.exists())),
        )
    )
    return rows if visible is None else rows.where(QUEUES.c.name.in_(list(visible)))


def _batches(numbers: list[int], size: int = 500) -> Iterator[list[int]]:
    return (numbers[start : start + size] for start in range(0, len(numbers), size))
