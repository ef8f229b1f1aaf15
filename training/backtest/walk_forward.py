"""A period, lived through again: learn as on its first day, then take its tickets one by one under each policy.

In comes a period with its tickets, out go deeds. One job of many side by side: it reads and writes nothing, and the
same period gives the same deeds wherever it is lived.
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
"""The promises that are tried on the curve of costs."""

_NO_MODEL: Final = Reason("no_model", "nothing could be learnt yet")


@dataclass(frozen=True, slots=True)
class PeriodJob:
    """What a job needs: a period's start, what was settled by then, what came, when that was settled, and what is
    asked."""

    number: int
    start: datetime
    past: History
    arrivals: History
    settled: Sequence[datetime]
    options: Options
    policies: Sequence[Policy]


@dataclass(frozen=True, slots=True)
class PeriodResult:
    """What happened: each policy's deeds, a ticket each, and what the breaker took out; of the model how many tickets
    it had learnt from (0: there was none).

    For the curve: where each ticket was bound for (`said`), whether that was right (1, 0, -1: not known), and by how
    many of `PRECISIONS` it would have gone, from the loosest on: `goes` (precisions x tickets).
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
    """Learn, predict, and decide under each policy; without a model everything is left to people."""
    bundle = _train_bundle(job)
    tickets = job.arrivals.tickets
    beliefs = bundle.predict(tickets) if bundle else [{} for _ in tickets]
    played = [_replay_policy(job, policy, bundle, beliefs) for policy in job.policies]
    said, right, goes = _try_precisions(job, bundle, beliefs)
    return PeriodResult(
        job.number,
        job.start,
        len(job.past) if bundle else 0,
        [deeds for deeds, _ in played],
        [trips for _, trips in played],
        said,
        right,
        goes,
    )


def true_queue(policy: Policy, labels: Mapping[Target, str | None], placing_target: Target) -> str | None:
    """The queue of a ticket by the labels that people settled on; `by`: what places tickets in this history."""
    return policy.destination_queue(placing_target, labels[placing_target])


def find_placing_target(history: History) -> Target:
    """What places tickets: queues where there are any, else categories."""
    return next((target for target in PLACING_TARGETS if any(history.labels[target])), "queue")


def _train_bundle(job: PeriodJob) -> Bundle | None:
    """The model that the desk would have trained that day."""
    day = job.start.astimezone(UTC).date()
    past = apply_taxonomy_changes(job.past, job.policies[0].build_ledger(day).changes)
    try:
        with parallel_config(backend="sequential"):
            made = train_model(past, job.options, with_random_split=False)
    except NothingToLearn:
        return None
    return Bundle(f"{day}", "", made.card, {}, made.scorer, made.evidence)


def _replay_policy(
    job: PeriodJob, policy: Policy, bundle: Bundle | None, predictions: Sequence[Mapping[Target, Prediction]]
) -> tuple[list[TicketOutcome], list[tuple[Target, str]]]:
    """One policy: its deeds, and what the breaker took out."""
    watch, by, deeds = (
        BreakerReplay(policy, job.options.precision),
        find_placing_target(job.past),
        list[TicketOutcome](),
    )
    of_the_day: _DayContext | None = None
    for n, (ticket, belief) in enumerate(zip(job.arrivals.tickets, predictions, strict=True)):
        now = ticket.created_at or job.start
        in_force, day = watch.policy_at(now), now.astimezone(UTC).date()
        if of_the_day is None or (of_the_day.day, of_the_day.configured_policy) != (day, in_force):
            of_the_day = _DayContext.build(in_force, day, job.past, bundle)
        truth = {target: job.arrivals.labels[target][n] for target in TARGETS}
        verdict = _judge(ticket, belief, bundle, of_the_day).apply_catalogue(of_the_day.catalogue)
        done = ticket_outcome(verdict, truth, true_queue(of_the_day.policy, truth, by), policy.taxonomy)
        watch.add(n, done, job.settled[n])
        deeds.append(done)
    return deeds, watch.tripped


@dataclass(frozen=True, slots=True)
class _DayContext:
    """What holds on a day: the policy as it is `asked` and as it holds, the ledger, and what the desk has."""

    day: date
    configured_policy: Policy
    policy: Policy
    ledger: TaxonomyLedger
    catalogue: Catalogue

    @classmethod
    def build(cls, configured_policy: Policy, day: date, past: History, bundle: Bundle | None) -> "_DayContext":
        here = configured_policy.for_day(day)
        return cls(
            day,
            configured_policy,
            here,
            here.build_ledger(day, bundle.taxonomy_changes if bundle else ()),
            _catalogue_on(past, here, day),
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
    """The queues and agents that the desk had shown by then, in the names of the day."""
    turns = policy.build_ledger(day).changes
    name, by = make_translator(turns, "queue"), find_placing_target(past)
    known = {policy.destination_queue(by, label) for label in set(past.labels[by])} | set(policy.routes.values())
    known |= {policy.fallback} | {to for turn in turns if turn.target == "queue" for to in turn.to}
    agents = {agent: tuple(sorted(set(map(name, served)))) for agent, served in find_agent_queues(past).items()}
    return Catalogue({name(queue): {} for queue in sorted(filter(None, known))}, agents)


def _try_precisions(
    job: PeriodJob, bundle: Bundle | None, predictions: Sequence[Mapping[Target, Prediction]]
) -> tuple[list[str], npt.NDArray[np.int8], npt.NDArray[np.bool_]]:
    """Where the model of the first policy's day would send each ticket, and at which promises it would go."""
    policy, by = job.policies[0], find_placing_target(job.past)
    goes = np.zeros((len(PRECISIONS), len(predictions)), bool)
    if bundle is None or by not in bundle.targets:
        return [""] * len(predictions), np.full(len(predictions), -1, np.int8), goes
    said = [policy.destination_queue(by, belief[by].label) or "" for belief in predictions]
    truth = [policy.destination_queue(by, label) for label in job.arrivals.labels[by]]
    right = [
        -1 if true is None else int(is_same_label("queue", where, true, policy.taxonomy))
        for where, true in zip(said, truth, strict=True)
    ]
    head, following = bundle.scorer.heads[by], bool(bundle.card.get("follows_drift"))
    rows = _evidence_rows(bundle, by, [belief[by] for belief in predictions])
    for n, asked in enumerate(PRECISIONS):
        contract = fit_contract(
            by, bundle.evidence[by], head.labels, asked, head.stated_parents, policy.out_of_scope_rate, following
        )
        goes[n] = routed_mask(contract, rows, head.labels)
    return said, np.array(right, np.int8), goes


def _evidence_rows(bundle: Bundle, target: Target, predictions: Sequence[Prediction]) -> Evidence:
    """Beliefs about new tickets in the shape in which `proof.routes` reads them."""
    place = {label: n for n, label in enumerate(bundle.labels(target))}
    rows = np.zeros(len(predictions), EVIDENCE_DTYPE)
    rows["confidence"] = [belief.confidence if belief.familiar else 0.0 for belief in predictions]
    rows["predicted"] = [place[belief.label] for belief in predictions]
    rows["likeness"] = [belief.likeness for belief in predictions]
    return rows
