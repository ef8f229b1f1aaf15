"""Judgement: belief and deed together, for one ticket, by a model and the policy of a day; pure.

In come a ticket and what a model believes of it, out goes what the evidence allows; enacted against what the desk has,
it says what is done. The service judges each new ticket so, and the backtest those of the past. The same ticket,
bundle, policy and catalogue give the same bytes again.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deskyard.domain.catalogue import Catalogue
from deskyard.domain.decision import Decision, Prediction, Reason
from deskyard.domain.taxonomy import Ledger
from deskyard.domain.ticket import Target, Ticket
from deskyard.journal.journal import described
from deskyard.policy import policy
from deskyard.policy.policy import TRIAGE, Policy, Verdict

if TYPE_CHECKING:
    from deskyard.registry.bundle import Bundle


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


def judged(
    ticket: Ticket, beliefs: Mapping[Target, Prediction], bundle: "Bundle", in_force: Policy, ledger: Ledger
) -> Judgement:
    """What the policy in force (`Policy.on` the day) makes of what a bundle believes of a ticket, in the labels of that
    day's ledger. Raises ValueError for beliefs that JSON has no word for."""
    here = in_force.of(ticket.source)
    sums = any(ledger.sums(target, bundle.labels(target)) for target in beliefs)
    whole = bundle.ranked(ticket) if sums else {}
    turned = {target: ledger.prediction(belief, whole.get(target)) for target, belief in beliefs.items()}
    own = policy.decide(ticket, beliefs, here.contracts(bundle.contracts, turned))
    decisions = {target: ledger.decision(decision, whole.get(target)) for target, decision in own.items()}
    json.dumps(described(decisions), allow_nan=False)
    return Judgement(decisions, here, nothing_said(ticket), ledger)


def nothing_said(ticket: Ticket) -> Reason | None:
    """Why a ticket without a text can go nowhere; None for any other."""
    return Reason("empty", "the ticket has no text") if ticket.blank else None
