"""Selects the labels that can be used to compare two models without bias.

Where a value was set automatically, an unchanged label is the model's own prediction, and a changed one is a known
mistake: both would bias the comparison. Labels that people set themselves are used, whatever was suggested, and so are
those of blind reviews.
"""

from collections.abc import Sequence
from typing import Final

from deskyard.domain import label_trust
from deskyard.domain.catalogue import TRIAGE
from deskyard.domain.ticket import Target
from training.data.history import History

MACHINE_PREFIX: Final = "machine:"
"""The prefix of non-human actors in a desk's own moves (`deskyard.history.export`)."""

PARTIAL_TRUST: Final = (label_trust.UNREVIEWED, label_trust.CORRECTED, label_trust.CONFIRMED)
"""Trust codes of labels that may have been set automatically first, where there are no moves to tell."""


def impartial_labels(history: History, target: Target) -> list[str | None]:
    """The unbiased labels of a target, in the history's order; None for the other tickets."""
    codes: Sequence[str] = history.trust[target] or [""] * len(history)
    set_by_machine = {
        move.id
        for move in history.moves
        if move.field == target and move.actor.startswith(MACHINE_PREFIX) and move.after not in (None, "", TRIAGE)
    }
    return [
        None
        if codes[n] != label_trust.BLIND and _is_partial(ticket.id, codes[n], set_by_machine, bool(history.moves))
        else label
        for n, (ticket, label) in enumerate(zip(history.tickets, history.labels[target], strict=True))
    ]


def _is_partial(ticket: str, trust_code: str, set_by_machine: set[str], has_trust: bool) -> bool:
    return ticket in set_by_machine if has_trust else trust_code in PARTIAL_TRUST
