"""The tables of the report panels as CSV, with English column names that do not change.

Texts in the cells come from tickets, so a text that a spreadsheet would run as a formula is escaped.
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

_PROPORTION_COLUMNS: Final = ("correct", "total", "share", "low95", "high95")


def format_csv(name: str, figures: PanelFigures) -> str:
    """The table of a panel as CSV, with CRLF line ends. Raises NotFound for a panel without a table."""
    if name not in CSV_TABLES:
        raise NotFound(f"there is no table {name[:50]!r}")
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(
        [escape_formula(cell) for cell in row] for row in CSV_TABLES[name](figures)
    )
    return out.getvalue()


def escape_formula(cell: CsvCell) -> CsvCell:
    """The cell, with an apostrophe before a text that a spreadsheet would run as a formula.

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
        yield "routed", key, *_proportion_cells(one.routed_share)
        yield "correct_not_changed", key, *_proportion_cells(one.right)
        yield "correct_blind_review", key, *_proportion_cells(one.blind_review)
        yield "first_correct", key, *_proportion_cells(one.top1)
        yield "top3_correct", key, *_proportion_cells(one.top3)


def _contract_rows(figures: PanelFigures) -> Iterator[CsvRow]:
    yield (
        "label",
        "routed",
        "required_precision",
        *_PROPORTION_COLUMNS,
        "verdict",
        "evidence_correct",
        "evidence_total",
        "not_routed_reason",
    )
    for one in figures["contracts"]:
        yield (
            one.label,
            one.routed,
            one.required_precision,
            *_proportion_cells(one.right),
            one.status,
            one.evidence.right,
            one.evidence.n,
            one.reason,
        )


def _confusion_rows(figures: PanelFigures) -> Iterator[CsvRow]:
    found = figures["confusion"]
    names = [*found.labels, *(["(others)"] if found.other_labels else [])]
    yield "actual", *names
    for name, counts in zip(names, found.counts, strict=True):
        yield name, *counts


def _bounce_rows(figures: PanelFigures) -> Iterator[CsvRow]:
    yield "kind", "from", "to", "tickets"
    for was, became, n in figures["period"].moves:
        yield "reassigned", was, became, n
    for one, other, n in figures["period"].queue_pairs:
        yield "back_and_forth", one, other, n


def _response_time_rows(figures: PanelFigures) -> Iterator[CsvRow]:
    yield "measure", "tickets", "period", "n", "median", "p90"
    for key in ("period", "before"):
        for measure, groups in figures[key].items():
            for group, one in groups.items():
                yield measure, group, key, one.n, one.median, one.p90


def _workload_rows(figures: PanelFigures) -> Iterator[CsvRow]:
    yield "agent", "unsolved_now", "solved_in_period", "days_of_work"
    for one in figures["load"].agents:
        yield one.agent, one.unsolved, one.solved, one.days


def _volume_rows(figures: PanelFigures) -> Iterator[CsvRow]:
    yield "day", "tickets", "forecast", "low80", "high80", "week_before"
    ahead = figures["ahead"]
    for day, n in ahead.days.items():
        yield day.isoformat(), n, None, None, None, None
    forecast = ahead.forecast
    if forecast:
        for i, day in enumerate(ahead.next_days):
            yield day.isoformat(), None, forecast.best[i], *forecast.ranges[i], forecast.naive[i]


def _savings_rows(figures: PanelFigures) -> Iterator[CsvRow]:
    yield "estimate", "correct", "wrong", "minutes", "money"
    for name, key in (("not_changed", "saved"), ("blind_review", "blindly"), ("previous_period", "saved_before")):
        one = figures[key]
        if one:
            yield name, one.right.right, one.right.wrong, one.minutes, one.money


def _coverage_rows(figures: PanelFigures) -> Iterator[CsvRow]:
    yield "coverage", "precision", "series"
    for point in figures["curve"]:
        yield point.coverage, point.precision, "evidence"
    yield figures["period"].routed_share.share, figures["period"].right.share, "period"


def _satisfaction_rows(figures: PanelFigures) -> Iterator[CsvRow]:
    yield "stars", "tickets", "before"
    for stars, (now, before) in enumerate(zip(figures["period"].stars, figures["before"].stars, strict=True), 1):
        yield stars, now, before


CSV_TABLES: Final[Mapping[str, Callable[[PanelFigures], Iterator[CsvRow]]]] = {
    "accuracy": _accuracy_rows,
    "contracts": _contract_rows,
    "confusion": _confusion_rows,
    "bounces": _bounce_rows,
    "response-times": _response_time_rows,
    "workload": _workload_rows,
    "volume": _volume_rows,
    "savings": _savings_rows,
    "coverage": _coverage_rows,
    "satisfaction": _satisfaction_rows,
}
"""Panel name → the rows of its table, the header first."""
