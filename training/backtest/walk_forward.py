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
from deskyard.domain.taxonomy import Ledger, names
from deskyard.domain.ticket import TARGETS, Target, Ticket
from deskyard.errors import NothingToLearn
from deskyard.guarantees.contract import EVIDENCE, Evidence
from deskyard.guarantees.contract_fitting import draw_up, routes
from deskyard.inference.decide import Judgement, judged, nothing_said
from deskyard.policy.policy import PLACING, Policy
from deskyard.registry.bundle import Bundle
from training.backtest.breaker_replay import Watch
from training.backtest.outcome import Deed, deed, same
from training.data.history import History
from training.data.taxonomy import translated
from training.pipeline.options import Options
from training.pipeline.run import train
from training.publish.handover import serving

PRECISIONS: Final = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99, 0.995)
"""The promises that are tried on the curve of costs."""

_NO_MODEL: Final = Reason("no_model", "nothing could be learnt yet")


@dataclass(frozen=True, slots=True)
class Stretch:
    """What a job needs: a period's start, what was settled by then, what came, when that was settled, and what is
    asked."""

    number: int
    start: datetime
    past: History
    came: History
    settled: Sequence[datetime]
    options: Options
    policies: Sequence[Policy]


@dataclass(frozen=True, slots=True)
class Lived:
    """What happened: each policy's deeds, a ticket each, and what the breaker took out; of the model how many tickets
    it had learnt from (0: there was none).

    For the curve: where each ticket was bound for (`said`), whether that was right (1, 0, -1: not known), and by how
    many of `PRECISIONS` it would have gone, from the loosest on: `goes` (precisions x tickets).
    """

    number: int
    start: datetime
    learnt: int
    deeds: list[list[Deed]]
    trips: list[list[tuple[Target, str]]]
    said: list[str]
    right: npt.NDArray[np.int8]
    goes: npt.NDArray[np.bool_]


def live(stretch: Stretch) -> Lived:
    """Learn, predict, and decide under each policy; without a model everything is left to people."""
    bundle = _learnt(stretch)
    tickets = stretch.came.tickets
    beliefs = bundle.predict(tickets) if bundle else [{} for _ in tickets]
    played = [_played(stretch, policy, bundle, beliefs) for policy in stretch.policies]
    said, right, goes = _curve(stretch, bundle, beliefs)
    return Lived(
        stretch.number,
        stretch.start,
        len(stretch.past) if bundle else 0,
        [deeds for deeds, _ in played],
        [trips for _, trips in played],
        said,
        right,
        goes,
    )


def belonged(policy: Policy, labels: Mapping[Target, str | None], by: Target) -> str | None:
    """The queue of a ticket by the labels that people settled on; `by`: what places tickets in this history."""
    return policy.bound_for(by, labels[by])


def placing(history: History) -> Target:
    """What places tickets: queues where there are any, else categories."""
    return next((target for target in PLACING if any(history.labels[target])), "queue")


def _learnt(stretch: Stretch) -> Bundle | None:
    """The model that the desk would have trained that day."""
    day = stretch.start.astimezone(UTC).date()
    past = translated(stretch.past, stretch.policies[0].ledger(day).turns)
    try:
        with parallel_config(backend="sequential"):
            made = train(past, stretch.options, at_random=False)
    except NothingToLearn:
        return None
    return Bundle(f"{day}", "", made.card, {}, made.scorer, made.evidence)


def _played(
    stretch: Stretch, policy: Policy, bundle: Bundle | None, beliefs: Sequence[Mapping[Target, Prediction]]
) -> tuple[list[Deed], list[tuple[Target, str]]]:
    """One policy: its deeds, and what the breaker took out."""
    watch, by, deeds = Watch(policy, stretch.options.precision), placing(stretch.past), list[Deed]()
    of_the_day: _Day | None = None
    for n, (ticket, belief) in enumerate(zip(stretch.came.tickets, beliefs, strict=True)):
        now = ticket.created_at or stretch.start
        in_force, day = watch.until(now), now.astimezone(UTC).date()
        if of_the_day is None or (of_the_day.day, of_the_day.asked) != (day, in_force):
            of_the_day = _Day.of(in_force, day, stretch.past, bundle)
        truth = {target: stretch.came.labels[target][n] for target in TARGETS}
        verdict = _judged(ticket, belief, bundle, of_the_day).enact(of_the_day.catalogue)
        done = deed(verdict, truth, belonged(of_the_day.policy, truth, by), policy.taxonomy)
        watch.see(n, done, stretch.settled[n])
        deeds.append(done)
    return deeds, watch.trips


@dataclass(frozen=True, slots=True)
class _Day:
    """What holds on a day: the policy as it is `asked` and as it holds, the ledger, and what the desk has."""

    day: date
    asked: Policy
    policy: Policy
    ledger: Ledger
    catalogue: Catalogue

    @classmethod
    def of(cls, asked: Policy, day: date, past: History, bundle: Bundle | None) -> "_Day":
        here = asked.on(day)
        return cls(day, asked, here, here.ledger(day, bundle.turns if bundle else ()), _catalogue(past, here, day))


def _judged(ticket: Ticket, belief: Mapping[Target, Prediction], bundle: Bundle | None, of: _Day) -> Judgement:
    if bundle is None:
        return Judgement({}, of.policy.of(ticket.source), nothing_said(ticket) or _NO_MODEL, of.ledger)
    return judged(ticket, belief, bundle, of.policy, of.ledger)


def _catalogue(past: History, policy: Policy, day: date) -> Catalogue:
    """The queues and agents that the desk had shown by then, in the names of the day."""
    turns = policy.ledger(day).turns
    name, by = names(turns, "queue"), placing(past)
    known = {policy.bound_for(by, label) for label in set(past.labels[by])} | set(policy.routes.values())
    known |= {policy.fallback} | {to for turn in turns if turn.target == "queue" for to in turn.to}
    agents = {agent: tuple(sorted(set(map(name, served)))) for agent, served in serving(past).items()}
    return Catalogue({name(queue): {} for queue in sorted(filter(None, known))}, agents)


def _curve(
    stretch: Stretch, bundle: Bundle | None, beliefs: Sequence[Mapping[Target, Prediction]]
) -> tuple[list[str], npt.NDArray[np.int8], npt.NDArray[np.bool_]]:
    """Where the model of the first policy's day would send each ticket, and at which promises it would go."""
    policy, by = stretch.policies[0], placing(stretch.past)
    goes = np.zeros((len(PRECISIONS), len(beliefs)), bool)
    if bundle is None or by not in bundle.targets:
        return [""] * len(beliefs), np.full(len(beliefs), -1, np.int8), goes
    said = [policy.bound_for(by, belief[by].label) or "" for belief in beliefs]
    truth = [policy.bound_for(by, label) for label in stretch.came.labels[by]]
    right = [
        -1 if true is None else int(same("queue", where, true, policy.taxonomy))
        for where, true in zip(said, truth, strict=True)
    ]
    head, following = bundle.scorer.heads[by], bool(bundle.card.get("follows_drift"))
    rows = _rows(bundle, by, [belief[by] for belief in beliefs])
    for n, asked in enumerate(PRECISIONS):
        contract = draw_up(by, bundle.evidence[by], head.labels, asked, head.said, policy.out_of_scope_rate, following)
        goes[n] = routes(contract, rows, head.labels)
    return said, np.array(right, np.int8), goes


def _rows(bundle: Bundle, target: Target, beliefs: Sequence[Prediction]) -> Evidence:
    """Beliefs about new tickets in the shape in which `proof.routes` reads them."""
    place = {label: n for n, label in enumerate(bundle.labels(target))}
    rows = np.zeros(len(beliefs), EVIDENCE)
    rows["confidence"] = [belief.confidence if belief.familiar else 0.0 for belief in beliefs]
    rows["predicted"] = [place[belief.label] for belief in beliefs]
    rows["likeness"] = [belief.likeness for belief in beliefs]
    return rows
