"""Judgement: belief and deed together, for one ticket, by a model and the policy of a day; pure.

In come a ticket and what a model believes of it, out goes what the evidence allows; enacted against what the desk has,
it says what is done. The service judges each new ticket so, and the backtest those of the past. The same ticket,
bundle, policy and catalogue give the same bytes again.
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
    """What the evidence allows for a ticket, before anybody looks at the desk.

    `to_triage` says why the ticket can go nowhere but triage. `ledger`: whose labels are in force.
    """

    decisions: Mapping[Target, Decision]
    policy: Policy
    triage_reason: Reason | None
    ledger: TaxonomyLedger = field(default_factory=TaxonomyLedger)

    def apply_catalogue(self, catalogue: Catalogue) -> RoutingResult:
        """What is done, given what the desk has now."""
        gone = self.ledger.retired_labels
        there = catalogue.exclude(gone("queue"), gone("assignee"), gone("category"))
        return policy.apply_policy(self.decisions, self.policy, there, self.triage_reason)

    @property
    def candidate_queues(self) -> frozenset[str]:
        """The queues it could go to, if they are open."""
        bound = (self.policy.destination_queue(target, decision.label) for target, decision in self.decisions.items())
        return frozenset(queue for queue in (TRIAGE, self.policy.fallback, *bound) if queue is not None)

    @property
    def candidate_agents(self) -> frozenset[str]:
        """The agents it could be given to, if they serve its queue."""
        wished = self.decisions.get("assignee")
        return frozenset([wished.label] if wished and wished.label else [])


def propose_routing(
    ticket: Ticket,
    predictions: Mapping[Target, Prediction],
    bundle: "Bundle",
    current_policy: Policy,
    ledger: TaxonomyLedger,
) -> ProposedRouting:
    """What the policy in force (`Policy.for_day` the day) makes of what a bundle believes of a ticket, in the labels
    of that day's ledger. Raises ValueError for beliefs that JSON has no word for."""
    here = current_policy.for_source(ticket.source)
    sums = any(ledger.merges_labels(target, bundle.labels(target)) for target in predictions)
    whole = bundle.ranked(ticket) if sums else {}
    turned = {target: ledger.translate_prediction(belief, whole.get(target)) for target, belief in predictions.items()}
    own = policy.decide_targets(ticket, predictions, here.select_contracts(bundle.contracts, turned))
    decisions = {target: ledger.translate_decision(decision, whole.get(target)) for target, decision in own.items()}
    json.dumps(decisions_to_dict(decisions), allow_nan=False)
    return ProposedRouting(decisions, here, find_empty_text_reason(ticket), ledger)


def find_empty_text_reason(ticket: Ticket) -> Reason | None:
    """Why a ticket without a text can go nowhere; None for any other."""
    return Reason("empty", "the ticket has no text") if ticket.blank else None
