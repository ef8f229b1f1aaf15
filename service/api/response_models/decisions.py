"""What is decided on a ticket, and why, as the API answers it."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from deskyard.journal.journal import JournalEntry


class LabelProbability(BaseModel):
    """A label and how probable it is."""

    label: str
    confidence: float


class Reason(BaseModel):
    """A reason: `code` for programs, `text` for people."""

    code: str
    text: str


class TargetDecision(BaseModel):
    """What is done for one target."""

    label: str | None
    confidence: float
    action: Literal["route", "suggest", "leave"]
    top: list[LabelProbability]
    reasons: list[Reason]


class Placement(BaseModel):
    """The queue, and why this one."""

    queue: str
    reason: Reason


class DecisionResponse(BaseModel):
    """A decision as the journal keeps it: what was done, and all that it hung on.

    `ticket_hash` is the HMAC-SHA-256 of the ticket as it was then, under a key that is erased with its texts;
    `catalogue` what the desk had of the queues and agents that it asked about; `set` the values the ticket got.
    """

    id: str
    at: datetime
    ticket: str
    ticket_hash: str
    decisions: dict[str, TargetDecision]
    placement: Placement
    set: dict[str, str]
    catalogue: dict[str, Any]
    model: str | None
    policy: str | None

    @classmethod
    def from_entry(cls, entry: JournalEntry) -> "DecisionResponse":
        """The same, for JSON."""
        return cls(
            id=str(entry.id),
            at=entry.at,
            ticket=str(entry.ticket_id),
            ticket_hash=entry.ticket_hash,
            model=entry.bundle,
            policy=entry.policy,
            **entry.content,
        )


class WordWeight(BaseModel):
    """A word of the ticket, or a field's value, and what it adds for the label (below 0: against it), in log-odds."""

    word: str
    weight: float


class Counterfactual(BaseModel):
    """Without `words` (wherever they stand in the ticket) `label` would be the most probable; none can be left out."""

    words: list[str]
    label: str


class LabelExplanation(BaseModel):
    """Why `label` and not `against`, the second best, in log-odds: each word's part, and each head's.

    `base` and the words add up to the head "linear"; the heads add up to the log-odds of the belief. `flip` is null
    where no few words decide.
    """

    label: str
    against: str
    words: list[WordWeight]
    base: float
    heads: dict[str, float]
    flip: Counterfactual | None


class SimilarTicket(BaseModel):
    """A past ticket that the model learnt from, its similarity (0 to 1), and what people decided on it."""

    id: str
    similarity: float
    labels: dict[str, str]


class TicketScore(BaseModel):
    """What would be done with one ticket; with `explain=1` also why, and similar past tickets, nearest first."""

    decisions: dict[str, TargetDecision]
    placement: Placement
    because: dict[str, LabelExplanation] | None = None
    similar: list[SimilarTicket] | None = None


class ScoreResponse(BaseModel):
    """One score a ticket, in the order of the request."""

    items: list[TicketScore]
    model: str | None
    policy: str
