"""Metrics by language, channel, text length and month.

Slices with fewer than `MIN_TICKETS` tickets, and all but the `MAX_SLICES` largest, are counted together as the rest.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from deskyard.guarantees.intervals import interval
from deskyard.text.cleaning import detect_language
from training.data_audit.case import AuditCase
from training.report.holdout_target import HoldoutTarget

MIN_TICKETS: Final = 20
MAX_SLICES: Final = 24

LENGTH_NAMES: Final = ("short", "medium", "long")

SliceMembership = Mapping[str, Mapping[int, str]]
"""Dimension → position of a holdout ticket → its slice; "" where unknown."""


def assign_slices(case: AuditCase) -> SliceMembership:
    """The slices of each holdout ticket; a dimension with a single slice is left out."""
    positions = case.holdout.positions.tolist()
    sizes = {i: len(case.tickets[i].subject) + len(case.tickets[i].body) for i in positions}
    edges = np.quantile(list(sizes.values()), [1 / 3, 2 / 3])
    of: dict[str, Callable[[int], str]] = {
        "language": lambda i: _ticket_language(case, i),
        "channel": lambda i: case.tickets[i].channel.strip(),
        "length": lambda i: LENGTH_NAMES[int(np.searchsorted(edges, sizes[i]))],
        "month": lambda i: at.strftime("%Y-%m") if (at := case.tickets[i].created_at) else "",
    }
    found = {name: {i: where(i) for i in positions} for name, where in of.items()}
    return {name: where for name, where in found.items() if len(set(where.values())) > 1}


def _ticket_language(case: AuditCase, position: int) -> str:
    """The ticket's language, or else the one detected from its text."""
    ticket = case.tickets[position]
    return ticket.language.strip().lower() or detect_language(f"{ticket.subject}\n{ticket.body}")


def slice_metrics(holdout: HoldoutTarget, membership: SliceMembership) -> dict[str, list[dict[str, Any]]]:
    """The metrics of each slice, by dimension: months in order, lengths from short to long, others by size; the rest
    last.

    A dimension with fewer than two slices is left out.
    """
    rows = {name: _dimension_rows(holdout, name, where) for name, where in membership.items()}
    return {name: some for name, some in rows.items() if sum(row["name"] is not None for row in some) > 1}


def _dimension_rows(holdout: HoldoutTarget, dimension: str, where: Mapping[int, str]) -> list[dict[str, Any]]:
    slices = np.array([where[int(i)] for i in holdout.positions], dtype=object)
    names, counts = np.unique(slices.astype(str), return_counts=True)
    order = np.lexsort((names, -counts))[:MAX_SLICES]
    kept = [str(names[i]) for i in order if counts[i] >= MIN_TICKETS and names[i]]
    if dimension == "month":
        kept.sort()
    if dimension == "length":
        kept.sort(key=LENGTH_NAMES.index)
    rows = [_slice_row(holdout, name, slices == name) for name in kept]
    rest = ~np.isin(slices.astype(str), kept)
    return [*rows, _slice_row(holdout, None, rest)] if rest.any() else rows


def _slice_row(holdout: HoldoutTarget, name: str | None, here: npt.NDArray[np.bool_]) -> dict[str, Any]:
    n, right = int(here.sum()), int(holdout.right[here].sum())
    routed = here & holdout.routed
    return {
        "name": name,
        "n": n,
        "right": right,
        "accuracy": interval(right, n),
        "routed": int(routed.sum()),
        "routed_right": int((routed & holdout.right).sum()),
    }
