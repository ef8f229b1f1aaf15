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

from deskyard.db.tables.base import storable
from deskyard.domain.catalogue import Catalogue
from deskyard.domain.decision import Reason
from deskyard.domain.ticket import Ticket
from deskyard.inference.decide import Judgement, judged, nothing_said
from deskyard.journal.journal import described
from deskyard.policy.policy import Policy, Verdict
from service.runtime.model_watcher import Champion

log: Final = structlog.get_logger(__name__)


def judge(champion: Champion, in_force: Policy, asked: Sequence[Ticket], day: date) -> list[Judgement]:
    """Predict and decide, in the labels of that day (UTC); never raises because of the model."""
    here = in_force.on(day)
    if champion.bundle is None:
        missing, ledger = champion.missing or Reason("no_model", "there is no model"), here.ledger(day)
        return [Judgement({}, here.of(ticket.source), nothing_said(ticket) or missing, ledger) for ticket in asked]
    ledger = here.ledger(day, champion.bundle.turns)
    try:
        return [
            judged(ticket, beliefs, champion.bundle, here, ledger)
            for ticket, beliefs in zip(asked, champion.bundle.predict(asked), strict=True)
        ]
    except Exception as error:  # whatever goes wrong in a model, also what JSON has no word for: the ticket is taken
        if len(asked) > 1:  # one ticket must not spoil the others
            return [judgement for ticket in asked for judgement in judge(champion, in_force, [ticket], day)]
        log.exception("scoring_failed", model=champion.digest)
        failed = Reason("scoring_failed", f"the model failed on this ticket ({type(error).__name__})")
        return [Judgement({}, here.of(ticket.source), nothing_said(ticket) or failed, ledger) for ticket in asked]


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
