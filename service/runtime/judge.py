"""Predictions and decisions on tickets by a model and a policy, and their JSON; nothing is read or stored.

A ticket is never refused because of the model: if it can't be scored, it goes to triage with the reason. The same
ticket, bundle, policy and catalogue give the same bytes again (`service.tickets.replay`).
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any, Final

import structlog

from deskyard.domain.catalogue import Catalogue
from deskyard.domain.decision import Reason
from deskyard.domain.ticket import Ticket
from deskyard.inference.decide import ProposedRouting, find_empty_text_reason, propose_routing
from deskyard.journal.journal import decisions_to_dict
from deskyard.policy.policy import Policy, RoutingResult
from deskyard.text.storable import storable
from service.runtime.model_watcher import Champion

log: Final = structlog.get_logger(__name__)


def judge(champion: Champion, policy: Policy, tickets: Sequence[Ticket], day: date) -> list[ProposedRouting]:
    """The proposed routing of each ticket, with the labels that are valid on `day` (UTC); never raises because of the
    model."""
    day_policy = policy.for_day(day)
    if champion.bundle is None:
        missing = champion.missing_reason or Reason("no_model", "there is no model")
        ledger = day_policy.build_ledger(day)
        return [
            ProposedRouting({}, day_policy.for_source(ticket.source), find_empty_text_reason(ticket) or missing, ledger)
            for ticket in tickets
        ]
    ledger = day_policy.build_ledger(day, champion.bundle.taxonomy_changes)
    try:
        return [
            propose_routing(ticket, predictions, champion.bundle, day_policy, ledger)
            for ticket, predictions in zip(tickets, champion.bundle.predict(tickets), strict=True)
        ]
    except Exception as error:  # whatever fails in the model, even values that JSON can't hold: the ticket is received
        if len(tickets) > 1:  # one ticket must not affect the others
            return [routing for ticket in tickets for routing in judge(champion, policy, [ticket], day)]
        log.exception("scoring_failed", model=champion.digest)
        failed = Reason("scoring_failed", f"the model failed on this ticket ({type(error).__name__})")
        return [
            ProposedRouting({}, day_policy.for_source(ticket.source), find_empty_text_reason(ticket) or failed, ledger)
            for ticket in tickets
        ]


def decision_record(verdict: RoutingResult, catalogue: Catalogue) -> dict[str, Any]:
    """What the journal stores of a decision: the decision, and what it depended on beside ticket, model and policy."""
    return verdict_to_json(verdict) | {
        "set": {change.field: change.value for change in verdict.changes},
        "catalogue": catalogue.to_dict(),
    }


def verdict_to_json(verdict: RoutingResult) -> dict[str, Any]:
    """The decisions and the placement, as JSON values."""
    reason = verdict.placement.reason
    return {
        "decisions": decisions_to_dict(verdict.decisions),
        "placement": {"queue": verdict.placement.queue, "reason": {"code": reason.code, "text": reason.text}},
    }


def explanation_to_json(champion: Champion, ticket: Ticket) -> dict[str, Any]:
    """The explanation of the predictions and similar past tickets, as JSON values; empty without a model."""
    if champion.bundle is None:
        return {"explanations": {}, "similar": []}
    explanation = champion.bundle.explain(ticket)
    return {
        "explanations": {
            target: {
                "label": storable(reasons.label),
                "runner_up": storable(reasons.runner_up),
                "words": [{"word": word, "weight": weight} for word, weight in reasons.words],
                "intercept": reasons.intercept,
                "heads": dict(reasons.heads),
                "counterfactual": reasons.counterfactual
                and {"words": list(reasons.counterfactual.words), "label": storable(reasons.counterfactual.label)},
            }
            for target, reasons in explanation.labels.items()
        },
        "similar": [asdict(past) for past in explanation.similar],
    }
