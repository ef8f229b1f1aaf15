"""The training run: from a history to a model with its score, evidence and contracts.

    select tickets     all; of a long history the newest, and older ones of rare labels
    count n-grams      once for all models
    weigh labels       unreviewed labels by how well they agree with those of people
    tune               the recipe of each target, within the training part
    split              the newest fifth is the holdout (or a random fifth, or --test)
    cross-fit          folds of the training part → pool weights, evidence, contract
    evaluate           the score on the holdout, which none of the above has used
    final model        fitted on all tickets, with all evidence

No file is read or written; the same history, options, libraries and machine type give the same bytes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
from training.pipeline.card import build_card
from training.pipeline.options import Options
from training.pipeline.trained import TargetEvaluation, TrainingResult


def no_progress(items: Iterable[Any], total: int | None, step: str) -> Iterator[Any]:
    """Show no progress."""
    return iter(items)


def train_model(
    history: History,
    options: Options,
    test: History | None = None,
    progress: Progress = no_progress,
    encoder: Encoder | None = None,
    checkpoints: Checkpoints = NO_CHECKPOINTS,
    with_random_split: bool = True,
) -> TrainingResult:
    """Train on `history` and evaluate on its newest fifth, or on `test`, which is not trained on.

    `checkpoints` hold finished fits of an interrupted run. `with_random_split`: also report the score of a random
    split, which needs one more model.

    The texts of tickets that take no part are dropped (`History.drop_other_texts`). Recipes are tuned without the
    `encoder`, so that the difference in score is the encoder's contribution.

    Raises NothingToLearn when none of the targets has two labels with enough tickets, BadInput for an empty `test`.
    """
    if test is not None and not len(test):
        raise BadInput("the test file has no ticket to evaluate on: leave --test out, or name another.")
    selection = _Selection.select(history, options)
    label_sets, trust = selection.label_sets, selection.trust
    with share_counts(selection.to_training_data(test, options.seed, progress, encoder)) as data:
        plan = selection.split(test, options, data, with_random_split)
        learn = plan.holdout.learn
        data = replace(data, label_weights=label_weights.compute_label_weights(data, trust, learn))
        data = data.with_recipes(
            tune_recipes(data, learn, selection.ordered, options.effort, options.class_weight, progress, checkpoints)
        )
        cluster_folds = list(out_of_scope.out_of_scope_folds(data, learn))
        model, predictions = fit_models(data, plan, cluster_folds, progress, checkpoints)
    held_out = _HeldOut.group(predictions, plan, cluster_folds, label_sets)
    parts = _FittedParts.fit(data, held_out.out_of_fold, held_out.out_of_scope)
    evaluations = _evaluate_targets(data, plan, held_out, parts, options.precision, selection.follow_drift)
    if encoder is not None:
        without = held_out.without_encoder()
        parts_without = _FittedParts.fit(data, without.out_of_fold, without.out_of_scope)
        evaluations = _add_encoder_scores(
            evaluations,
            _evaluate_targets(data, plan, without, parts_without, options.precision, selection.follow_drift),
        )

    case = AuditCase(
        data,
        plan,
        held_out.out_of_fold,
        held_out.holdout,
        next(iter(held_out.random_holdout), None),
        parts.pools,
        selection.history.moves,
        {target: done for target, done in selection.history.label_cleaning.items() if target in options.targets},
    )
    findings = audit_history(case, selection.history) if options.audit else []
    if not plan.is_holdout_unseen:
        everything = HeldOutPredictions.concatenate([held_out.out_of_fold, held_out.holdout])
        parts = _FittedParts.fit(data, everything, held_out.out_of_scope)
    return TrainingResult(
        scorer=model.to_scorer(
            {t: labels.labels for t, labels in label_sets.items()},
            parts.pools,
            parts.likeness,
            {t: labels.parents for t, labels in label_sets.items()},
            encoder,
        ),
        evidence=parts.evidence,
        card=build_card(selection.history, trust, test, plan, options, data, evaluations)
        | {"findings": findings_to_json(findings)}
        | selection.to_card()
        | ({"encoder": {"kind": encoder.kind, "digest": encoder.digest}} if encoder else {}),
        evaluations=evaluations,
        findings=findings,
        case=case,
    )


@dataclass(frozen=True, slots=True)
class _Selection:
    """The part of a history that takes part in a run: the label sets and the `positions` of its tickets.

    `follow_drift`: the `discontinued` labels were dropped. `trust`: the trust codes of the selected tickets.
    """

    history: History
    ordered: bool
    follow_drift: bool
    discontinued: Mapping[Target, Sequence[discontinued_labels.DiscontinuedLabel]]
    label_sets: dict[Target, LabelSet]
    positions: Positions
    trust: dict[Target, list[str]]

    @classmethod
    def select(cls, history: History, options: Options) -> "_Selection":
        """Select by the options; the texts of all other tickets are dropped from `history`.

        Raises NothingToLearn when none of the targets has two labels with enough tickets.
        """
        ordered = options.order == "file" or history.dated * 2 > len(history)
        discontinued: dict[Target, list[discontinued_labels.DiscontinuedLabel]] = {}
        follow_drift = options.drift == "follow" and ordered
        if follow_drift:
            history, discontinued = discontinued_labels.drop_discontinued(history, options.targets)
        label_sets = build_label_sets(history.labels, options.targets, options.parents)
        y = [labels.positions(history.labels[t]) for t, labels in label_sets.items()]
        positions = select_tickets(y, len(history), ordered, options.seed)
        if len(positions) < len(history):
            history.drop_other_texts(positions.tolist())
        trust = {t: [codes[i] for i in positions] for t, codes in history.trust.items() if any(codes)}
        return cls(history, ordered, follow_drift, discontinued, label_sets, positions, trust)

    def to_training_data(
        self, test: History | None, seed: int, progress: Progress, encoder: Encoder | None
    ) -> TrainingData:
        """The data for all models: the selected tickets, followed by those of `test`."""
        history = self.history
        tickets = [*(history.tickets[i] for i in self.positions), *(test.tickets if test else ())]
        values = {
            t: [*(history.labels[t][i] for i in self.positions), *(test.labels[t] if test else ())]
            for t in self.label_sets
        }
        return TrainingData.build(tickets, values, self.label_sets, seed, progress, encoder)

    def split(self, test: History | None, options: Options, data: TrainingData, with_random_split: bool) -> SplitPlan:
        """The splits of the run."""
        plan = SplitPlan.build(
            len(self.positions), len(test) if test else 0, self.ordered, options.seed, data.groups, options.newest
        )
        return plan if with_random_split else replace(plan, random_holdout=None)

    def to_card(self) -> dict[str, Any]:
        """The optional members of the card."""
        members: dict[str, Any] = {}
        if self.follow_drift:
            members["follows_drift"] = True
        if self.discontinued:
            members["silent"] = {
                target: [_discontinued_to_card(one) for one in ones] for target, ones in self.discontinued.items()
            }
        if self.history.taxonomy_changes:
            members["taxonomy"] = [change.to_dict() for change in self.history.taxonomy_changes]
        return members


def _discontinued_to_card(found: discontinued_labels.DiscontinuedLabel) -> dict[str, Any]:
    """A discontinued label under the keys of the card, which are stored in bundles."""
    return {"label": found.label, "share": found.share, "since": found.since, "chance": found.p_value}


@dataclass(frozen=True, slots=True)
class _HeldOut:
    """The predictions of tickets that the predicting models were not trained on.

    `out_of_fold`: of all folds together; `holdout` and `random_holdout` (one or none): of the evaluation splits;
    `out_of_scope`: of tickets whose labels were left out of training, one entry per cluster, by target.
    """

    out_of_fold: HeldOutPredictions
    holdout: HeldOutPredictions
    random_holdout: list[HeldOutPredictions]
    out_of_scope: dict[Target, list[HeldOutPredictions]]

    @classmethod
    def group(
        cls,
        predictions: list[HeldOutPredictions],
        plan: SplitPlan,
        cluster_folds: Sequence[tuple[Target, Fold]],
        targets: Iterable[Target],
    ) -> "_HeldOut":
        """Group predictions in the order of `fit_models`."""
        n = len(predictions) - len(cluster_folds)
        ordinary, by_cluster = predictions[:n], list(zip(cluster_folds, predictions[n:], strict=True))
        out_of_scope = {target: [one for (of, _), one in by_cluster if of == target] for target in targets}
        folds = len(plan.folds)
        return cls(
            HeldOutPredictions.concatenate(ordinary[:folds]), ordinary[folds], ordinary[folds + 1 :], out_of_scope
        )

    def without_encoder(self) -> "_HeldOut":
        """The predictions without the embedding heads; the other heads are not fitted again."""
        return _HeldOut(
            self.out_of_fold.without_encoder(),
            self.holdout.without_encoder(),
            [one.without_encoder() for one in self.random_holdout],
            {target: [one.without_encoder() for one in found] for target, found in self.out_of_scope.items()},
        )


@dataclass(frozen=True, slots=True)
class _FittedParts:
    """What is fitted on held-out predictions: pool weights, likeness models and evidence."""

    pools: PoolWeights
    likeness: dict[Target, LikenessModel | None]
    evidence: dict[Target, Evidence]

    @classmethod
    def fit(
        cls,
        data: TrainingData,
        in_scope: HeldOutPredictions,
        by_cluster: Mapping[Target, list[HeldOutPredictions]],
    ) -> "_FittedParts":
        """Fit on the predictions of in-scope tickets, and on those of out-of-scope tickets by cluster."""
        pools = fit_pools(in_scope, data)
        likeness = {
            t: out_of_scope.fit_likeness_model(in_scope, clusters, t, pools, data) for t, clusters in by_cluster.items()
        }
        rows = {
            t: [
                build_evidence(in_scope, t, pools, data, likeness[t]),
                *out_of_scope.out_of_scope_evidence(clusters, t, pools, data, likeness[t]),
            ]
            for t, clusters in by_cluster.items()
        }
        return cls(pools, likeness, {target: np.concatenate(parts) for target, parts in rows.items()})


def _evaluate_targets(
    data: TrainingData,
    plan: SplitPlan,
    held_out: _HeldOut,
    parts: _FittedParts,
    precision: float,
    follow_drift: bool,
) -> dict[Target, TargetEvaluation]:
    """Each target's contract and its score on the holdout."""
    evaluations = {}
    for target, labels in data.label_sets.items():
        evidence = parts.evidence[target]
        contract = fit_contract(target, evidence, labels.labels, precision, labels.parents, follow_drift=follow_drift)
        rows = build_evidence(held_out.holdout, target, parts.pools, data, parts.likeness[target])
        score = _score_target(
            data, plan.holdout.learn, held_out.holdout, held_out.random_holdout, parts.pools, contract, rows
        )
        evaluations[target] = TargetEvaluation(labels, contract, score, evidence, rows)
    return evaluations


def _add_encoder_scores(
    evaluations: Mapping[Target, TargetEvaluation], without: Mapping[Target, TargetEvaluation]
) -> dict[Target, TargetEvaluation]:
    return {target: replace(one, without_encoder=without[target].score) for target, one in evaluations.items()}


def _score_target(
    data: TrainingData,
    training_rows: Positions,
    holdout: HeldOutPredictions,
    random_holdout: list[HeldOutPredictions],
    pools: PoolWeights,
    contract: Contract,
    holdout_evidence: Evidence,
) -> Score | None:
    """The score of one target on the labelled holdout tickets; None where there are none."""
    target = contract.target
    labelled = holdout.labelled(data, target)
    if not len(labelled.positions):
        return None
    truth, training_labels = labelled.true_labels(data, target), data.y[target][training_rows]
    others = [other.labelled(data, target) for other in random_holdout]
    return Score(
        **metrics.compute_metrics(
            labelled.probabilities(target, pools),
            truth,
            routed_mask(contract, holdout_evidence, data.label_sets[target].labels),
        ),
        majority=metrics.majority_accuracy(training_labels, truth),
        last_of_requester=metrics.last_label_accuracy(
            [data.tickets[i] for i in training_rows],
            training_labels,
            [data.tickets[i] for i in labelled.positions],
            truth,
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
