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

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from deskyard.domain.ticket import Target
from deskyard.errors import BadInput
from deskyard.features.sentence_encoder import Encoder
from deskyard.guarantees.contract import Contract, Evidence
from deskyard.guarantees.contract_fitting import draw_up, routes
from deskyard.model.likeness import Likeness
from training.data import discontinued_labels
from training.data.history import History
from training.data.label_sets import LabelSet, learnable
from training.data.splits import Fold, Plan, Positions, taking_part
from training.data_audit import Case, as_json, audit
from training.fit import label_weights, metrics, out_of_scope
from training.fit.checkpoints import FORGETFUL, Kept
from training.fit.cross_fitting import Asked, Material, Pools, Progress, evidence, fit_pools, work
from training.fit.metrics import Score
from training.fit.shared_counts import shared
from training.fit.tuning import tune
from training.pipeline.card import card
from training.pipeline.options import Options
from training.pipeline.trained import Judged, Trained


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
    taking = _TakingPart.of(history, options)
    label_sets, trust = taking.label_sets, taking.trust
    with shared(taking.material(test, options.seed, progress, encoder)) as material:
        plan = taking.plan(test, options, material, at_random)
        material = replace(material, worth=label_weights.worth(material, trust, plan.apart.learn))
        material = material.by(
            tune(material, plan.apart.learn, taking.ordered, options.effort, options.favour, progress, kept)
        )
        left_out = list(out_of_scope.folds(material, plan.apart.learn))
        model, asked = work(material, plan, left_out, progress, kept)
    answers = _Answers.of(asked, plan, left_out, label_sets)
    found = _Found.of(material, answers.new, answers.kinds)
    judged = _judged(material, plan, answers, found, options.precision, taking.following)
    if encoder is not None:
        without = answers.without_encoder()
        found_without = _Found.of(material, without.new, without.kinds)
        judged = _compared(judged, _judged(material, plan, without, found_without, options.precision, taking.following))

    case = Case(
        material,
        plan,
        answers.new,
        answers.apart,
        next(iter(answers.at_random), None),
        found.pools,
        taking.history.moves,
    )
    findings = audit(case) if options.audit else []
    if not plan.test_is_apart:
        found = _Found.of(material, Asked.together([answers.new, answers.apart]), answers.kinds)
    return Trained(
        scorer=model.scorer(
            {t: labels.labels for t, labels in label_sets.items()},
            found.pools,
            found.likeness,
            {t: labels.parents for t, labels in label_sets.items()},
            encoder,
        ),
        evidence=found.evidence,
        card=card(taking.history, trust, test, plan, options, material, judged)
        | {"findings": as_json(findings)}
        | taking.told()
        | ({"encoder": {"kind": encoder.kind, "digest": encoder.digest}} if encoder else {}),
        judged=judged,
        findings=findings,
        case=case,
    )


@dataclass(frozen=True, slots=True)
class _TakingPart:
    """What of a history takes part in a run: its labels, and the positions of its tickets (`part`).

    `following`: labels that come no more were left out, and are in `gone`. `trust` is that of the tickets
    that take part.
    """

    history: History
    ordered: bool
    following: bool
    gone: Mapping[Target, Sequence[discontinued_labels.Silence]]
    label_sets: dict[Target, LabelSet]
    part: Positions
    trust: dict[Target, list[str]]

    @classmethod
    def of(cls, history: History, options: Options) -> "_TakingPart":
        """Chosen as the options say; the texts of all other tickets are forgotten.

        Raises NothingToLearn when no wanted target has two labels with enough tickets.
        """
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
        trust = {t: [said[i] for i in part] for t, said in history.trust.items() if any(said)}
        return cls(history, ordered, following, gone, label_sets, part, trust)

    def material(self, test: History | None, seed: int, progress: Progress, encoder: Encoder | None) -> Material:
        """What models are fitted on: the tickets that take part, and after them those of `test`."""
        history = self.history
        tickets = [*(history.tickets[i] for i in self.part), *(test.tickets if test else ())]
        values = {
            t: [*(history.labels[t][i] for i in self.part), *(test.labels[t] if test else ())] for t in self.label_sets
        }
        return Material.of(tickets, values, self.label_sets, seed, progress, encoder)

    def plan(self, test: History | None, options: Options, material: Material, at_random: bool) -> Plan:
        """Who learns and who judges."""
        plan = Plan.of(
            len(self.part), len(test) if test else 0, self.ordered, options.seed, material.groups, options.newest
        )
        return plan if at_random else replace(plan, at_random=None)

    def told(self) -> dict[str, Any]:
        """What the card says of it beside what it says of every run."""
        told: dict[str, Any] = {}
        if self.following:
            told["follows_drift"] = True
        if self.gone:
            told["silent"] = {target: [asdict(one) for one in ones] for target, ones in self.gone.items()}
        if self.history.turns:
            told["taxonomy"] = [turn.plain() for turn in self.history.turns]
        return told


@dataclass(frozen=True, slots=True)
class _Answers:
    """What models said of tickets that were new to them.

    `new` are the folds' together, `apart` those of the judged model, `at_random` those of a split without regard to
    time (one or none), `kinds` those about tickets whose labels were left out, a list a target.
    """

    new: Asked
    apart: Asked
    at_random: list[Asked]
    kinds: dict[Target, list[Asked]]

    @classmethod
    def of(
        cls,
        asked: list[Asked],
        plan: Plan,
        left_out: Sequence[tuple[Target, Fold]],
        targets: Iterable[Target],
    ) -> "_Answers":
        """Told apart in the order in which `crossfit.work` gives them."""
        ordinary, strange = asked[: len(asked) - len(left_out)], asked[len(asked) - len(left_out) :]
        kinds = {t: [answers for (of, _), answers in zip(left_out, strange, strict=True) if of == t] for t in targets}
        folds = len(plan.folds)
        return cls(Asked.together(ordinary[:folds]), ordinary[folds], ordinary[folds + 1 :], kinds)

    def without_encoder(self) -> "_Answers":
        """The same heads without those that read vectors: no head is learnt again, all that rests on them is."""
        return _Answers(
            self.new.without_encoder(),
            self.apart.without_encoder(),
            [asked.without_encoder() for asked in self.at_random],
            {target: [asked.without_encoder() for asked in answers] for target, answers in self.kinds.items()},
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
    answers: _Answers,
    found: _Found,
    precision: float,
    following: bool,
) -> dict[Target, Judged]:
    """Each target's contract, and its score on the tickets apart."""
    judged = {}
    for target, labels in material.label_sets.items():
        proved = found.evidence[target]
        contract = draw_up(target, proved, labels.labels, precision, labels.parents, following=following)
        rows = evidence(answers.apart, target, found.pools, material, found.likeness[target])
        score = _score(material, plan.apart.learn, answers.apart, answers.at_random, found.pools, contract, rows)
        judged[target] = Judged(labels, contract, score, proved, rows)
    return judged


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
