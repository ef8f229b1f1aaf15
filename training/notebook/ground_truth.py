"""What is wrong with a synthetic ticket itself: read from the side file that only a simulated desk has.

In comes `<stem>.truth.csv` (data/README.md), out goes a word for each id. A real history has no such file: there people
have to look.
"""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from deskyard.domain.ticket import Target

QUALITIES: Final[Mapping[str, str]] = {
    "noisy_queue": "recorded in a wrong queue",
    "vague": "says nothing",
    "ambiguous": "words that fit several troubles",
}
"""Flag → what it means, the gravest first: a ticket with several bears the first."""

NO_ISSUE: Final = "nothing wrong with it"


def read_qualities(path: Path | str) -> dict[str, str]:
    """Each ticket's id → one of `QUALITIES`, or `NO_ISSUE`."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        return {row["id"]: _worst_quality(row["flags"].split()) for row in csv.DictReader(file)}


def read_true_labels(path: Path | str, target: Target) -> dict[str, str]:
    """Each ticket's id → the label of a target that is true, whatever was recorded."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        return {row["id"]: row[f"true_{target}"] for row in csv.DictReader(file)}


def _worst_quality(flags: list[str]) -> str:
    """The gravest.

    >>> _worst_quality(["typo", "vague", "noisy_queue"]), _worst_quality(["typo"])
    ('recorded in a wrong queue', 'nothing wrong with it')
    """
    return next((meaning for flag, meaning in QUALITIES.items() if flag in flags), NO_ISSUE)
