"""Sheets: the tables of the panels as CSV, with English names of columns that stay.

What stands in a cell comes from tickets: a cell that a spreadsheet would take for a formula begins with an apostrophe.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from deskyard.analytics.intervals import Share
from deskyard.errors import NotThere

Figures = Mapping[str, Any]
Cell = str | int | float | None
Row = Sequence[Cell]

FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")

_SHARE: Final = ("right", "of", "share", "low95", "high95")


def written(name: str, figures: Figures) -> str:
    """A panel's table. Raises NotThere for one that has none."""
    if name not in SHEETS:
        raise NotThere(f"there is no table {name[:50]!r}")
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([safe(cell) for cell in row] for row in SHEETS[name](figures))
    return out.getvalue()


def safe(cell: Cell) -> Cell:
    """A cell that no spreadsheet runs.

    >>> safe("=1+1"), safe("VPN"), safe(-3)
    ("'=1+1", 'VPN', -3)
    """
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULAS) else cell


def _share(one: Share) -> Row:
    low, high = one.interval or (None, None)
    return one.right, one.n, one.share, low, high


def _right(figures: Figures) -> Iterator[Row]:
    yield "figure", "period", *_SHARE
    for key in ("period", "before"):
        one = figures[key]
        yield "routed of all", key, *_share(one.share_routed)
        yield "routed, not changed", key, *_share(one.right)
        yield "routed, sorted blindly", key, *_share(one.blind)
        yield "first word right", key, *_share(one.first)
        yield "right one among three", key, *_share(one.three)


def _promises(figures: Figures) -> Iterator[Row]:
    yield "label", "routed", "promised", *_SHARE, "verdict", "evidence_right", "evidence_of", "not_routed_because"
    for one in figures["promises"]:
        yield (
            one.label, one.routed, one.promised, *_share(one.right), one.verdict, one.evidence.right, one.evidence.n,
            one.reason,
        )  # fmt: skip


def _confusion(figures: Figures) -> Iterator[Row]:
    found = figures["confusion"]
    names = [*found.labels, *(["(others)"] if found.others else [])]
    yield "truth", *names
    for name, counts in zip(names, found.counts, strict=True):
        yield name, *counts


def _bounces(figures: Figures) -> Iterator[Row]:
    yield "what", "from", "to", "tickets"
    for was, became, n in figures["period"].moves:
        yield "moved", was, became, n
    for one, other, n in figures["period"].pairs:
        yield "to and fro", one, other, n


def _speed(figures: Figures) -> Iterator[Row]:
    yield "measure", "tickets", "period", "n", "median", "p90"
    for key in ("period", "before"):
        for measure, groups in figures[key].items():
            for group, one in groups.items():
                yield measure, group, key, one.n, one.median, one.p90


def _load(figures: Figures) -> Iterator[Row]:
    yield "agent", "unsolved_now", "solved_of_period", "days_of_work"
    for one in figures["load"].burdens:
        yield one.agent, one.unsolved, one.solved, one.days


def _volume(figures: Figures) -> Iterator[Row]:
    yield "day", "tickets", "forecast", "low80", "high80", "week_before"
    ahead = figures["ahead"]
    for day, n in ahead.days.items():
        yield day.isoformat(), n, None, None, None, None
    next_days = ahead.forecast
    if next_days:
        for i, day in enumerate(ahead.next):
            yield day.isoformat(), None, next_days.shown[i], *next_days.ranges[i], next_days.naive[i]


def _savings(figures: Figures) -> Iterator[Row]:
    yield "by", "right", "wrong", "minutes", "money"
    for name, key in (("not changed", "saved"), ("blind estimate", "blindly"), ("period before", "saved_before")):
        one = figures[key]
        if one:
            yield name, one.right.right, one.right.wrong, one.minutes, one.money


def _coverage(figures: Figures) -> Iterator[Row]:
    yield "coverage", "precision", "what"
    for point in figures["curve"]:
        yield point.coverage, point.precision, "evidence"
    yield figures["period"].share_routed.share, figures["period"].right.share, "period"


def _ratings(figures: Figures) -> Iterator[Row]:
    yield "stars", "tickets", "before"
    for stars, (now, before) in enumerate(zip(figures["period"].stars, figures["before"].stars, strict=True), 1):
        yield stars, now, before


SHEETS: Final[Mapping[str, Callable[[Figures], Iterator[Row]]]] = {
    "right": _right,
    "promises": _promises,
    "confusion": _confusion,
    "bounces": _bounces,
    "speed": _speed,
    "load": _load,
    "volume": _volume,
    "savings": _savings,
    "coverage": _coverage,
    "ratings": _ratings,
}
