"""A training run: a history goes in; an honest score, the evidence and the model that goes to work come out.

    count every gram once
    learn | judge      the newest fifth judges (or a random fifth, or --test)
    folds of learn     what models say of tickets new to them → pool weights, evidence, contract
    learn → judge      the score, on tickets that nothing above has seen
    everything         the model that is saved, with all the evidence there is

Reads no file and writes none; the same history, options, libraries and machine type give the same bytes.
"""

import platform
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any, Literal

from deskyard import __version__
from deskyard.contract import Contract, Evidence, draw_up
from deskyard.errors import BadInput
from deskyard.scorer import Scorer
from deskyard.ticket import TARGETS, Target
from training import evaluate
from training.crossfit import Asked, Material, Pools, Progress, evidence, fit_pools, work
from training.evaluate import Score
from training.history import History
from training.labels import LabelSet, learnable
from training.split import Plan, Positions

LIBRARIES = ("numpy", "scipy", "scikit-learn", "nltk", "ftfy", "inscriptis")
"""What can change a model's bytes; their versions stand in the card."""


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked of a run; part of the card."""

    targets: tuple[Target, ...] = TARGETS
    precision: float = 0.95
    order: Literal["time", "file"] = "time"
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Judged:
    """One target of the judged model: its labels, its contract and its score (None without judging tickets)."""

    labels: LabelSet
    contract: Contract
    score: Score | None


@dataclass(frozen=True, slots=True)
class Trained:
    """A run's result: what `bundle.save` wants, and what the table shows of the judged model."""

    scorer: Scorer
    evidence: dict[Target, Evidence]
    card: dict[str, Any]
    judged: dict[Target, Judged]


def quiet(things: Iterable[Any], n: int, what: str) -> Iterator[Any]:
    """Show nothing."""
    return iter(things)


def train(history: History, options: Options, test: History | None = None, progress: Progress = quiet) -> Trained:
    """Learn from `history`; judge on its newest fifth, or on `test`, which is never learnt from.

    Raises NothingToLearn when no wanted target has two labels with enough tickets.
    """
    if test is not None and not len(test):
        raise BadInput("the test file holds no ticket to judge on: leave --test out, or name another.")
    label_sets = learnable(history.labels, options.targets)
    ordered = options.order == "file" or history.dated * 2 > len(history)
    plan = Plan.of(len(history), len(test) if test else 0, ordered, options.seed)
    tickets = [*history.tickets, *(test.tickets if test else ())]
    values = {t: [*history.labels[t], *(test.labels[t] if test else ())] for t in label_sets}
    material = Material.of(tickets, values, label_sets, options.seed, progress)

    model, asked = work(material, plan, progress)
    new = Asked.together(asked[: len(plan.folds)])
    apart, at_random = asked[len(plan.folds)], asked[len(plan.folds) + 1 :]
    pools = fit_pools(new, material)
    judged = {}
    for target, labels in label_sets.items():
        contract = draw_up(target, evidence(new, target, pools, material), labels.labels, options.precision)
        judged[target] = Judged(labels, contract, _score(material, plan.apart.learn, apart, at_random, pools, contract))

    known = new if plan.test_is_apart else Asked.together([new, apart])
    pools = fit_pools(known, material)
    return Trained(
        scorer=model.scorer({target: labels.labels for target, labels in label_sets.items()}, pools),
        evidence={target: evidence(known, target, pools, material) for target in label_sets},
        card=_card(history, test, plan, options, judged),
        judged=judged,
    )


def _score(
    material: Material, learnt: Positions, apart: Asked, at_random: list[Asked], pools: Pools, contract: Contract
) -> Score | None:
    """The figures of one target on the tickets apart."""
    target = contract.target
    asked = apart.labelled(material, target)
    if not len(asked.positions):
        return None
    truth, before = asked.truth(material, target), material.y[target][learnt]
    others = [other.labelled(material, target) for other in at_random]
    return Score(
        **evaluate.judge(
            asked.beliefs(target, pools), asked.familiar, truth, contract, material.label_sets[target].labels
        ),
        majority=evaluate.majority(before, truth),
        last_of_requester=evaluate.last_of_requester(
            [material.tickets[i] for i in learnt], before, [material.tickets[i] for i in asked.positions], truth
        ),
        at_random=next(
            (
                evaluate.accuracy(o.beliefs(target, pools), o.truth(material, target))
                for o in others
                if len(o.positions)
            ),
            None,
        ),
    )


def _card(
    history: History, test: History | None, plan: Plan, options: Options, judged: Mapping[Target, Judged]
) -> dict[str, Any]:
    """What the bundle says of itself; no moment and no place, so that it belongs to the digest."""
    first, last = history.time_range or (None, None)
    return {
        "learnt_from": {
            "tickets": len(history),
            "digest": history.digest,
            "first": first.isoformat() if first else None,
            "last": last.isoformat() if last else None,
            "rejected": dict(history.rejected_by_reason),
        },
        "judged_on": {
            "how": plan.how,
            "tickets": len(plan.apart.ask),
            "learnt_from": len(plan.apart.learn),
            "digest": test.digest if test else None,
        },
        "note": "the figures are those of the judged model; the saved one learnt from every ticket of the history",
        "asked_precision": options.precision,
        "options": asdict(options),
        "targets": {
            target: {
                "labels": list(found.labels.labels),
                "too_rare": found.labels.rare,
                "score": asdict(found.score) if found.score else None,
                "contract": {
                    "asked": found.contract.asked,
                    "threshold": found.contract.threshold,
                    "evidence": {
                        "tickets": found.contract.of,
                        "surest": found.contract.n,
                        "right": found.contract.right,
                    },
                    "not_routed": {label: reason.text for label, reason in found.contract.missing.items()},
                },
            }
            for target, found in judged.items()
        },
        "versions": {"deskyard": __version__, "python": platform.python_version()}
        | {name: version(name) for name in LIBRARIES},
        "machine": platform.machine(),
    }
