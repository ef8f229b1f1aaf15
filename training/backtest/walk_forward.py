"""Replays one period: trains as on its first day, then decides its tickets one by one under each policy.

Periods are replayed in parallel jobs, which read and write nothing; the same period gives the same outcomes anywhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

import numpy as np
import numpy.typing as npt
from joblib import parallel_config

from deskyard.domain.catalogue import Catalogue
from deskyard.domain.decision import Prediction, Reason
from deskyard.domain.taxonomy import TaxonomyLedger, make_translator
from deskyard.domain.ticket import PLACING_TARGETS, TARGETS, Target, Ticket
from deskyard.errors import NothingToLearn
from deskyard.guarantees.contract import EVIDENCE_DTYPE, Evidence
from deskyard.guarantees.contract_fitting import fit_contract, routed_mask
from deskyard.inference.decide import ProposedRouting, find_empty_text_reason, propose_routing
from deskyard.policy.policy import Policy
from deskyard.registry.bundle import Bundle
from training.backtest.breaker_replay import BreakerReplay
from training.backtest.outcome import TicketOutcome, is_same_label, ticket_outcome
from training.data.history import History
from training.data.taxonomy import apply_taxonomy_changes
from training.pipeline.options import Options
from training.pipeline.run import train_model
from training.publish.handover import find_agent_queues

PRECISIONS: Final = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99, 0.995)
"""The required precisions that are tried for the cost curve."""

_NO_MODEL: Final = Reason("no_model", "nothing could be learnt yet")


@dataclass(frozen=True, slots=True)
class PeriodJob:
    """The input of a job: a period's start, the `past` settled by then, the `arrivals` and when they were settled, the
    training options and the policies."""

    number: int
    start: datetime
    past: History
    arrivals: History
    settled: Sequence[datetime]
    options: Options
    policies: Sequence[Policy]


@dataclass(frozen=True, slots=True)
class PeriodResult:
    """The result of a job: each policy's `outcomes` (one per ticket) and the labels its circuit breaker held back, and
    the number of tickets the model was trained on (0: there was no model).

    For the cost curve: each ticket's predicted queue, whether it is `correct` (1, 0; -1: unknown), and at which of
    `PRECISIONS` it would have been `routed` (precisions x tickets).
    """

    number: int
    start: datetime
    tickets_learnt: int
    outcomes: list[list[TicketOutcome]]
    tripped: list[list[tuple[Target, str]]]
    predicted_queues: list[str]
    correct: npt.NDArray[np.int8]
    routed: npt.NDArray[np.bool_]


def replay_period(job: PeriodJob) -> PeriodResult:
    """Train, predict, and decide under each policy; without a model everything is left to people."""
    bundle = _train_bundle(job)
    tickets = job.arrivals.tickets
    predictions = bundle.predict(tickets) if bundle else [{} for _ in tickets]
    replayed = [_replay_policy(job, policy, bundle, predictions) for policy in job.policies]
    predicted, correct, routed = _try_precisions(job, bundle, predictions)
    return PeriodResult(
        job.number,
        job.start,
        len(job.past) if bundle else 0,
        [outcomes for outcomes, _ in replayed],
        [tripped for _, tripped in replayed],
        predicted,
        correct,
        routed,
    )


def true_queue(policy: Policy, labels: Mapping[Target, str | None], placing_target: Target) -> str | None:
    """A ticket's queue by its final labels; `placing_target`: the target that places tickets in this history."""
    return policy.destination_queue(placing_target, labels[placing_target])


def find_placing_target(history: History) -> Target:
    """The target that places tickets: queue if the history has queues, else category."""
    return next((target for target in PLACING_TARGETS if any(history.labels[target])), "queue")


def _train_bundle(job: PeriodJob) -> Bundle | None:
    """The model that the desk would have trained that day; None where nothing can be learnt."""
    day = job.start.astimezone(UTC).date()
    past = apply_taxonomy_changes(job.past, job.policies[0].build_ledger(day).changes)
    try:
        with parallel_config(backend="sequential"):
            trained = train_model(past, job.options, with_random_split=False)
    except NothingToLearn:
        return None
    return Bundle(f"{day}", "", trained.card, {}, trained.scorer, trained.evidence)


def _replay_policy(
    job: PeriodJob, policy: Policy, bundle: Bundle | None, predictions: Sequence[Mapping[Target, Prediction]]
) -> tuple[list[TicketOutcome], list[tuple[Target, str]]]:
    """The outcomes under one policy, and the labels that the circuit breaker held back."""
    breaker, by = BreakerReplay(policy, job.options.precision), find_placing_target(job.past)
    outcomes: list[TicketOutcome] = []
    context: _DayContext | None = None
    for n, (ticket, prediction) in enumerate(zip(job.arrivals.tickets, predictions, strict=True)):
        now = ticket.created_at or job.start
        in_force, day = breaker.policy_at(now), now.astimezone(UTC).date()
        if context is None or (context.day, context.configured_policy) != (day, in_force):
            context = _DayContext.build(in_force, day, job.past, bundle)
        truth = {target: job.arrivals.labels[target][n] for target in TARGETS}
        verdict = _judge(ticket, prediction, bundle, context).apply_catalogue(context.catalogue)
        outcome = ticket_outcome(verdict, truth, true_queue(context.policy, truth, by), policy.taxonomy)
        breaker.add(n, outcome, job.settled[n])
        outcomes.append(outcome)
    return outcomes, breaker.tripped


@dataclass(frozen=True, slots=True)
class _DayContext:
    """What is valid on a day: the policy as configured and as in force that day, the ledger, and the desk's
    catalogue."""

    day: date
    configured_policy: Policy
    policy: Policy
    ledger: TaxonomyLedger
    catalogue: Catalogue

    @classmethod
    def build(cls, configured_policy: Policy, day: date, past: History, bundle: Bundle | None) -> "_DayContext":
        policy = configured_policy.for_day(day)
        return cls(
            day,
            configured_policy,
            policy,
            policy.build_ledger(day, bundle.taxonomy_changes if bundle else ()),
            _catalogue_on(past, policy, day),
        )


def _judge(
    ticket: Ticket, predictions: Mapping[Target, Prediction], bundle: Bundle | None, context: _DayContext
) -> ProposedRouting:
    if bundle is None:
        return ProposedRouting(
            {}, context.policy.for_source(ticket.source), find_empty_text_reason(ticket) or _NO_MODEL, context.ledger
        )
    return propose_routing(ticket, predictions, bundle, context.policy, context.ledger)


def _catalogue_on(past: History, policy: Policy, day: date) -> Catalogue:
    """The queues and agents known by that day, by their names of the day."""
    changes = policy.build_ledger(day).changes
    name, by = make_translator(changes, "queue"), find_placing_target(past)
    known = {policy.destination_queue(by, label) for label in set(past.labels[by])} | set(policy.routes.values())
    known |= {policy.fallback} | {to for change in changes if change.target == "queue" for to in change.to}
    agents = {agent: tuple(sorted(set(map(name, served)))) for agent, served in find_agent_queues(past).items()}
    return Catalogue({name(queue): {} for queue in sorted(filter(None, known))}, agents)


def _try_precisions(
    job: PeriodJob, bundle: Bundle | None, predictions: Sequence[Mapping[Target, Prediction]]
) -> tuple[list[str], npt.NDArray[np.int8], npt.NDArray[np.bool_]]:
    """Each ticket's predicted queue under the first policy, whether it is right, and at which precisions it is
    routed."""
    policy, by = job.policies[0], find_placing_target(job.past)
    routed = np.zeros((len(PRECISIONS), len(predictions)), bool)
    if bundle is None or by not in bundle.targets:
        return [""] * len(predictions), np.full(len(predictions), -1, np.int8), routed
    predicted = [policy.destination_queue(by, prediction[by].label) or "" for prediction in predictions]
    truth = [policy.destination_queue(by, label) for label in job.arrivals.labels[by]]
    right = [
        -1 if true is None else int(is_same_label("queue", queue, true, policy.taxonomy))
        for queue, true in zip(predicted, truth, strict=True)
    ]
    head, follow_drift = bundle.scorer.heads[by], bool(bundle.card.get("follows_drift"))
    rows = _evidence_rows(bundle, by, [prediction[by] for prediction in predictions])
    for n, required_precision in enumerate(PRECISIONS):
        contract = fit_contract(
            by,
            bundle.evidence[by],
            head.labels,
            required_precision,
            head.stated_parents,
            policy.out_of_scope_rate,
            follow_drift,
        )
        routed[n] = routed_mask(contract, rows, head.labels)
    return predicted, np.array(right, np.int8), routed


def _evidence_rows(bundle: Bundle, target: Target, predictions: Sequence[Prediction]) -> Evidence:
    """Predictions of new tickets as rows of evidence, for `routed_mask`."""
    place = {label: n for n, label in enumerate(bundle.labels(target))}
    rows = np.zeros(len(predictions), EVIDENCE_DTYPE)
    rows["confidence"] = [one.confidence if one.familiar else 0.0 for one in predictions]
    rows["predicted"] = [place[one.label] for one in predictions]
    rows["likeness"] = [one.likeness for one in predictions]
    return rows
