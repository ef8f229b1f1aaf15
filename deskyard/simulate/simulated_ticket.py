"""A simulated ticket: the ticket, its recorded labels, and the ground truth that only the generator knows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from deskyard.domain.ticket import Target, Ticket
from deskyard.simulate.journey import Move


@dataclass(frozen=True, slots=True)
class GroundTruth:
    """What the generator knows: true labels, flags, and the oracle's predictions.

    `flags` are of: near_copy, burst, vague, ambiguous, typo, wrong_layout, html, quoted, signature, noisy_label (and
    noisy_category, noisy_queue, noisy_priority), misrouted, renamed (recorded under the category's old name).
    `oracle` is the most probable recorded label of each target and `oracle_confidence` its probability.
    """

    scenario: str
    labels: Mapping[Target, str]
    flags: frozenset[str]
    near_copy_of: str
    oracle: Mapping[Target, str]
    oracle_confidence: Mapping[Target, float]


@dataclass(frozen=True, slots=True)
class SimulatedTicket:
    """A synthetic ticket. `labels` are as recorded, including noise; the times are None if it was still open when the
    history ends; `moves` is empty unless it was misrouted.
    """

    ticket: Ticket
    labels: Mapping[Target, str]
    truth: GroundTruth
    moves: tuple[Move, ...]
    first_response_at: datetime | None
    resolved_at: datetime | None
