"""What is asked: which tickets the figures are about, and which of them stand behind one figure.

In come the parts of an address, out go conditions for the tables of `deskyard.analytics.rollups`. A ticket belongs to
the day it came, in the desk's time zone. Asked for a queue, it counts where it was placed there or is there now.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, or_

from deskyard.domain.taxonomy import TaxonomyChange, make_translator
from deskyard.domain.ticket import TARGETS
from deskyard.errors import BadInput

CURRENT_NAMES, ORIGINAL_NAMES = TAXONOMY_VIEWS = ("now", "then")
"""In whose names: of today, or of the day on which a ticket came."""

DEFAULT_DAYS, MAX_DAYS = 30, 731
"""Days of a period."""


@dataclass(frozen=True, slots=True)
class ReportQuery:
    """A period (both days are in it), a target, perhaps a queue and a store; `visible`: the queues whose tickets the
    reader may see (None: all). `taxonomy`: in whose names it is told (`TAXONOMY_VIEWS`), and `turns`: what became of
    labels by today, where that is asked for."""

    first: date
    last: date
    target: str = "queue"
    queue: str = ""
    store: str = ""
    visible_queues: frozenset[str] | None = None
    taxonomy: str = "now"
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
        """From the texts of an address; the last 30 days unless said. `turns` hold today. Raises BadInput."""
        try:
            end = date.fromisoformat(last) if last else today
            begin = date.fromisoformat(first) if first else end - timedelta(days=DEFAULT_DAYS - 1)
        except ValueError as error:
            raise BadInput("write days as 2026-01-31") from error
        if not 0 < (end - begin).days + 1 <= MAX_DAYS or begin.year < 1900:
            raise BadInput(f"a period begins before it ends, and has {MAX_DAYS} days at most")
        if target not in TARGETS:
            raise BadInput(f"there is no target {target!r}; choose from {', '.join(TARGETS)}")
        if taxonomy not in TAXONOMY_VIEWS:
            raise BadInput(f"taxonomy is one of {', '.join(TAXONOMY_VIEWS)}")
        held = taxonomy_changes if taxonomy == CURRENT_NAMES else ()
        return cls(
            begin, end, target, make_translator(held, "queue")(queue) if queue else "", store, visible, taxonomy, held
        )

    @property
    def days(self) -> int:
        """How many."""
        return (self.last - self.first).days + 1

    @property
    def previous_period(self) -> "ReportQuery":
        """The same of the period before, which is as long."""
        return replace(self, first=self.first - timedelta(days=self.days), last=self.first - timedelta(days=1))

    def conditions(self, table: FromClause, *, any_day: bool = False) -> Iterator[ColumnElement[bool]]:
        """Conditions on a table, or on what `apply_taxonomy` made of it; `ever`: of whatever day."""
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
        """The parts of an address that asks the same, and for the tickets behind a figure."""
        said = {"from": self.first.isoformat(), "to": self.last.isoformat(), "target": self.target}
        said |= {name: value for name, value in (("queue", self.queue), ("store", self.store)) if value}
        said |= {"taxonomy": self.taxonomy} if self.taxonomy != CURRENT_NAMES else {}
        return said | (ticket_filter.to_params() if ticket_filter else {})


@dataclass(frozen=True, slots=True)
class DrillDownFilter:
    """The tickets behind one figure: each part that is said narrows them down.

    `fate` is that of the target, `by` (`machine`, `hand`) who sorted the ticket. `place`: 1, `top3`, `wrong` (not the
    first), `known`, `unknown`. `state`: `solved`, `unsolved`. `speed`: a measure that there is a figure of. `moved`:
    `moved`, `returned`. `pair`: two queues between which a ticket went to and fro. `blind`: `right`, `wrong`, `asked`.
    `stars`: 1..5, or 0 for any. `ever`: whatever day it came. `..._others`: labels that are not meant.
    """

    fate: str = ""
    by: str = ""
    place: str = ""
    said: str | None = None
    truth: str | None = None
    said_others: tuple[str, ...] = ()
    truth_others: tuple[str, ...] = ()
    hour: int | None = None
    weekday: int | None = None
    day: str = ""
    agent: str | None = None
    state: str = ""
    speed: str = ""
    moved: str = ""
    was: str = ""
    became: str = ""
    pair: tuple[str, ...] = ()
    blind: str = ""
    stars: int | None = None
    ever: bool = field(default=False)

    def to_params(self) -> dict[str, Any]:
        """The parts of an address that says so."""
        found: dict[str, Any] = {}
        for name in _FILTER_FIELDS:
            value = getattr(self, name)
            if value or (value == 0 and value is not False):  # the first hour is an hour
                found[name] = "1" if value is True else list(value) if isinstance(value, tuple) else str(value)
        for name in ("said", "truth", "agent"):  # for them, nothing is a value too
            if getattr(self, name) == "":
                found[name] = ""
        return found


_FILTER_FIELDS: Final = tuple(DrillDownFilter.__dataclass_fields__)
