"""Judging a ticket: belief and deed together, by the model and the policy of the moment; nothing is read or written.

In come tickets, out go judgements; enacted against what the desk has, they say what is done. A ticket is never refused
because of the model: what can't be scored goes to triage with the reason. The same ticket, bundle, policy and
catalogue give the same bytes again (`service.tickets.replay`).
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
    """Predict and decide, in the labels of that day (UTC); never raises because of the model."""
    here = policy.for_day(day)
    if champion.bundle is None:
        missing, ledger = champion.missing_reason or Reason("no_model", "there is no model"), here.build_ledger(day)
        return [
            ProposedRouting({}, here.for_source(ticket.source), find_empty_text_reason(ticket) or missing, ledger)
            for ticket in tickets
        ]
    ledger = here.build_ledger(day, champion.bundle.taxonomy_changes)
    try:
        return [
            propose_routing(ticket, beliefs, champion.bundle, here, ledger)
            for ticket, beliefs in zip(tickets, champion.bundle.predict(tickets), strict=True)
        ]
    except Exception as error:  # whatever goes wrong in a model, also what JSON has no word for: the ticket is taken
        if len(tickets) > 1:  # one ticket must not spoil the others
            return [judgement for ticket in tickets for judgement in judge(champion, policy, [ticket], day)]
        log.exception("scoring_failed", model=champion.digest)
        failed = Reason("scoring_failed", f"the model failed on this ticket ({type(error).__name__})")
        return [
            ProposedRouting({}, here.for_source(ticket.source), find_empty_text_reason(ticket) or failed, ledger)
            for ticket in tickets
        ]


def decision_record(verdict: RoutingResult, catalogue: Catalogue) -> dict[str, Any]:
    """What the journal keeps of a decision: what is done, and what it hung on beside ticket, model and policy."""
    return verdict_to_json(verdict) | {
        "set": {change.field: change.value for change in verdict.changes},
        "catalogue": catalogue.to_dict(),
    }


def verdict_to_json(verdict: RoutingResult) -> dict[str, Any]:
    """What is done, as JSON knows it."""
    reason = verdict.placement.reason
    return {
        "decisions": decisions_to_dict(verdict.decisions),
        "placement": {"queue": verdict.placement.queue, "reason": {"code": reason.code, "text": reason.text}},
    }


def explanation_to_json(champion: Champion, ticket: Ticket) -> dict[str, Any]:
    """Why the model believes what it believes, as JSON knows it; empty without a model."""
    if champion.bundle is None:
        return {"because": {}, "similar": []}
    found = champion.bundle.explain(ticket)
    return {
        "because": {
            target: {
                "label": storable(because.label),
                "against": storable(because.runner_up),
                "words": [{"word": word, "weight": weight} for word, weight in because.words],
                "base": because.base,
                "heads": dict(because.heads),
                "flip": because.counterfactual
                and {"words": list(because.counterfactual.words), "label": storable(because.counterfactual.label)},
            }
            for target, because in found.labels.items()
        },
        "similar": [asdict(past) for past in found.similar],
    }
