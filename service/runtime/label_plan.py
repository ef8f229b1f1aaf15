"""Label work: what people should label next, and what that brings.

In come the desk and its model, out go goals and items (`deskyard.active_learning.label_goals`, `deskyard.active_learning.sample_selection`); what somebody then
says is kept by `service.tickets.corrections.settle`.
"""

import threading
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from cachetools import TTLCache
from sqlalchemy import Connection, func, select

from deskyard.active_learning import unlabelled_tickets
from deskyard.db.tables.desk import TICKETS
from deskyard.desk.tickets import READ, filed
from deskyard.domain.ticket import TARGETS, Target, Ticket
from deskyard.errors import BadInput
from deskyard.policy.versions import Policies

if TYPE_CHECKING:
    from deskyard.active_learning.label_goals import Goal
    from deskyard.active_learning.sample_selection import Item
    from deskyard.registry.bundle import Bundle

PER_WEEK: Final = 50
"""Labels that people give a week, unless somebody says another number."""

MONTH: Final = timedelta(days=28)
"""How far back tickets are counted, to know how many come in a week."""

FRESH: Final = 60.0
"""Seconds for which a plan is taken as it is."""

FORGOTTEN: Final = 600.0
"""Seconds after which one is worth nothing."""

PLANS: Final = 64
"""Plans that are kept: one for each pace and set of visible queues that somebody asked for lately."""

_CHUNK: Final = 500
"""Tickets that are read at once."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The goals, and the items of both kinds, the most useful first; `per_week`: labels that people give a week."""

    per_week: int
    goals: "tuple[Goal, ...]" = ()
    wanted: "tuple[Item, ...]" = ()
    doubtful: "tuple[Item, ...]" = ()


def plan(
    conn: Connection,
    bundle: "Bundle | None",
    per_week: int,
    visible: Collection[str] | None = None,
    target: Target | None = None,
) -> Plan:
    """What to label; without a model nothing is known to be worth it. Raises BadInput for a pace of none."""
    from deskyard.active_learning import (  # only here: without a model the service needs no learning library
        label_goals,
        sample_selection,
    )

    if per_week < 1:
        raise BadInput("people label one ticket a week at least: say how many (--per-week)")
    if bundle is None:
        return Plan(per_week)
    policy, heard = Policies.current(conn).policy, unlabelled_tickets.look(conn, visible)
    first = label_goals.goals(bundle, policy, _arriving(conn), {}, per_week)
    found = label_goals.goals(bundle, policy, _arriving(conn), sample_selection.stock(heard, first), per_week)
    return Plan(
        per_week,
        tuple(found),
        tuple(sample_selection.wanted(heard, found, target)),
        tuple(sample_selection.doubtful(heard, target)),
    )


def _arriving(conn: Connection) -> float:
    """Tickets a week, of the last four or of all there are."""
    now = datetime.now(UTC)
    first = conn.scalar(select(func.min(TICKETS.c.received_at)))
    if first is None:
        return 0.0
    since = max(first, now - MONTH)
    n = conn.scalar(select(func.count()).where(TICKETS.c.received_at >= since)) or 0
    weeks: float = max((now - since) / timedelta(days=7), 1.0)
    return n / weeks


class Plans:
    """The plans of a running service, each for a minute: working one out reads two thousand tickets.

    They hold numbers of tickets and what is asked about them, never a ticket's texts or names: those are read anew
    whenever they are shown (`rows`), so that nothing outlives an erasure, whichever process made it. Safe to share
    between threads.
    """

    def __init__(self) -> None:
        """Nothing is worked out yet."""
        self._kept: TTLCache[tuple[Any, ...], tuple[float, Plan]] = TTLCache(PLANS, FORGOTTEN)
        self._lock = threading.Lock()

    def look(
        self,
        conn: Connection,
        bundle: "Bundle | None",
        per_week: int,
        visible: Collection[str] | None,
        longest: float = FRESH,
    ) -> Plan:
        """The plan as it was at most `longest` seconds ago; its tickets have a number and no texts."""
        key = (bundle.digest if bundle else "", per_week, None if visible is None else frozenset(visible))
        now = time.monotonic()
        with self._lock:
            kept = self._kept.get(key)
        if kept is None or now - kept[0] > longest:
            kept = now, _without_texts(plan(conn, bundle, per_week, visible))
            with self._lock:
                self._kept[key] = kept
        return kept[1]

    def labelled(self, number: int) -> None:
        """A ticket was labelled: it is wanted no more."""
        with self._lock:
            for key, (at, kept) in list(self._kept.items()):
                self._kept[key] = at, _without(kept, number)


def _without(kept: Plan, number: int) -> Plan:
    wanted, doubtful = (
        tuple(item for item in items if item.number != number) for items in (kept.wanted, kept.doubtful)
    )
    return replace(kept, wanted=wanted, doubtful=doubtful)


def _without_texts(made: Plan) -> Plan:
    wanted, doubtful = (tuple(map(_textless, items)) for items in (made.wanted, made.doubtful))
    return replace(made, wanted=wanted, doubtful=doubtful)


def _textless(item: "Item") -> "Item":
    filed = replace(item.heard.filed, ticket=Ticket(id=""), external_id=None, key=None)
    return replace(item, heard=replace(item.heard, filed=filed))


def rows(conn: Connection, items: Iterable["Item"], most: int) -> list[Mapping[str, Any]]:
    """The first `most` items with their tickets' texts as they are now; those whose ticket was erased are left out."""
    left = list(items)
    found: list[Mapping[str, Any]] = []
    while left and len(found) < most:
        part, left = left[:_CHUNK], left[_CHUNK:]
        wanted = READ.where(TICKETS.c.id.in_([item.number for item in part]), TICKETS.c.erased_at.is_(None))
        there = {row.id: filed(row).ticket for row in conn.execute(wanted)}
        found += [plainly(item, there[item.number]) for item in part if item.number in there]
    return found[:most]


def targets(said: str) -> Target | None:
    """The target of that name; None for none. Raises BadInput."""
    if said and said not in TARGETS:
        raise BadInput(f"there is no target {said[:50]!r}; choose from {', '.join(TARGETS)}")
    return next((one for one in TARGETS if one == said), None)


def plainly(item: "Item", ticket: Ticket) -> Mapping[str, Any]:
    """An item and its ticket as a row of a table, and as JSON knows it."""
    return {
        "ticket": item.number,
        "target": item.target,
        "stands": item.stands or "",
        "thinks": item.thinks,
        "confidence": round(item.confidence, 3),
        "why": item.why,
        "helps": item.goal.name if item.goal else "",
        "subject": ticket.subject[:200],
        "body": " ".join(ticket.body.split())[:1_000],
    }
