"""Label work: what people should label next, and what that brings.

In come the desk and its model, out go goals and items (`deskyard.active_learning.label_goals`,
`deskyard.active_learning.sample_selection`); what somebody then says is kept by
`service.tickets.corrections.record_label`.
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
from deskyard.desk.tickets import SELECT_TICKETS, to_desk_ticket
from deskyard.domain.ticket import TARGETS, Target, Ticket
from deskyard.errors import BadInput
from deskyard.policy.versions import Policies

if TYPE_CHECKING:
    from deskyard.active_learning.label_goals import LabelGoal
    from deskyard.active_learning.sample_selection import LabelCandidate
    from deskyard.registry.bundle import Bundle

LABELS_PER_WEEK: Final = 50
"""Labels that people give a week, unless somebody says another number."""

ARRIVAL_WINDOW: Final = timedelta(days=28)
"""How far back tickets are counted, to know how many come in a week."""

MAX_AGE: Final = 60.0
"""Seconds for which a plan is taken as it is."""

MAX_STALE_AGE: Final = 600.0
"""Seconds after which one is worth nothing."""

PLANS: Final = 64
"""Plans that are kept: one for each pace and set of visible queues that somebody asked for lately."""

_CHUNK: Final = 500
"""Tickets that are read at once."""


@dataclass(frozen=True, slots=True)
class LabelPlan:
    """The goals, and the items of both kinds, the most useful first; `per_week`: labels that people give a week."""

    per_week: int
    goals: "tuple[LabelGoal, ...]" = ()
    unlabelled: "tuple[LabelCandidate, ...]" = ()
    doubtful: "tuple[LabelCandidate, ...]" = ()


def make_plan(
    conn: Connection,
    bundle: "Bundle | None",
    per_week: int,
    visible: Collection[str] | None = None,
    target: Target | None = None,
) -> LabelPlan:
    """What to label; without a model nothing is known to be worth it. Raises BadInput for a pace of none."""
    from deskyard.active_learning import (  # only here: without a model the service needs no learning library
        label_goals,
        sample_selection,
    )

    if per_week < 1:
        raise BadInput("people label one ticket a week at least: say how many (--per-week)")
    if bundle is None:
        return LabelPlan(per_week)
    policy, heard = Policies.current(conn).policy, unlabelled_tickets.load_recent_tickets(conn, visible)
    first = label_goals.plan_goals(bundle, policy, _tickets_per_week(conn), {}, per_week)
    found = label_goals.plan_goals(
        bundle, policy, _tickets_per_week(conn), sample_selection.count_unlabelled(heard, first), per_week
    )
    return LabelPlan(
        per_week,
        tuple(found),
        tuple(sample_selection.select_unlabelled(heard, found, target)),
        tuple(sample_selection.find_doubtful_labels(heard, target)),
    )


def _tickets_per_week(conn: Connection) -> float:
    """Tickets a week, of the last four or of all there are."""
    now = datetime.now(UTC)
    first = conn.scalar(select(func.min(TICKETS.c.received_at)))
    if first is None:
        return 0.0
    since = max(first, now - ARRIVAL_WINDOW)
    n = conn.scalar(select(func.count()).where(TICKETS.c.received_at >= since)) or 0
    weeks: float = max((now - since) / timedelta(days=7), 1.0)
    return n / weeks


class LabelPlanCache:
    """The plans of a running service, each for a minute: working one out reads two thousand tickets.

    They hold numbers of tickets and what is asked about them, never a ticket's texts or names: those are read anew
    whenever they are shown (`rows`), so that nothing outlives an erasure, whichever process made it. Safe to share
    between threads.
    """

    def __init__(self) -> None:
        """Nothing is worked out yet."""
        self._kept: TTLCache[tuple[Any, ...], tuple[float, LabelPlan]] = TTLCache(PLANS, MAX_STALE_AGE)
        self._lock = threading.Lock()

    def get(
        self,
        conn: Connection,
        bundle: "Bundle | None",
        per_week: int,
        visible: Collection[str] | None,
        max_age: float = MAX_AGE,
    ) -> LabelPlan:
        """The plan as it was at most `longest` seconds ago; its tickets have a number and no texts."""
        key = (bundle.digest if bundle else "", per_week, None if visible is None else frozenset(visible))
        now = time.monotonic()
        with self._lock:
            kept = self._kept.get(key)
        if kept is None or now - kept[0] > max_age:
            kept = now, _without_texts(make_plan(conn, bundle, per_week, visible))
            with self._lock:
                self._kept[key] = kept
        return kept[1]

    def drop_ticket(self, number: int) -> None:
        """A ticket was labelled: it is wanted no more."""
        with self._lock:
            for key, (at, kept) in list(self._kept.items()):
                self._kept[key] = at, _without_ticket(kept, number)


def _without_ticket(kept: LabelPlan, number: int) -> LabelPlan:
    wanted, doubtful = (
        tuple(item for item in items if item.ticket_id != number) for items in (kept.unlabelled, kept.doubtful)
    )
    return replace(kept, unlabelled=wanted, doubtful=doubtful)


def _without_texts(made: LabelPlan) -> LabelPlan:
    wanted, doubtful = (tuple(map(_textless, items)) for items in (made.unlabelled, made.doubtful))
    return replace(made, unlabelled=wanted, doubtful=doubtful)


def _textless(item: "LabelCandidate") -> "LabelCandidate":
    filed = replace(item.state.ticket, ticket=Ticket(id=""), external_id=None, key=None)
    return replace(item, state=replace(item.state, ticket=filed))


def rows(conn: Connection, items: Iterable["LabelCandidate"], most: int) -> list[Mapping[str, Any]]:
    """The first `most` items with their tickets' texts as they are now; those whose ticket was erased are left out."""
    left = list(items)
    found: list[Mapping[str, Any]] = []
    while left and len(found) < most:
        part, left = left[:_CHUNK], left[_CHUNK:]
        wanted = SELECT_TICKETS.where(
            TICKETS.c.id.in_([item.ticket_id for item in part]), TICKETS.c.erased_at.is_(None)
        )
        there = {row.id: to_desk_ticket(row).ticket for row in conn.execute(wanted)}
        found += [item_row(item, there[item.ticket_id]) for item in part if item.ticket_id in there]
    return found[:most]


def parse_target(name: str) -> Target | None:
    """The target of that name; None for none. Raises BadInput."""
    if name and name not in TARGETS:
        raise BadInput(f"there is no target {name[:50]!r}; choose from {', '.join(TARGETS)}")
    return next((one for one in TARGETS if one == name), None)


def item_row(item: "LabelCandidate", ticket: Ticket) -> Mapping[str, Any]:
    """An item and its ticket as a row of a table, and as JSON knows it."""
    return {
        "ticket": item.ticket_id,
        "target": item.target,
        "stands": item.current_label or "",
        "thinks": item.predicted_label,
        "confidence": round(item.confidence, 3),
        "why": item.reason,
        "helps": item.goal.name if item.goal else "",
        "subject": ticket.subject[:200],
        "body": " ".join(ticket.body.split())[:1_000],
    }
