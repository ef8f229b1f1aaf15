"""Queries of reports: the tickets that figures are about, and those behind one figure.

They are read from query parameters and give conditions on the tables of `deskyard.analytics.rollups`. A ticket belongs
to the day on which it was received, in the desk's time zone. A query for a queue counts tickets that were routed there
or are there now.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, or_

from deskyard.domain.taxonomy import TaxonomyChange, make_translator
from deskyard.domain.ticket import TARGETS
from deskyard.errors import BadInput

CURRENT_NAMES, ORIGINAL_NAMES = TAXONOMY_VIEWS = ("current", "original")
"""Which names of labels: those of today, or those of the day on which a ticket was received."""

DEFAULT_DAYS, MAX_DAYS = 30, 731
"""Days of a period: the usual number, and the most."""


@dataclass(frozen=True, slots=True)
class ReportQuery:
    """A period (both days included), a target, and where given a queue and a store. `visible_queues`: the queues whose
    tickets the reader may see (None: all). `taxonomy`: which names labels have (`TAXONOMY_VIEWS`);
    `taxonomy_changes`: the changes up to today, empty with original names."""

    first: date
    last: date
    target: str = "queue"
    queue: str = ""
    store: str = ""
    visible_queues: frozenset[str] | None = None
    taxonomy: str = CURRENT_NAMES
    taxonomy_changes: tuple[TaxonomyChange, ...] = ()

    @classmethod
    def from_params(
        cls,
        first: str,
        last: str,
        today: date,
        target: str = "queue",
        queue: str = "",
        store: str = "",
        visible: frozenset[str] | None = None,
        taxonomy: str = CURRENT_NAMES,
        taxonomy_changes: tuple[TaxonomyChange, ...] = (),
    ) -> "ReportQuery":
        """The query of texts from an address; by default of the last 30 days. Raises BadInput."""
        try:
            end = date.fromisoformat(last) if last else today
            begin = date.fromisoformat(first) if first else end - timedelta(days=DEFAULT_DAYS - 1)
        except ValueError as error:
            raise BadInput("write days as 2026-01-31") from error
        if not 0 < (end - begin).days + 1 <= MAX_DAYS or begin.year < 1900:
            raise BadInput(f"a period must begin before it ends and have at most {MAX_DAYS} days")
        if target not in TARGETS:
            raise BadInput(f"there is no target {target!r}; choose from {', '.join(TARGETS)}")
        if taxonomy not in TAXONOMY_VIEWS:
            raise BadInput(f"taxonomy is one of {', '.join(TAXONOMY_VIEWS)}")
        changes = taxonomy_changes if taxonomy == CURRENT_NAMES else ()
        current_queue = make_translator(changes, "queue")(queue) if queue else ""
        return cls(begin, end, target, current_queue, store, visible, taxonomy, changes)

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.last - self.first).days + 1

    @property
    def previous_period(self) -> "ReportQuery":
        """The same query for the period of equal length before."""
        return replace(self, first=self.first - timedelta(days=self.days), last=self.first - timedelta(days=1))

    def conditions(self, table: FromClause, *, any_day: bool = False) -> Iterator[ColumnElement[bool]]:
        """Conditions on a table, or on its view by `apply_taxonomy`; `any_day`: without the period."""
        if "target" in table.c:
            yield table.c.target == self.target
        if not any_day:
            yield table.c.day.between(self.first.isoformat(), self.last.isoformat())
        if self.queue:
            yield or_(table.c.placed == self.queue, table.c.queue == self.queue)
        if self.store:
            yield table.c.source == self.store
        if self.visible_queues is not None:
            yield (table.c.stands if "stands" in table.c else table.c.queue).in_(sorted(self.visible_queues))

    def to_params(self, ticket_filter: "DrillDownFilter | None" = None) -> dict[str, str]:
        """The query parameters of the same query, with those of a filter where given."""
        params = {"from": self.first.isoformat(), "to": self.last.isoformat(), "target": self.target}
        params |= {name: value for name, value in (("queue", self.queue), ("store", self.store)) if value}
        params |= {"taxonomy": self.taxonomy} if self.taxonomy != CURRENT_NAMES else {}
        return params | (ticket_filter.to_params() if ticket_filter else {})


@dataclass(frozen=True, slots=True)
class DrillDownFilter:
    """Which tickets of a report are listed: those that meet all conditions that are set.

    `outcome`: what became of the target (`routed`, `suggested`, `left`). `by`: who triaged the ticket (`machine`,
    `hand`). `rank` of the actual label among the predicted ones: `1`, `top3`, `wrong` (not the first), `known`,
    `unknown`. `predicted` and `actual`: a label; `..._others`: any label but these. `hour`: 0..23; `weekday`: 0
    (Monday)..6; `day`: an ISO date. `state`: `solved`, `unsolved`. `measure`: a response time that is known.
    `reassigned`: `reassigned`, `returned`. `moved_from` and `moved_to`: queues of one move. `queue_pair`: two queues
    between which the ticket went back and forth. `blind_review`: `answered`, `correct`, `wrong`. `stars`: 1..5, or 0
    for any rating. `any_day`: also tickets received outside the period.
    """

    outcome: str = ""
    by: str = ""
    rank: str = ""
    predicted: str | None = None
    actual: str | None = None
    predicted_others: tuple[str, ...] = ()
    actual_others: tuple[str, ...] = ()
    hour: int | None = None
    weekday: int | None = None
    day: str = ""
    agent: str | None = None
    state: str = ""
    measure: str = ""
    reassigned: str = ""
    moved_from: str = ""
    moved_to: str = ""
    queue_pair: tuple[str, ...] = ()
    blind_review: str = ""
    stars: int | None = None
    any_day: bool = field(default=False)

    def to_params(self) -> dict[str, Any]:
        """The query parameters of the conditions that are set."""
        found: dict[str, Any] = {}
        for name in _FILTER_FIELDS:
            value = getattr(self, name)
            if value or (value == 0 and value is not False):  # hour 0 is a condition
                found[name] = "1" if value is True else list(value) if isinstance(value, tuple) else str(value)
        for name in ("predicted", "actual", "agent"):  # for these an empty text is a condition
            if getattr(self, name) == "":
                found[name] = ""
        return found


_FILTER_FIELDS: Final = tuple(DrillDownFilter.__dataclass_fields__)
