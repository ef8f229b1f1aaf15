"""A training run: a history goes in; an honest score, the evidence and the model that goes to work come out.

    take part          all tickets; of a long history the newest, and older ones of rare labels
    count every gram once
    believe                what labels count that nobody spoke of, by those that people stand behind
    choose             how each target is learnt, inside what is learnt
    learn | judge      the newest fifth judges (or a random fifth, or --test)
    folds of learn     what models say of tickets new to them → pool weights, evidence, contract
    learn → judge      the score, on tickets that nothing above has seen
    everything         the model that is saved, with all the evidence there is

Reads no file and writes none; the same history, options, libraries and machine type give the same bytes.
"""

import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np

from deskyard.domain.ticket import TARGETS, Target
from deskyard.errors import BadInput
from deskyard.features.sentence_encoder import Encoder
from deskyard.guarantees.contract import Contract, Evidence
from deskyard.guarantees.contract_fitting import draw_up, routes
from deskyard.model.likeness import Likeness
from deskyard.model.scorer import Scorer
from training.data import discontinued_labels
from training.data.history import History
from training.data.label_sets import LabelSet, learnable
from training.data.splits import Plan, Positions, taking_part
from training.data_audit import Case, Finding, as_json, audit
from training.fit import label_weights, metrics, out_of_scope
from training.fit.checkpoints import FORGETFUL, Kept, versions
from training.fit.cross_fitting import Asked, Material, Pools, Progress, evidence, fit_pools, work
from training.fit.metrics import Score
from training.fit.shared_counts import shared
from training.fit.tuning import Effort, Favour, tune


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked of a run; part of the card.

    `drift`: "follow" leaves out labels that come no more (`training.data.discontinued_labels`), and lets the newest evidence cast doubt
    on the rest of it sooner (`deskyard.guarantees.contract_fitting`); where time is not known, it changes nothing. `newest`: so many tickets
    judge instead of the newest fifth.
    """

    targets: tuple[Target, ...] = TARGETS
    precision: float = 0.95
    order: Literal["time", "file"] = "time"
    seed: int = 0
    audit: bool = False
    effort: Effort = "normal"
    favour: Favour = "common"
    parents: Mapping[Target, Mapping[str, str]] = field(default_factory=dict)
    drift: Literal["ignore", "follow"] = "ignore"
    newest: int | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """One target of the judged model: its labels, its contract and its score (None without judging tickets).

    The contract was drawn up from `evidence`; `rows` are what was said of the judging tickets, and what was true. What
    another precision would have routed, and how well, is drawn up anew from the two. `without_encoder`: the score of
    the same heads, pooled, proved and judged without those that read vectors (None where no encoder was used).
    """

    labels: LabelSet
    contract: Contract
    score: Score | None
    evidence: Evidence
    rows: Evidence
    without_encoder: Score | None = None


@dataclass(frozen=True, slots=True)
class Trained:
    """A run's result: what `bundle.save` wants, and what the table shows of the judged model."""

    scorer: Scorer
    evidence: dict[Target, Evidence]
    card: dict[str, Any]
    judged: dict[Target, Judged]
    findings: list[Finding]
    case: Case


def quiet(things: Iterable[Any], n: int, what: str) -> Iterator[Any]:
    """Show nothing."""
    return iter(things)


def train(
    history: History,
    options: Options,
    test: History | None = None,
    progress: Progress = quiet,
    encoder: Encoder | None = None,
    kept: Kept = FORGETFUL,
    at_random: bool = True,
) -> Trained:
    """Learn from `history`; judge on its newest fifth, or on `test`, which is never learnt from.

    `kept` is where a run that was cut off left what it had finished. `at_random`: also tell what a split without regard
    to time would have flattered, which takes one model more.

    Of a long history the texts that take no part are forgotten (`History.keep_only`). Recipes are chosen as if there
    were no `encoder`: what it adds is then all that its figures tell.

    Raises NothingToLearn when no wanted target has two labels with enough tickets.
    """
    if test is not None and not len(test):
        raise BadInput("the test file holds no ticket to judge on: leave --test out, or name another.")
    ordered = options.order == "file" or history.dated * 2 > len(history)
    gone: dict[Target, list[discontinued_labels.Silence]] = {}
    following = options.drift == "follow" and ordered
    if following:
        history, gone = discontinued_labels.left_out(history, options.targets)
    label_sets = learnable(history.labels, options.targets, options.parents)
    y = [labels.positions(history.labels[t]) for t, labels in label_sets.items()]
    part = taking_part(y, len(history), ordered, options.seed)
    if len(part) < len(history):
        history.keep_only(part.tolist())
    tickets = [*(history.tickets[i] for i in part), *(test.tickets if test else ())]
    values = {t: [*(history.labels[t][i] for i in part), *(test.labels[t] if test else ())] for t in label_sets}
    trust = {t: [said[i] for i in part] for t, said in history.trust.items() if any(said)}
    with shared(Material.of(tickets, values, label_sets, options.seed, progress, encoder)) as material:
        plan = Plan.of(len(part), len(test) if test else 0, ordered, options.seed, material.groups, options.newest)
        plan = plan if at_random else replace(plan, at_random=None)
        material = replace(material, worth=label_weights.worth(material, trust, plan.apart.learn))
        material = material.by(
            tune(material, plan.apart.learn, ordered, options.effort, options.favour, progress, kept)
        )
        left_out = list(out_of_scope.folds(material, plan.apart.learn))
        model, asked = work(material, plan, left_out, progress, kept)
    asked, strange = asked[: len(asked) - len(left_out)], asked[len(asked) - len(left_out) :]
    kinds = {t: [answers for (of, _), answers in zip(left_out, strange, strict=True) if of == t] for t in label_sets}
    new = Asked.together(asked[: len(plan.folds)])
    apart, flattering = asked[len(plan.folds)], asked[len(plan.folds) + 1 :]
    found = _Found.of(material, new, kinds)
    asking = options.precision, following
    judged = _judged(material, plan, apart, flattering, found, *asking)
    if encoder is not None:
        judged = _compared(judged, _without_encoder(material, plan, new, apart, flattering, kinds, *asking))

    case = Case(material, plan, new, apart, next(iter(flattering), None), found.pools, history.moves)
    findings = audit(case) if options.audit else []
    if not plan.test_is_apart:
        found = _Found.of(material, Asked.together([new, apart]), kinds)
    return Trained(
        scorer=model.scorer(
            {t: labels.labels for t, labels in label_sets.items()},
            found.pools,
            found.likeness,
            {t: labels.parents for t, labels in label_sets.items()},
            encoder,
        ),
        evidence=found.evidence,
        card=_card(history, trust, test, plan, options, material, judged)
        | {"findings": as_json(findings)}
        | ({"follows_drift": True} if following else {})
        | ({"silent": {target: [asdict(one) for one in ones] for target, ones in gone.items()}} if gone else {})
        | ({"taxonomy": [turn.plain() for turn in history.turns]} if history.turns else {})
        | ({"encoder": {"kind": encoder.kind, "digest": encoder.digest}} if encoder else {}),
        judged=judged,
        findings=findings,
        case=case,
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """What is fitted on answers to new tickets: the pools and the likeness; and the evidence."""

    pools: Pools
    likeness: dict[Target, Likeness | None]
    evidence: dict[Target, Evidence]

    @classmethod
    def of(cls, material: Material, new: Asked, kinds: Mapping[Target, list[Asked]]) -> "_Found":
        pools = fit_pools(new, material)
        likeness = {t: out_of_scope.fit(new, asked, t, pools, material) for t, asked in kinds.items()}
        rows = {
            t: [
                evidence(new, t, pools, material, likeness[t]),
                *out_of_scope.rows(asked, t, pools, material, likeness[t]),
            ]
            for t, asked in kinds.items()
        }
        return cls(pools, likeness, {target: np.concatenate(parts) for target, parts in rows.items()})


def _judged(
    material: Material,
    plan: Plan,
    apart: Asked,
    at_random: list[Asked],
    found: _Found,
    precision: float,
    following: bool,
) -> dict[Target, Judged]:
    """Each target's contract, and its score on the tickets apart."""
    judged = {}
    for target, labels in material.label_sets.items():
        proved = found.evidence[target]
        contract = draw_up(target, proved, labels.labels, precision, labels.parents, following=following)
        rows = evidence(apart, target, found.pools, material, found.likeness[target])
        score = _score(material, plan.apart.learn, apart, at_random, found.pools, contract, rows)
        judged[target] = Judged(labels, contract, score, proved, rows)
    return judged


def _without_encoder(
    material: Material,
    plan: Plan,
    new: Asked,
    apart: Asked,
    at_random: list[Asked],
    kinds: Mapping[Target, list[Asked]],
    precision: float,
    following: bool,
) -> dict[Target, Judged]:
    """The same heads without those that read vectors: no head is learnt again, all that rests on them is."""
    kinds = {target: [asked.without_encoder() for asked in answers] for target, answers in kinds.items()}
    found = _Found.of(material, new.without_encoder(), kinds)
    others = [asked.without_encoder() for asked in at_random]
    return _judged(material, plan, apart.without_encoder(), others, found, precision, following)


def _compared(judged: Mapping[Target, Judged], without: Mapping[Target, Judged]) -> dict[Target, Judged]:
    return {target: replace(one, without_encoder=without[target].score) for target, one in judged.items()}


def _score(
    material: Material,
    learnt: Positions,
    apart: Asked,
    at_random: list[Asked],
    pools: Pools,
    contract: Contract,
    rows: Evidence,
) -> Score | None:
    """The figures of one target on the tickets apart; `rows` are what was said of them."""
    target = contract.target
    asked = apart.labelled(material, target)
    if not len(asked.positions):
        return None
    truth, before = asked.truth(material, target), material.y[target][learnt]
    others = [other.labelled(material, target) for other in at_random]
    return Score(
        **metrics.judge(
            asked.beliefs(target, pools), truth, routes(contract, rows, material.label_sets[target].labels)
        ),
        majority=metrics.majority(before, truth),
        last_of_requester=metrics.last_of_requester(
            [material.tickets[i] for i in learnt], before, [material.tickets[i] for i in asked.positions], truth
        ),
        at_random=next(
            (metrics.accuracy(o.beliefs(target, pools), o.truth(material, target)) for o in others if len(o.positions)),
            None,
        ),
    )


def _card(
    history: History,
    trust: Mapping[Target, Sequence[str]],
    test: History | None,
    plan: Plan,
    options: Options,
    material: Material,
    judged: Mapping[Target, Judged],
) -> dict[str, Any]:
    """What the bundle says of itself; no moment and no place, so that it belongs to the digest."""
    times = [ticket.created_at for ticket in material.tickets[: len(plan.everything)] if ticket.created_at is not None]
    first, last = (min(times), max(times)) if times else (None, None)
    return {
        "learnt_from": {
            "tickets": len(plan.everything),
            "of": len(history),
            "which": "the newest" if plan.ordered else "random ones",
            "digest": history.digest,
            "first": first.isoformat() if first else None,
            "last": last.isoformat() if last else None,
            "rejected": dict(history.rejected_by_reason),
            **({"trust": label_weights.told(material.worth, trust)} if trust else {}),
        },
        "judged_on": {
            "how": plan.how,
            "tickets": len(plan.apart.ask),
            "learnt_from": len(plan.apart.learn),
            "digest": test.digest if test else None,
        },
        "note": "the figures are those of the judged model; the saved one learnt from every ticket that took part",
        "asked_precision": options.precision,
        "options": asdict(options),
        "targets": {
            target: {
                "labels": list(found.labels.labels),
                "recipe": asdict(material.recipes[target]),
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
                    "outdated": found.contract.outdated,
                    "by_label": {label: list(counted) for label, counted in found.contract.record.items()},
                    "guard": asdict(found.contract.guard) if found.contract.guard else None,
                    "urgency": asdict(found.contract.urgency) if found.contract.urgency else None,
                    "parents": {
                        "threshold": found.contract.parents.threshold,
                        "labels": sorted(found.contract.parents.labels),
                        "tickets": found.contract.parents.n,
                        "right": found.contract.parents.right,
                    }
                    if found.contract.parents
                    else None,
                    "not_routed": {label: reason.text for label, reason in found.contract.missing.items()},
                },
            }
            | ({"without_encoder": asdict(found.without_encoder)} if found.without_encoder else {})
            for target, found in judged.items()
        },
        "versions": versions(),
        "machine": platform.machine(),
    }
