"""Response models of decisions, scores and their explanations."""

from datetime import datetime
from typing import Any, Literal

from deskyard.journal.journal import JournalEntry
from service.api.api_model import ApiModel


class LabelProbability(ApiModel):
    """A label and its probability."""

    label: str
    """The label."""

    confidence: float
    """Its probability, 0 to 1."""


class Reason(ApiModel):
    """Why something was decided."""

    code: str
    """Code for programs."""

    text: str
    """Sentence for people."""


class TargetDecision(ApiModel):
    """The decision on one target."""

    label: str | None
    """Label that is set or suggested; null if there is none."""

    confidence: float
    """Probability of the label, 0 to 1."""

    action: Literal["route", "suggest", "leave"]
    """Whether the label is set, suggested, or left to people."""

    top: list[LabelProbability]
    """Most probable labels, most probable first."""

    reasons: list[Reason]
    """Why, the decisive reason first."""


class Placement(ApiModel):
    """The queue of a ticket."""

    queue: str
    """Name of the queue."""

    reason: Reason
    """Why this queue."""


class DecisionResponse(ApiModel):
    """A decision as recorded in the journal: what was decided, and everything that it depended on."""

    id: str
    """Number of the decision."""

    at: datetime
    """When it was made."""

    ticket: str
    """Number of the ticket."""

    ticket_hash: str
    """HMAC-SHA-256 of the ticket as it was then, with a key that is erased with its texts."""

    decisions: dict[str, TargetDecision]
    """Decision for each target."""

    placement: Placement
    """Queue that the ticket was placed in, and why."""

    set: dict[str, str]
    """Values that the ticket was given, by field."""

    catalogue: dict[str, Any]
    """State of the queues and agents that the decision looked up."""

    model: str | None
    """Digest of the model; null if there was none."""

    policy: str | None
    """Digest of the policy."""

    @classmethod
    def from_entry(cls, entry: JournalEntry) -> "DecisionResponse":
        """The response for an entry of the journal."""
        return cls(
            id=str(entry.id),
            at=entry.at,
            ticket=str(entry.ticket_id),
            ticket_hash=entry.ticket_hash,
            model=entry.bundle,
            policy=entry.policy,
            **entry.content,
        )


class WordWeight(ApiModel):
    """A word of a ticket, or the value of a field, and its weight."""

    word: str
    """The word or value."""

    weight: float
    """What it adds to the log-odds of the label; below 0: against it."""


class Counterfactual(ApiModel):
    """The fewest words without which another label would be the most probable."""

    words: list[str]
    """Words to leave out, everywhere in the ticket."""

    label: str
    """Label that would then be the most probable."""


class LabelExplanation(ApiModel):
    """Why one label was predicted and not the second best."""

    label: str
    """Label that was predicted."""

    runner_up: str
    """Second best label."""

    words: list[WordWeight]
    """Words and what each adds for the label, in log-odds."""

    intercept: float
    """Constant of the head `linear`, in log-odds; with the words it adds up to that head."""

    heads: dict[str, float]
    """What each head adds, in log-odds; together they add up to the log-odds of the prediction."""

    counterfactual: Counterfactual | None
    """Fewest words without which another label would be predicted; null where no few words decide."""


class SimilarTicket(ApiModel):
    """A similar ticket that the model was trained on."""

    id: str
    """Id of the ticket."""

    similarity: float
    """Similarity, 0 to 1."""

    labels: dict[str, str]
    """Labels that people gave it, by target."""


class TicketScore(ApiModel):
    """What would be decided on one ticket."""

    decisions: dict[str, TargetDecision]
    """Decision for each target."""

    placement: Placement
    """Queue, and why."""

    explanations: dict[str, LabelExplanation] | None = None
    """Explanation for each target; only with `explain=1`."""

    similar: list[SimilarTicket] | None = None
    """Similar past tickets, most similar first; only with `explain=1`."""


class ScoreResponse(ApiModel):
    """Scores of the tickets of a request."""

    items: list[TicketScore]
    """One score for each ticket, in the order of the request."""

    model: str | None
    """Digest of the model; null if there is none."""

    policy: str
    """Digest of the policy."""
