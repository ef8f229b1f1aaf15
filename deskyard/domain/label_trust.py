"""Trust: how far a label may be believed, by who stands behind it.

A file from elsewhere says nothing of it: its labels are people's and count as one. The desk's own history says it of
each label (`deskyard.history.export`), in columns such as `queue_trust`. What a label that nobody spoke of is worth is
for training to find out (`training.fit.label_weights`).
"""

from collections.abc import Mapping
from typing import Final

BLIND_REVIEWS: Final = "blind"
"""A person sorted the ticket without seeing the machine's answer."""

CORRECTED: Final = "corrected"
"""A person chose it, and the machine had not."""

CONFIRMED: Final = "confirmed"
"""A person saw the machine's answer and agreed: who sees an answer leans to it."""

UNREVIEWED: Final = "untouched"
"""The machine set it, the ticket was solved so, and nobody said anything."""

REVIEWED_WEIGHTS: Final[Mapping[str, float]] = {BLIND_REVIEWS: 1.5, CORRECTED: 1.25, CONFIRMED: 1.0}
"""What a label of a person counts beside one (1.0) of a ticket that no machine had sorted."""

MAX_UNREVIEWED_WEIGHT: Final = 0.9
"""What a label counts at most that nobody spoke of."""

MIN_UNREVIEWED_WEIGHT: Final = 0.1
"""And at least: nobody has said that it is wrong either."""


def trust_column(target: str) -> str:
    """The column of a history that says it.

    >>> trust_column("queue")
    'queue_trust'
    """
    return f"{target}_trust"


def parse_trust(cell: str) -> str:
    """The trust that a cell names; "" where it names none.

    >>> parse_trust(" Blind"), parse_trust("who knows")
    ('blind', '')
    """
    cell = cell.strip().lower()
    return cell if cell in REVIEWED_WEIGHTS or cell == UNREVIEWED else ""
