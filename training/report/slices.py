"""Slices: the same figures for a language, a channel, a length and a month, so that an average hides nothing.

A slice of fewer than `FEWEST` tickets, and all beyond the `MOST` largest, are counted together as the rest.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from deskyard.guarantees.intervals import interval
from deskyard.text.cleaning import language
from training.data_audit.case import Case
from training.report.judged_target import JudgedTarget

FEWEST: Final = 20
MOST: Final = 24

LENGTHS: Final = ("short", "medium", "long")

Places = Mapping[str, Mapping[int, str]]
"""Dimension → position of a judged ticket → its slice; "" where that is not known."""


def places(case: Case) -> Places:
    """Where each judged ticket belongs; a dimension that is the same for all is left out."""
    asked = case.apart.positions.tolist()
    sizes = {i: len(case.tickets[i].subject) + len(case.tickets[i].body) for i in asked}
    edges = np.quantile(list(sizes.values()), [1 / 3, 2 / 3])
    of: dict[str, Callable[[int], str]] = {
        "language": lambda i: _language(case, i),
        "channel": lambda i: case.tickets[i].channel.strip(),
        "length": lambda i: LENGTHS[int(np.searchsorted(edges, sizes[i]))],
        "month": lambda i: at.strftime("%Y-%m") if (at := case.tickets[i].created_at) else "",
    }
    found = {name: {i: where(i) for i in asked} for name, where in of.items()}
    return {name: where for name, where in found.items() if len(set(where.values())) > 1}


def _language(case: Case, position: int) -> str:
    """What the ticket says, else what its letters tell."""
    ticket = case.tickets[position]
    return ticket.language.strip().lower() or language(f"{ticket.subject}\n{ticket.body}")


def slices(one: JudgedTarget, found: Places) -> dict[str, list[dict[str, Any]]]:
    """The figures of each slice, by dimension: months in order, lengths from short, others by size; the rest last.

    A dimension with less than two slices to compare is left out.
    """
    rows = {name: _rows(one, name, where) for name, where in found.items()}
    return {name: some for name, some in rows.items() if sum(row["name"] is not None for row in some) > 1}


def _rows(one: JudgedTarget, dimension: str, where: Mapping[int, str]) -> list[dict[str, Any]]:
    mine = np.array([where[int(i)] for i in one.positions], dtype=object)
    names, counts = np.unique(mine.astype(str), return_counts=True)
    order = np.lexsort((names, -counts))[:MOST]
    kept = [str(names[i]) for i in order if counts[i] >= FEWEST and names[i]]
    if dimension == "month":
        kept.sort()
    if dimension == "length":
        kept.sort(key=LENGTHS.index)
    rows = [_row(one, name, mine == name) for name in kept]
    rest = ~np.isin(mine.astype(str), kept)
    return [*rows, _row(one, None, rest)] if rest.any() else rows


def _row(one: JudgedTarget, name: str | None, here: npt.NDArray[np.bool_]) -> dict[str, Any]:
    n, right = int(here.sum()), int(one.right[here].sum())
    gone = here & one.routed
    return {
        "name": name,
        "n": n,
        "right": right,
        "accuracy": interval(right, n),
        "routed": int(gone.sum()),
        "routed_right": int((gone & one.right).sum()),
    }
