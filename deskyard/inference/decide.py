"""Decides on one ticket from a model's predictions and the policy of a day; pure.

`propose_routing` says what the contracts allow, and `ProposedRouting.apply_catalogue` what is done on the desk as it
is. The service decides on new tickets with it, and the backtest on past ones. The same ticket, bundle, policy and
catalogue give the same bytes again.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deskyard.domain.catalogue import TRIAGE, Catalogue
from deskyard.domain.decision import Decision, Prediction, Reason
from deskyard.domain.taxonomy import TaxonomyLedger
from deskyard.domain.ticket import Target, Ticket
from deskyard.journal.journal import decisions_to_dict
from deskyard.policy import policy
from deskyard.policy.policy import Policy, RoutingResult

if TYPE_CHECKING:
    from deskyard.registry.bundle import Bundle


@dataclass(frozen=True, slots=True)
class ProposedRouting:
    """What the contracts allow for a ticket, before the catalogue of the desk is considered.

    `triage_reason` says why the ticket can only go to triage; None for most. `ledger` is that of the labels in force.
    """

    decisions: Mapping[Target, Decision]
    policy: Policy
    triage_reason: Reason | None
    ledger: TaxonomyLedger = field(default_factory=TaxonomyLedger)

    def apply_catalogue(self, catalogue: Catalogue) -> RoutingResult:
        """What is done, given the catalogue of the desk, in the desk's own spelling of labels."""
        retired = self.ledger.retired_labels
        available = catalogue.exclude(retired("queue"), retired("assignee"), retired("category"))
        spelled = {target: available.spell_decision(decision) for target, decision in self.decisions.items()}
        return policy.apply_policy(spelled, self.policy, available, self.triage_reason)

    @property
    def candidate_queues(self) -> frozenset[str]:
        """The queues that it may go to, if they are open; the desk may spell them otherwise."""
        destinations = (
            self.policy.destination_queue(target, decision.label) for target, decision in self.decisions.items()
        )
        return frozenset(queue for queue in (TRIAGE, self.policy.fallback, *destinations) if queue is not None)

    @property
    def candidate_agents(self) -> frozenset[str]:
        """The agents that it may be assigned to, if they serve its queue; the desk may spell them otherwise."""
        assignee = self.decisions.get("assignee")
        return frozenset([assignee.label] if assignee and assignee.label else [])


def propose_routing(
    ticket: Ticket,
    predictions: Mapping[Target, Prediction],
    bundle: "Bundle",
    current_policy: Policy,
    ledger: TaxonomyLedger,
) -> ProposedRouting:
    """What the policy of a day (`Policy.for_day`) and the contracts allow for a bundle's predictions of a ticket, in
    the labels of that day's ledger. Raises ValueError for NaN or infinite probabilities, which JSON can't represent."""
    source_policy = current_policy.for_source(ticket.source)
    merges = any(ledger.merges_labels(target, bundle.labels(target)) for target in predictions)
    rankings = bundle.rank_labels(ticket) if merges else {}
    translated = {
        target: ledger.translate_prediction(prediction, rankings.get(target))
        for target, prediction in predictions.items()
    }
    by_model = policy.decide_targets(ticket, predictions, source_policy.select_contracts(bundle.contracts, translated))
    decisions = {
        target: ledger.translate_decision(decision, rankings.get(target)) for target, decision in by_model.items()
    }
    json.dumps(decisions_to_dict(decisions), allow_nan=False)
    return ProposedRouting(decisions, source_policy, find_empty_text_reason(ticket), ledger)


def find_empty_text_reason(ticket: Ticket) -> Reason | None:
    """Why a ticket without text can only go to triage; None for any other ticket."""
    return Reason("empty", "the ticket has no text") if ticket.blank else None
