"""Likeness: whether a ticket is about one of the learnt matters at all, or about something no label stands for.

In come four signs of a belief: its entropy, the largest margin, the similarity of the nearest past ticket, and the
share of the ticket's words and pairs that the history knows. Out goes one number, the log-odds that the ticket's label
was learnt; `training.strangers` fits the weights on tickets whose labels were left out on purpose. Confidence alone
can't tell: it is sure of the wrong label where the right one does not exist. Never looks at a ticket.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

SIGNS: Final = ("entropy", "margin", "nearest", "known")
"""What the weights of a likeness are for, after its intercept."""

UNGUARDED: Final = 0.0
"""The likeness of every ticket where no weights were fitted."""

_FLOOR: Final = 1e-3

Rows = npt.NDArray[np.floating[Any]]


def signs(beliefs: Rows, margins: Rows, nearest: Rows, known: Rows) -> npt.NDArray[np.float64]:
    """The signs (tickets x `SIGNS`) of `beliefs` and `margins` (tickets x labels), `nearest` and `known` (tickets)."""
    entropy = -(beliefs * np.log(np.maximum(beliefs, 1e-12))).sum(axis=-1)
    return np.column_stack([np.log(entropy + _FLOOR), margins.max(axis=-1), nearest, known]).astype(np.float64)


def likeness(found: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """The log-odds of each ticket; `UNGUARDED` without weights."""
    if not len(weights):
        return np.full(len(found), UNGUARDED, np.float32)
    return np.asarray(weights[0] + (found * weights[1:]).sum(axis=1), dtype=np.float32)
