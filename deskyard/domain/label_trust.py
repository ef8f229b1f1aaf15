"""How far a label of a history can be trusted, by who is responsible for it.

Other systems' files do not say it: their labels count as set by people, with weight one. The built-in desk's own
history says it of each label (`deskyard.history.export`), in columns such as `queue_trust`. The weight of labels that
nobody reviewed is estimated in training (`training.fit.label_weights`).
"""

from collections.abc import Mapping
from typing import Final

BLIND: Final = "blind"
"""A person triaged the ticket without seeing the prediction."""

CORRECTED: Final = "corrected"
"""A person chose it, and it had not been predicted."""

CONFIRMED: Final = "confirmed"
"""A person saw the prediction and agreed; this counts less, because people tend to agree with what they see."""

UNREVIEWED: Final = "unreviewed"
"""The model set it, the ticket was solved with it, and nobody reviewed it."""

_FORMER_VALUES: Final[Mapping[str, str]] = {"untouched": UNREVIEWED}
"""Values that version 0.1 wrote."""

REVIEWED_WEIGHTS: Final[Mapping[str, float]] = {BLIND: 1.5, CORRECTED: 1.25, CONFIRMED: 1.0}
"""Weights of labels set by people; a label of a ticket that no model had routed has weight 1.0."""

MAX_UNREVIEWED_WEIGHT: Final = 0.9
"""Maximum weight of a label that nobody reviewed."""

MIN_UNREVIEWED_WEIGHT: Final = 0.1
"""Minimum weight of such a label: nobody has called it wrong."""


def trust_column(target: str) -> str:
    """The column of a history with the trust of a target's labels.

    >>> trust_column("queue")
    'queue_trust'
    """
    return f"{target}_trust"


def parse_trust(cell: str) -> str:
    """The trust value of a cell; "" where it holds none. Values of version 0.1 are read as those of today.

    >>> parse_trust(" Blind"), parse_trust("untouched"), parse_trust("who knows")
    ('blind', 'unreviewed', '')
    """
    cell = cell.strip().lower()
    cell = _FORMER_VALUES.get(cell, cell)
    return cell if cell in REVIEWED_WEIGHTS or cell == UNREVIEWED else ""
