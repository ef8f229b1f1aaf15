"""Reads the ground truth of a simulated desk: what is wrong with each synthetic ticket, and its true labels.

The file `<stem>.truth.csv` is described in data/README.md; real histories have none.
"""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from deskyard.domain.ticket import Target

QUALITIES: Final[Mapping[str, str]] = {
    "noisy_queue": "recorded in a wrong queue",
    "vague": "vague text",
    "ambiguous": "words that fit several issues",
}
"""Flag → its meaning, the most serious first; a ticket with several flags gets the first."""

NO_ISSUE: Final = "nothing wrong with it"


def read_qualities(path: Path | str) -> dict[str, str]:
    """Each ticket's id → one of `QUALITIES`, or `NO_ISSUE`."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        return {row["id"]: _worst_quality(row["flags"].split()) for row in csv.DictReader(file)}


def read_true_labels(path: Path | str, target: Target) -> dict[str, str]:
    """Each ticket's id → the true label of a target, whatever was recorded."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        return {row["id"]: row[f"true_{target}"] for row in csv.DictReader(file)}


def _worst_quality(flags: list[str]) -> str:
    """The meaning of the most serious flag.

    >>> _worst_quality(["typo", "vague", "noisy_queue"]), _worst_quality(["typo"])
    ('recorded in a wrong queue', 'nothing wrong with it')
    """
    return next((meaning for flag, meaning in QUALITIES.items() if flag in flags), NO_ISSUE)
