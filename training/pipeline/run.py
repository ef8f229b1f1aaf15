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
from deskyard.guarantees.contract_fitting import fit_contract, routed_mask
from deskyard.model.likeness import LikenessModel
from training.data import discontinued_labels
from training.data.history import History
from training.data.label_sets import LabelSet, build_label_sets
from training.data.splits import Fold, Positions, SplitPlan, select_tickets
from training.data_audit import AuditCase, audit_history, findings_to_json
from training.fit import label_weights, metrics, out_of_scope
from training.fit.checkpoints import NO_CHECKPOINTS, Checkpoints
from training.fit.cross_fitting import (
    HeldOutPredictions,
    PoolWeights,
    Progress,
    TrainingData,
    build_evidence,
    fit_models,
    fit_pools,
)
from training.fit.metrics import Score
from training.fit.shared_counts import share_counts
from training.fit.tuning import tune_recipes
from training.pipeline.card import card
from training.pipeline.options import Options
from training.pipeline.trained import TargetEvaluation, TrainingResult


def no_progress(things: Iterable[Any], n: int, what: str) -> Iterator[Any]:
    """Show nothing."""
    return iter(things)


def train_model(
    history: History,
    options: Options,
    test: History | None = None,
    progress: Progress = no_progress,
    encoder: Encoder | None = None,
    checkpoints: Checkpoints = NO_CHECKPOINTS,
    with_random_split: bool = True,
) -> TrainingResult:
    """Learn from `history`; judge on its newest fifth, or on `test`, which is never learnt from.

    `kept` is where a run that was cut off left what it had finished. `at_random`: also tell what a split without regard
    to time would have flattered, which takes one model more.

    Of a long history the texts that take no part are forgotten (`History.drop_other_texts`). Recipes are chosen as if
    there were no `encoder`: what it adds is then all that its figures tell.

    Raises NothingToLearn when no wanted target has two labels with enough tickets.
    """
    if test is not None and not len(test):
        raise BadInput("the test file holds no ticket to judge on: leave --test out, or name another.")
    taking = _TakingPart.of(history, options)
    label_sets, trust = taking.label_sets, taking.trust
    with share_counts(taking.material(test, options.seed, progress, encoder)) as material:
        plan = taking.plan(test, options, material, with_random_split)
        material = replace(
            material, label_weights=label_weights.compute_label_weights(material, trust, plan.holdout.learn)
        )
        material = material.with_recipes(
            tune_recipes(
                material, plan.holdout.learn, taking.ordered, options.effort, options.favour, progress, checkpoints
            )
        )
        left_out = list(out_of_scope.out_of_scope_folds(material, plan.holdout.learn))
        model, asked = fit_models(material, plan, left_out, progress, checkpoints)
    answers = _Answers.of(asked, plan, left_out, label_sets)
    found = _FittedParts.fit(material, answers.new, answers.kinds)
    judged = _evaluate_targets(material, plan, answers, found, options.precision, taking.following)
    if encoder is not None:
        without = answers.without_encoder()
        found_without = _FittedParts.fit(material, without.new, without.kinds)
        judged = _add_encoder_scores(
            judged, _evaluate_targets(material, plan, without, found_without, options.precision, taking.following)
        )

    case = AuditCase(
        material,
        plan,
        answers.new,
        answers.apart,
        next(iter(answers.at_random), None),
        found.pools,
        taking.history.moves,
    )
    findings = audit_history(case) if options.audit else []
    if not plan.is_holdout_unseen:
        found = _FittedParts.fit(material, HeldOutPredictions.concatenate([answers.new, answers.apart]), answers.kinds)
    return TrainingResult(
        scorer=model.to_scorer(
            {t: labels.labels for t, labels in label_sets.items()},
            found.pools,
            found.likeness,
            {t: labels.parents for t, labels in label_sets.items()},
            encoder,
        ),
        evidence=found.evidence,
        card=card(taking.history, trust, test, plan, options, material, judged)
        | {"findings": findings_to_json(findings)}
        | taking.told()
        | ({"encoder": {"kind": encoder.kind, "digest": encoder.digest}} if encoder else {}),
        evaluations=judged,
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
    gone: Mapping[Target, Sequence[discontinued_labels.DiscontinuedLabel]]
    label_sets: dict[Target, LabelSet]
    part: Positions
    trust: dict[Target, list[str]]

    @classmethod
    def of(cls, history: History, options: Options) -> "_TakingPart":
        """Chosen as the options say; the texts of all other tickets are forgotten.

        Raises NothingToLearn when no wanted target has two labels with enough tickets.
        """
        ordered = options.order == "file" or history.dated * 2 > len(history)
        gone: dict[Target, list[discontinued_labels.DiscontinuedLabel]] = {}
        following = options.drift == "follow" and ordered
        if following:
            history, gone = discontinued_labels.drop_discontinued(history, options.targets)
        label_sets = build_label_sets(history.labels, options.targets, options.parents)
        y = [labels.positions(history.labels[t]) for t, labels in label_sets.items()]
        part = select_tickets(y, len(history), ordered, options.seed)
        if len(part) < len(history):
            history.drop_other_texts(part.tolist())
        trust = {t: [said[i] for i in part] for t, said in history.trust.items() if any(said)}
        return cls(history, ordered, following, gone, label_sets, part, trust)

    def material(self, test: History | None, seed: int, progress: Progress, encoder: Encoder | None) -> TrainingData:
        """What models are fitted on: the tickets that take part, and after them those of `test`."""
        history = self.history
        tickets = [*(history.tickets[i] for i in self.part), *(test.tickets if test else ())]
        values = {
            t: [*(history.labels[t][i] for i in self.part), *(test.labels[t] if test else ())] for t in self.label_sets
        }
        return TrainingData.build(tickets, values, self.label_sets, seed, progress, encoder)

    def plan(self, test: History | None, options: Options, material: TrainingData, at_random: bool) -> SplitPlan:
        """Who learns and who judges."""
        plan = SplitPlan.build(
            len(self.part), len(test) if test else 0, self.ordered, options.seed, material.groups, options.newest
        )
        return plan if at_random else replace(plan, random_holdout=None)

    def told(self) -> dict[str, Any]:
        """What the card says of it beside what it says of every run."""
        told: dict[str, Any] = {}
        if self.following:
            told["follows_drift"] = True
        if self.gone:
            told["silent"] = {target: [asdict(one) for one in ones] for target, ones in self.gone.items()}
        if self.history.taxonomy_changes:
            told["taxonomy"] = [turn.to_dict() for turn in self.history.taxonomy_changes]
        return told


@dataclass(frozen=True, slots=True)
class _Answers:
    """What models said of tickets that were new to them.

    `new` are the folds' together, `apart` those of the judged model, `at_random` those of a split without regard to
    time (one or none), `kinds` those about tickets whose labels were left out, a list a target.
    """

    new: HeldOutPredictions
    apart: HeldOutPredictions
    at_random: list[HeldOutPredictions]
    kinds: dict[Target, list[HeldOutPredictions]]

    @classmethod
    def of(
        cls,
        asked: list[HeldOutPredictions],
        plan: SplitPlan,
        left_out: Sequence[tuple[Target, Fold]],
        targets: Iterable[Target],
    ) -> "_Answers":
        """Told apart in the order in which `crossfit.work` gives them."""
        ordinary, strange = asked[: len(asked) - len(left_out)], asked[len(asked) - len(left_out) :]
        kinds = {t: [answers for (of, _), answers in zip(left_out, strange, strict=True) if of == t] for t in targets}
        folds = len(plan.folds)
        return cls(HeldOutPredictions.concatenate(ordinary[:folds]), ordinary[folds], ordinary[folds + 1 :], kinds)

    def without_encoder(self) -> "_Answers":
        """The same heads without those that read vectors: no head is learnt again, all that rests on them is."""
        return _Answers(
            self.new.without_encoder(),
            self.apart.without_encoder(),
            [asked.without_encoder() for asked in self.at_random],
            {target: [asked.without_encoder() for asked in answers] for target, answers in self.kinds.items()},
        )


@dataclass(frozen=True, slots=True)
class _FittedParts:
    """What is fitted on answers to new tickets: the pools and the likeness; and the evidence."""

    pools: PoolWeights
    likeness: dict[Target, LikenessModel | None]
    evidence: dict[Target, Evidence]

    @classmethod
    def fit(
        cls, data: TrainingData, out_of_fold: HeldOutPredictions, kinds: Mapping[Target, list[HeldOutPredictions]]
    ) -> "_FittedParts":
        pools = fit_pools(out_of_fold, data)
        likeness = {
            t: out_of_scope.fit_likeness_model(out_of_fold, asked, t, pools, data) for t, asked in kinds.items()
        }
        rows = {
            t: [
                build_evidence(out_of_fold, t, pools, data, likeness[t]),
                *out_of_scope.out_of_scope_evidence(asked, t, pools, data, likeness[t]),
            ]
            for t, asked in kinds.items()
        }
        return cls(pools, likeness, {target: np.concatenate(parts) for target, parts in rows.items()})


def _evaluate_targets(
    data: TrainingData,
    plan: SplitPlan,
    answers: _Answers,
    parts: _FittedParts,
    precision: float,
    follow_drift: bool,
) -> dict[Target, TargetEvaluation]:
    """Each target's contract, and its score on the tickets apart."""
    judged = {}
    for target, labels in data.label_sets.items():
        proved = parts.evidence[target]
        contract = fit_contract(target, proved, labels.labels, precision, labels.parents, follow_drift=follow_drift)
        rows = build_evidence(answers.apart, target, parts.pools, data, parts.likeness[target])
        score = _score_target(data, plan.holdout.learn, answers.apart, answers.at_random, parts.pools, contract, rows)
        judged[target] = TargetEvaluation(labels, contract, score, proved, rows)
    return judged


def _add_encoder_scores(
    judged: Mapping[Target, TargetEvaluation], without: Mapping[Target, TargetEvaluation]
) -> dict[Target, TargetEvaluation]:
    return {target: replace(one, without_encoder=without[target].score) for target, one in judged.items()}


def _score_target(
    data: TrainingData,
    training_rows: Positions,
    holdout: HeldOutPredictions,
    random_holdout: list[HeldOutPredictions],
    pools: PoolWeights,
    contract: Contract,
    holdout_evidence: Evidence,
) -> Score | None:
    """The figures of one target on the tickets apart; `rows` are what was said of them."""
    target = contract.target
    asked = holdout.labelled(data, target)
    if not len(asked.positions):
        return None
    truth, before = asked.true_labels(data, target), data.y[target][training_rows]
    others = [other.labelled(data, target) for other in random_holdout]
    return Score(
        **metrics.compute_metrics(
            asked.probabilities(target, pools),
            truth,
            routed_mask(contract, holdout_evidence, data.label_sets[target].labels),
        ),
        majority=metrics.majority_accuracy(before, truth),
        last_of_requester=metrics.last_label_accuracy(
            [data.tickets[i] for i in training_rows], before, [data.tickets[i] for i in asked.positions], truth
        ),
        at_random=next(
            (
                metrics.accuracy(o.probabilities(target, pools), o.true_labels(data, target))
                for o in others
                if len(o.positions)
            ),
            None,
        ),
    )
