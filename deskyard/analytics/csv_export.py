"""Sheets: the tables of the panels as CSV, with English names of columns that stay.

What stands in a cell comes from tickets: a cell that a spreadsheet would take for a formula begins with an apostrophe.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from deskyard.analytics.intervals import Proportion
from deskyard.errors import NotFound

PanelFigures = Mapping[str, Any]
CsvCell = str | int | float | None
CsvRow = Sequence[CsvCell]

FORMULA_PREFIXES: Final = ("=", "+", "-", "@", "\t", "\r")

_PROPORTION_COLUMNS: Final = ("right", "of", "share", "low95", "high95")


def format_csv(name: str, figures: PanelFigures) -> str:
    """A panel's table. Raises NotThere for one that has none."""
    if name not in CSV_TABLES:
        raise NotFound(f"there is no table {name[:50]!r}")
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(
        [escape_formula(cell) for cell in row] for row in CSV_TABLES[name](figures)
    )
    return out.getvalue()


def escape_formula(cell: CsvCell) -> CsvCell:
    """A cell that no spreadsheet runs.

    >>> escape_formula("=1+1"), escape_formula("VPN"), escape_formula(-3)
    ("'=1+1", 'VPN', -3)
    """
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_PREFIXES) else cell


def _proportion_cells(proportion: Proportion) -> CsvRow:
    low, high = proportion.interval or (None, None)
    return proportion.right, proportion.n, proportion.share, low, high


def _accuracy_rows(figures: PanelFigures) -> Iterator[CsvRow]:
    yield "figure", "period", *_PROPORTION_COLUMNS
    for key in ("period", "before"):
        one = figures[key]
        yield "routed of all", key, *_proportion_cells(one.share_routed)
        yield "routed, not changed", key, *_proportion_cells(one.right)
        yield "routed, sorted blindly", key, *_proportion_cells(one.blind)
        yield "first word right", key, *_proportion_cells(one.first)
        yield "right one among three", key, *_proportion_cells(one.top3)


def _contract_rows(figures: PanelFigures) -> Iterator[CsvRow]:
    yield (
        "label",
        "routed",
        "promised",
        *_PROPORTION_COLUMNS,
        "verdict",
        "evidence_right",
        "evidence_of",
        "not_routed_because",
    )
    for one in figures["promises"]:
        yield (
            one.label, one.routed, one.promised, *_proportion_cells(one.right), one.verdict, one.evidence.right, one.evidence.n,
            one.reason,
        )  # fmt: skip


def _confusion_rows(figures: PanelFigures) -> Iterator[CsvRow]:
    found = figures["confusion"]
    names = [*found.labels, *(["(others)"] if found.other_labels else [])]
    yield "truth", *names
    for name, counts in zip(names, found.counts, strict=True):
        yield name, *counts


def _bounce_rows(figures: PanelFigures) -> Iterator[CsvRow]:
    yield "what", "from", "to", "tickets"
    for was, became, n in figures["period"].moves:
        yield "moved", was, became, n
    for one, other, n in figures["period"].pairs:
        yield "to and fro", one, other, n


def _response_time_rows(figures: PanelFigures) -> Iterator[CsvRow]:
    yield "measure", "tickets", "period", "n", "median", "p90"
    for key in ("period", "before"):
        for measure, groups in figures[key].items():
            for group, one in groups.items():
                yield measure, group, key, one.n, one.median, one.p90


def _workload_rows(figures: PanelFigures) -> Iterator[CsvRow]:
    yield "agent", "unsolved_now", "solved_of_period", "days_of_work"
    for one in figures["load"].agents:
        yield one.agent, one.unsolved, one.solved, one.days


def _volume_rows(figures: PanelFigures) -> Iterator[CsvRow]:
    yield "day", "tickets", "forecast", "low80", "high80", "week_before"
    ahead = figures["ahead"]
    for day, n in ahead.days.items():
        yield day.isoformat(), n, None, None, None, None
    next_days = ahead.forecast
    if next_days:
        for i, day in enumerate(ahead.next_days):
            yield day.isoformat(), None, next_days.shown[i], *next_days.ranges[i], next_days.naive[i]


def _savings_rows(figures: PanelFigures) -> Iterator[CsvRow]:
    yield "by", "right", "wrong", "minutes", "money"
    for name, key in (("not changed", "saved"), ("blind estimate", "blindly"), ("period before", "saved_before")):
        one = figures[key]
        if one:
            yield name, one.right.right, one.right.wrong, one.minutes, one.money


def _coverage_rows(figures: PanelFigures) -> Iterator[CsvRow]:
    yield "coverage", "precision", "what"
    for point in figures["curve"]:
        yield point.coverage, point.precision, "evidence"
    yield figures["period"].share_routed.share, figures["period"].right.share, "period"


def _satisfaction_rows(figures: PanelFigures) -> Iterator[CsvRow]:
    yield "stars", "tickets", "before"
    for stars, (now, before) in enumerate(zip(figures["period"].stars, figures["before"].stars, strict=True), 1):
        yield stars, now, before


CSV_TABLES: Final[Mapping[str, Callable[[PanelFigures], Iterator[CsvRow]]]] = {
    "right": _accuracy_rows,
    "promises": _contract_rows,
    "confusion": _confusion_rows,
    "bounces": _bounce_rows,
    "speed": _response_time_rows,
    "load": _workload_rows,
    "volume": _volume_rows,
    "savings": _savings_rows,
    "coverage": _coverage_rows,
    "ratings": _satisfaction_rows,
}
