"""Judges: the labels that may tell which of two models is better.

In comes a history, out go its labels without those that would be partial. Where the machine had set a value, what
nobody changed is its own word, and what people changed is only its mistakes: neither may judge it, nor one that would
take its place. What people sorted themselves may, whatever it suggested, and so may what they sorted blindly.
"""

from collections.abc import Sequence
from typing import Final

from deskyard.domain import label_trust
from deskyard.domain.catalogue import TRIAGE
from deskyard.domain.ticket import Target
from training.data.history import History

MACHINE_PREFIX: Final = "machine:"
"""So begins an actor of a desk's own moves who is no person (`deskyard.history.export`)."""

PARTIAL_TRUST: Final = (label_trust.UNREVIEWED, label_trust.CORRECTED, label_trust.CONFIRMED)
"""What may follow the machine's word, where no moves say whether it did."""


def impartial_labels(history: History, target: Target) -> list[str | None]:
    """The labels of a target that may judge, in the history's order; None where there is none."""
    said: Sequence[str] = history.trust[target] or [""] * len(history)
    set_by_machine = {
        move.id
        for move in history.moves
        if move.field == target and move.actor.startswith(MACHINE_PREFIX) and move.after not in (None, "", TRIAGE)
    }
    return [
        None
        if said[n] != label_trust.BLIND_REVIEWS and _is_partial(ticket.id, said[n], set_by_machine, bool(history.moves))
        else label
        for n, (ticket, label) in enumerate(zip(history.tickets, history.labels[target], strict=True))
    ]


def _is_partial(ticket: str, trust_code: str, set_by_machine: set[str], has_trust: bool) -> bool:
    return ticket in set_by_machine if has_trust else trust_code in PARTIAL_TRUST
