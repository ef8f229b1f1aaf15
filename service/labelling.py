"""Label work: what people should label next, and what that brings.

In come the desk and its model, out go goals and items (`deskyard.goals`, `deskyard.worthwhile`); what somebody then
says is kept by `service.corrections.settle`.
"""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, func, select

from deskyard.db.tables.desk import TICKETS
from deskyard.desk import unspoken
from deskyard.errors import BadInput
from deskyard.policies import Policies
from deskyard.ticket import TARGETS, Target

if TYPE_CHECKING:
    from deskyard.bundle import Bundle
    from deskyard.goals import Goal
    from deskyard.worthwhile import Item

PER_WEEK: Final = 50
"""Labels that people give a week, unless somebody says another number."""

MONTH: Final = timedelta(days=28)
"""How far back tickets are counted, to know how many come in a week."""

FRESH: Final = 60.0
"""Seconds for which a plan is taken as it is."""

FORGOTTEN: Final = 600.0
"""Seconds after which one is worth nothing."""


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
    from deskyard import goals, worthwhile  # only here: without a model the service needs no learning library

    if per_week < 1:
        raise BadInput("people label one ticket a week at least: say how many (--per-week)")
    if bundle is None:
        return Plan(per_week)
    policy, heard = Policies.current(conn).policy, unspoken.look(conn, visible)
    first = goals.goals(bundle, policy, _arriving(conn), {}, per_week)
    found = goals.goals(bundle, policy, _arriving(conn), worthwhile.stock(heard, first), per_week)
    return Plan(
        per_week,
        tuple(found),
        tuple(worthwhile.wanted(heard, found, target)),
        tuple(worthwhile.doubtful(heard, target)),
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


@dataclass
class Plans:
    """The plans of a running service, each for a minute: working one out reads two thousand tickets."""

    _kept: dict[tuple[Any, ...], tuple[float, Plan]] = field(default_factory=dict)

    def look(
        self,
        conn: Connection,
        bundle: "Bundle | None",
        per_week: int,
        visible: Collection[str] | None,
        longest: float = FRESH,
    ) -> Plan:
        """As it was at most so many seconds ago."""
        key = (bundle.digest if bundle else "", per_week, None if visible is None else frozenset(visible))
        now, kept = time.monotonic(), self._kept.get(key)
        if kept is None or now - kept[0] > longest:
            self._kept = {key: one for key, one in self._kept.items() if now - one[0] <= FORGOTTEN}
            kept = self._kept[key] = now, plan(conn, bundle, per_week, visible)
        return kept[1]

    def labelled(self, number: int) -> None:
        """A ticket was labelled: it is wanted no more."""
        self._kept = {key: (at, _without(kept, number)) for key, (at, kept) in self._kept.items()}


def _without(kept: Plan, number: int) -> Plan:
    wanted, doubtful = (
        tuple(item for item in items if item.number != number) for items in (kept.wanted, kept.doubtful)
    )
    return replace(kept, wanted=wanted, doubtful=doubtful)


def targets(said: str) -> Target | None:
    """The target of that name; None for none. Raises BadInput."""
    if said and said not in TARGETS:
        raise BadInput(f"there is no target {said[:50]!r}; choose from {', '.join(TARGETS)}")
    return next((one for one in TARGETS if one == said), None)


def plainly(item: "Item") -> Mapping[str, Any]:
    """An item as a row of a table, and as JSON knows it."""
    filed = item.heard.filed
    return {
        "ticket": filed.id,
        "target": item.target,
        "stands": item.stands or "",
        "thinks": item.thinks,
        "confidence": round(item.confidence, 3),
        "why": item.why,
        "helps": item.goal.name if item.goal else "",
        "subject": filed.ticket.subject[:200],
        "body": " ".join(filed.ticket.body.split())[:1_000],
    }
