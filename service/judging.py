"""Judging a ticket: belief and deed together, by the model and the policy of the moment; nothing is read or written.

In come tickets, out go judgements; enacted against what the desk has, they say what is done. A ticket is never refused
because of the model: what can't be scored goes to triage with the reason. The same ticket, bundle, policy and
catalogue give the same bytes again (`service.verify`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import structlog

from deskyard import policy
from deskyard.catalogue import Catalogue
from deskyard.decision import Decision, Prediction, Reason
from deskyard.journal import described
from deskyard.policy import TRIAGE, Policy, Verdict
from deskyard.tables import storable
from deskyard.taxonomy import Ledger
from deskyard.ticket import Target, Ticket
from service.models import Champion

if TYPE_CHECKING:
    from deskyard.bundle import Bundle

log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the evidence allows for a ticket, before anybody looks at the desk.

    `to_triage` says why the ticket can go nowhere but triage. `ledger`: whose labels are in force.
    """

    decisions: Mapping[Target, Decision]
    policy: Policy
    to_triage: Reason | None
    ledger: Ledger = field(default_factory=Ledger)

    def enact(self, catalogue: Catalogue) -> Verdict:
        """What is done, given what the desk has now."""
        gone = self.ledger.gone
        there = catalogue.without(gone("queue"), gone("assignee"), gone("category"))
        return policy.enact(self.decisions, self.policy, there, self.to_triage)

    @property
    def queues(self) -> frozenset[str]:
        """The queues it could go to, if they are open."""
        bound = (self.policy.bound_for(target, decision.label) for target, decision in self.decisions.items())
        return frozenset(queue for queue in (TRIAGE, self.policy.fallback, *bound) if queue is not None)

    @property
    def agents(self) -> frozenset[str]:
        """The agents it could be given to, if they serve its queue."""
        wished = self.decisions.get("assignee")
        return frozenset([wished.label] if wished and wished.label else [])


def judge(champion: Champion, in_force: Policy, asked: Sequence[Ticket], day: date) -> list[Judgement]:
    """Predict and decide, in the labels of that day (UTC); never raises because of the model."""
    here = in_force.on(day)
    if champion.bundle is None:
        missing, ledger = champion.missing or Reason("no_model", "there is no model"), here.ledger(day)
        return [Judgement({}, here.of(ticket.source), _empty(ticket) or missing, ledger) for ticket in asked]
    ledger = here.ledger(day, champion.bundle.turns)
    try:
        return [
            _judgement(ticket, beliefs, champion.bundle, here, ledger)
            for ticket, beliefs in zip(asked, champion.bundle.predict(asked), strict=True)
        ]
    except Exception as error:  # whatever goes wrong in a model, the ticket is taken
        if len(asked) > 1:  # one ticket must not spoil the others
            return [judgement for ticket in asked for judgement in judge(champion, in_force, [ticket], day)]
        log.exception("scoring_failed", model=champion.digest)
        failed = Reason("scoring_failed", f"the model failed on this ticket ({type(error).__name__})")
        return [Judgement({}, here.of(ticket.source), _empty(ticket) or failed, ledger) for ticket in asked]


def decided(verdict: Verdict, catalogue: Catalogue) -> dict[str, Any]:
    """What the journal keeps of a decision: what is done, and what it hung on beside ticket, model and policy."""
    return plain(verdict) | {
        "set": {change.field: change.value for change in verdict.changes},
        "catalogue": catalogue.plain(),
    }


def plain(verdict: Verdict) -> dict[str, Any]:
    """What is done, as JSON knows it."""
    reason = verdict.placement.reason
    return {
        "decisions": described(verdict.decisions),
        "placement": {"queue": verdict.placement.queue, "reason": {"code": reason.code, "text": reason.text}},
    }


def explained(champion: Champion, ticket: Ticket) -> dict[str, Any]:
    """Why the model believes what it believes, as JSON knows it; empty without a model."""
    if champion.bundle is None:
        return {"because": {}, "similar": []}
    found = champion.bundle.explain(ticket)
    return {
        "because": {
            target: {
                "label": storable(because.label),
                "against": storable(because.against),
                "words": [{"word": word, "weight": weight} for word, weight in because.words],
                "base": because.base,
                "heads": dict(because.heads),
                "flip": because.flip and {"words": list(because.flip.words), "label": storable(because.flip.label)},
            }
            for target, because in found.because.items()
        },
        "similar": [asdict(past) for past in found.similar],
    }


def _judgement(
    ticket: Ticket, beliefs: Mapping[Target, Prediction], bundle: "Bundle", in_force: Policy, ledger: Ledger
) -> Judgement:
    here = in_force.of(ticket.source)
    sums = any(ledger.sums(target, bundle.labels(target)) for target in beliefs)
    whole = bundle.ranked(ticket) if sums else {}
    turned = {target: ledger.prediction(belief, whole.get(target)) for target, belief in beliefs.items()}
    own = policy.decide(ticket, beliefs, here.contracts(bundle.contracts, turned))
    decisions = {target: ledger.decision(decision, whole.get(target)) for target, decision in own.items()}
    json.dumps(described(decisions), allow_nan=False)  # what JSON has no word for must fail here: triage catches it
    return Judgement(decisions, here, _empty(ticket), ledger)


def _empty(ticket: Ticket) -> Reason | None:
    return Reason("empty", "the ticket has no text") if ticket.blank else None
