"""The label plan: which tickets people should label next, and which contracts that completes.

It consists of goals (`deskyard.active_learning.label_goals`) and candidates
(`deskyard.active_learning.sample_selection`). The labels that people then give are stored by
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
"""Default for the labels that people can give in a week."""

ARRIVAL_WINDOW: Final = timedelta(days=28)
"""The period over which arriving tickets are counted."""

MAX_AGE: Final = 60.0
"""Seconds for which a plan is used without recomputing it."""

MAX_STALE_AGE: Final = 600.0
"""Seconds after which a plan is dropped."""

MAX_PLANS: Final = 64
"""Most plans in the cache, one for each number of labels a week and set of visible queues."""

_BATCH_SIZE: Final = 500
"""Tickets that are read in one query."""


@dataclass(frozen=True, slots=True)
class LabelPlan:
    """The goals, and the tickets without and with a doubtful label, the most useful first; `per_week`: labels that
    people can give in a week."""

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
    """The label plan, empty without a model. `visible`: the queues whose tickets may be shown, None: all. `target`:
    only candidates of this target. Raises BadInput if `per_week` is below 1."""
    # Imported here so that the service starts without machine-learning libraries.
    from deskyard.active_learning import label_goals, sample_selection

    if per_week < 1:
        raise BadInput("--per-week must be at least 1")
    if bundle is None:
        return LabelPlan(per_week)
    policy, states = Policies.current(conn).policy, unlabelled_tickets.load_recent_tickets(conn, visible)
    tickets_per_week = _tickets_per_week(conn)
    first_goals = label_goals.plan_goals(bundle, policy, tickets_per_week, {}, per_week)
    unlabelled_counts = sample_selection.count_unlabelled(states, first_goals)
    goals = label_goals.plan_goals(bundle, policy, tickets_per_week, unlabelled_counts, per_week)
    return LabelPlan(
        per_week,
        tuple(goals),
        tuple(sample_selection.select_unlabelled(states, goals, target)),
        tuple(sample_selection.find_doubtful_labels(states, target)),
    )


def _tickets_per_week(conn: Connection) -> float:
    """Tickets that arrive a week, averaged over the last four weeks, or over all weeks if there are fewer."""
    now = datetime.now(UTC)
    first = conn.scalar(select(func.min(TICKETS.c.received_at)))
    if first is None:
        return 0.0
    since = max(first, now - ARRIVAL_WINDOW)
    n = conn.scalar(select(func.count()).where(TICKETS.c.received_at >= since)) or 0
    weeks: float = max((now - since) / timedelta(days=7), 1.0)
    return n / weeks


class LabelPlanCache:
    """Caches plans for a minute each, because making one reads two thousand tickets; safe to share between threads.

    Cached plans hold the numbers of tickets and their labels, never texts or names. Those are read whenever they are
    shown (`item_rows`), so that nothing outlives an erasure, whichever process made it.
    """

    def __init__(self) -> None:
        """An empty cache."""
        self._plans: TTLCache[tuple[Any, ...], tuple[float, LabelPlan]] = TTLCache(MAX_PLANS, MAX_STALE_AGE)
        self._lock = threading.Lock()

    def get(
        self,
        conn: Connection,
        bundle: "Bundle | None",
        per_week: int,
        visible: Collection[str] | None,
        max_age: float = MAX_AGE,
    ) -> LabelPlan:
        """A plan that is at most `max_age` seconds old; its tickets have a number and no texts."""
        key = (bundle.digest if bundle else "", per_week, None if visible is None else frozenset(visible))
        now = time.monotonic()
        with self._lock:
            entry = self._plans.get(key)
        if entry is None or now - entry[0] > max_age:
            entry = now, _without_texts(make_plan(conn, bundle, per_week, visible))
            with self._lock:
                self._plans[key] = entry
        return entry[1]

    def drop_ticket(self, number: int) -> None:
        """Remove a ticket from all cached plans, because a person labelled it."""
        with self._lock:
            for key, (made_at, plan) in list(self._plans.items()):
                self._plans[key] = made_at, _without_ticket(plan, number)


def _without_ticket(plan: LabelPlan, number: int) -> LabelPlan:
    unlabelled, doubtful = (
        tuple(item for item in items if item.ticket_id != number) for items in (plan.unlabelled, plan.doubtful)
    )
    return replace(plan, unlabelled=unlabelled, doubtful=doubtful)


def _without_texts(plan: LabelPlan) -> LabelPlan:
    unlabelled, doubtful = (tuple(map(_without_text, items)) for items in (plan.unlabelled, plan.doubtful))
    return replace(plan, unlabelled=unlabelled, doubtful=doubtful)


def _without_text(item: "LabelCandidate") -> "LabelCandidate":
    ticket = replace(item.state.ticket, ticket=Ticket(id=""), external_id=None, key=None)
    return replace(item, state=replace(item.state, ticket=ticket))


def item_rows(conn: Connection, items: Iterable["LabelCandidate"], limit: int) -> list[Mapping[str, Any]]:
    """The first `limit` candidates with the present texts of their tickets, without those whose ticket was erased."""
    remaining = list(items)
    rows: list[Mapping[str, Any]] = []
    while remaining and len(rows) < limit:
        batch, remaining = remaining[:_BATCH_SIZE], remaining[_BATCH_SIZE:]
        query = SELECT_TICKETS.where(
            TICKETS.c.id.in_([item.ticket_id for item in batch]), TICKETS.c.erased_at.is_(None)
        )
        tickets = {row.id: to_desk_ticket(row).ticket for row in conn.execute(query)}
        rows += [item_row(item, tickets[item.ticket_id]) for item in batch if item.ticket_id in tickets]
    return rows[:limit]


def parse_target(name: str) -> Target | None:
    """The target of that name; None for "". Raises BadInput for an unknown name."""
    if name and name not in TARGETS:
        raise BadInput(f"there is no target {name[:50]!r}; choose from {', '.join(TARGETS)}")
    return next((one for one in TARGETS if one == name), None)


def item_row(item: "LabelCandidate", ticket: Ticket) -> Mapping[str, Any]:
    """A candidate and its ticket as a row of a table or a JSON object."""
    return {
        "ticket": item.ticket_id,
        "target": item.target,
        "current_label": item.current_label or "",
        "predicted_label": item.predicted_label,
        "confidence": round(item.confidence, 3),
        "reason": item.reason,
        "goal": item.goal.name if item.goal else "",
        "subject": ticket.subject[:200],
        "body": " ".join(ticket.body.split())[:1_000],
    }
