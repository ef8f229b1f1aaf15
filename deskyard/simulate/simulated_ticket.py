"""Simulated ticket: a ticket together with everything that only its maker knows.

In: nothing. Out: the shapes that a World yields. Never: a truth inside `ticket` itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from deskyard.domain.ticket import Target, Ticket
from deskyard.simulate.journey import Move


@dataclass(frozen=True, slots=True)
class GroundTruth:
    """What the generator knows: true labels, marks, and the oracle's answers.

    `flags` are of: near_copy, burst, vague, ambiguous, typo, wrong_layout, html, quoted, signature, noisy_label (and
    noisy_category, noisy_queue, noisy_priority), misrouted, renamed (recorded under the category's old name).
    `oracle` is the most probable recorded label of each target and `sure` its probability.
    """

    scenario: str
    labels: Mapping[Target, str]
    flags: frozenset[str]
    near_copy_of: str
    oracle: Mapping[Target, str]
    oracle_confidence: Mapping[Target, float]


@dataclass(frozen=True, slots=True)
class SimulatedTicket:
    """A synthetic ticket. `labels` are as recorded (noise included); times are None while it was still open when the
    history ends; `moves` is empty unless it was misrouted.
    """

    ticket: Ticket
    labels: Mapping[Target, str]
    truth: GroundTruth
    moves: tuple[Move, ...]
    first_response_at: datetime | None
    resolved_at: datetime | None
