"""Predictions (what a model predicts), decisions (what is done about them) and reasons (why).

Prediction and action are kept apart on purpose: a model predicts, a policy decides (`deskyard.policy.policy`), and a
decision carries all that a person needs to understand it. Nothing here computes.
"""

from dataclasses import dataclass
from enum import StrEnum

from deskyard.domain.ticket import Target

MAX_SHOWN_LABELS = 5
"""Maximum number of ranked labels of a prediction."""


class Action(StrEnum):
    """What is done with a prediction: set the label, suggest it, or leave the choice to a person."""

    ROUTE = "route"
    SUGGEST = "suggest"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Prediction:
    """A model's prediction of one target of one ticket.

    `top` holds up to `MAX_SHOWN_LABELS` (label, probability) pairs, best first; probabilities are calibrated, in [0,
    1], and sum to at most 1. `familiar` is False when nothing in the ticket occurs in the model's training history:
    the probabilities are then only the labels' shares, and nothing may be routed on them. `likeness` is the log-odds
    that the true label is one that the model knows (`deskyard.model.likeness`). `parent` is the most probable parent
    and its probability, where labels have parents (`deskyard.domain.label_hierarchy`).
    """

    target: Target
    top: tuple[tuple[str, float], ...]
    familiar: bool
    likeness: float = 0.0
    parent: tuple[str, float] | None = None

    @property
    def label(self) -> str:
        """The most probable label."""
        return self.top[0][0]

    @property
    def confidence(self) -> float:
        """The probability of `label`."""
        return self.top[0][1]


@dataclass(frozen=True, slots=True)
class Reason:
    """The reason of a decision: `code` for programs, `text` for people.

    `tickets_needed`: how many more tickets of evidence are needed, 0 where more tickets alone would not change it.
    """

    code: str
    text: str
    tickets_needed: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """The action for one target of one ticket, with its reasons; `label` is None when there is nothing to suggest."""

    target: Target
    action: Action
    label: str | None
    confidence: float
    top: tuple[tuple[str, float], ...]
    reasons: tuple[Reason, ...]
