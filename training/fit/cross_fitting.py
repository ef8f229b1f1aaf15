"""Cross-fitting: predicts tickets with models that were not trained on them, for calibration, evidence and evaluation.

All models of a run are fitted in parallel on rows of the same counts; results do not depend on the number of cores.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from joblib import delayed

from deskyard.domain import label_hierarchy
from deskyard.domain.ticket import Target, Ticket
from deskyard.features.ngrams import BLOCKS
from deskyard.features.sentence_encoder import Encoder, Vectors, encoder_text
from deskyard.features.vectorizer import CountsView, NgramCounts, count_ngrams
from deskyard.guarantees import urgent_ticket_bound
from deskyard.guarantees.contract import EVIDENCE_DTYPE, Evidence
from deskyard.model import likeness, opinion_pool
from deskyard.model.hyperparameters import Recipe
from deskyard.model.likeness import UNGUARDED_LIKENESS, LikenessModel, MarginProfile
from deskyard.model.ticket_model import TicketModel
from deskyard.text.cleaning import latin_stemmer
from training.data import near_duplicates
from training.data.label_sets import UNLABELLED, LabelSet
from training.data.splits import Fold, Positions, SplitPlan
from training.fit.backend import run_parallel
from training.fit.calibration import fit_pool
from training.fit.checkpoints import NO_CHECKPOINTS, Checkpoints

ENCODING_BATCH: Final = 64
"""Tickets encoded at a time: three times as fast as one by one for short texts."""

LANGUAGE_SAMPLE: Final = 500
"""Tickets, evenly spread, from which the language of words in Latin script is detected."""

Progress = Callable[[Iterable[Any], int, str], Iterator[Any]]
"""Wraps an iteration (items, their number, a description) to show its progress."""

PoolWeights = Mapping[Target, npt.NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class TrainingData:
    """The data of all models of a run: tickets, their n-gram counts, and label positions per target.

    Also the `groups` of near-duplicates (a number per ticket), each target's recipe, the `label_weights` of targets
    whose labels differ in trust (`training.fit.label_weights`), and the tickets' `vectors` if there is an encoder.
    """

    tickets: Sequence[Ticket]
    counts: NgramCounts
    label_sets: Mapping[Target, LabelSet]
    y: Mapping[Target, npt.NDArray[np.int32]]
    groups: npt.NDArray[np.int64]
    seed: int
    recipes: Mapping[Target, Recipe] = field(default_factory=dict)
    label_weights: Mapping[Target, npt.NDArray[np.float32]] = field(default_factory=dict)
    vectors: Vectors | None = None

    @classmethod
    def build(
        cls,
        tickets: Sequence[Ticket],
        values: Mapping[Target, Sequence[str | None]],
        label_sets: Mapping[Target, LabelSet],
        seed: int,
        progress: Progress,
        encoder: Encoder | None = None,
    ) -> "TrainingData":
        """Count n-grams, find near-duplicates and encode texts, once for all models."""
        some = tickets[:: max(len(tickets) // LANGUAGE_SAMPLE, 1)]
        latin = latin_stemmer(f"{ticket.subject} {ticket.body}" for ticket in some)
        counts = count_ngrams(tickets, latin, lambda walk: progress(walk, len(tickets), "reading tickets"))
        if not any(ticket.subject for ticket in tickets):
            counts = counts.without_block("subject")
        y = {target: labels.positions(values[target]) for target, labels in label_sets.items()}
        vectors = None if encoder is None else _encode(tickets, encoder, progress)
        groups = near_duplicates.group_near_duplicates(tickets, counts)
        return cls(tickets, counts.drop_singletons(), label_sets, y, groups, seed, vectors=vectors)

    def with_recipes(self, recipes: Mapping[Target, Recipe]) -> "TrainingData":
        """The same with these recipes; a block that none of them uses is dropped."""
        unused = not any(recipe.blocks[BLOCKS.index("subject")] for recipe in recipes.values())
        return replace(self, counts=self.counts.without_block("subject") if unused else self.counts, recipes=recipes)

    def for_target(self, target: Target) -> "TrainingData":
        """The same for a single target."""
        return replace(self, label_sets={target: self.label_sets[target]}, y={target: self.y[target]})

    def without_texts(self) -> "TrainingData":
        """The same without texts, which models do not need: each worker gets a copy."""
        return replace(self, tickets=[Ticket(id=ticket.id) for ticket in self.tickets])

    def fit(self, rows: Positions) -> TicketModel:
        """Fit a model on the tickets at `rows`."""
        sizes = {target: len(labels.labels) for target, labels in self.label_sets.items()}
        y = {target: positions[rows] for target, positions in self.y.items()}
        ids = [self.tickets[i].id for i in rows]
        weights = {target: given[rows] for target, given in self.label_weights.items() if target in sizes}
        return TicketModel(sizes, self.recipes, self.seed).fit(
            CountsView(self.counts, rows), y, ids, self.vectors_at(rows), weights
        )

    def vectors_at(self, rows: Positions) -> Vectors | None:
        """The vectors of the tickets at `rows`; None without an encoder."""
        return None if self.vectors is None else self.vectors[rows]


def _encode(tickets: Sequence[Ticket], encoder: Encoder, progress: Progress) -> Vectors:
    texts = [encoder_text(ticket) for ticket in tickets]
    parts = range(0, len(texts), ENCODING_BATCH)
    walk = progress(parts, len(parts), "encoding tickets")
    return np.concatenate([encoder.encode(texts[start : start + ENCODING_BATCH]) for start in walk])


@dataclass(frozen=True, slots=True)
class HeldOutPredictions:
    """A model's predictions of tickets that it was not trained on.

    The tickets' `positions`; by target the heads' log-scores (heads x tickets x labels); per ticket the share of known
    words and pairs and the similarity of the nearest past ticket (`nearest`); by target which labels the model was
    trained on (tickets x labels).
    """

    positions: Positions
    scores: Mapping[Target, npt.NDArray[np.float32]]
    known_share: npt.NDArray[np.float64]
    nearest: npt.NDArray[np.float64]
    seen_labels: Mapping[Target, npt.NDArray[np.bool_]]

    @classmethod
    def fit_predict(cls, data: TrainingData, fold: Fold) -> "HeldOutPredictions":
        """Fit on `fold.learn` and predict `fold.predict`."""
        model, new = data.fit(fold.learn), CountsView(data.counts, fold.predict)
        scores, nearest = model.predict_log_scores(new, data.vectors_at(fold.predict))
        seen_labels = {}
        for target, log_scores in scores.items():
            seen = np.isin(np.arange(log_scores.shape[2]), data.y[target][fold.learn])
            seen_labels[target] = np.broadcast_to(seen, log_scores.shape[1:])
        return cls(fold.predict, scores, model.vectorizer_.known_share(new), nearest, seen_labels)

    @classmethod
    def concatenate(cls, parts: Sequence["HeldOutPredictions"]) -> "HeldOutPredictions":
        """Several predictions as one, in order."""
        return cls(
            np.concatenate([part.positions for part in parts]),
            {target: np.concatenate([part.scores[target] for part in parts], axis=1) for target in parts[0].scores},
            np.concatenate([part.known_share for part in parts]),
            np.concatenate([part.nearest for part in parts]),
            {target: np.concatenate([part.seen_labels[target] for part in parts]) for target in parts[0].seen_labels},
        )

    def without_encoder(self) -> "HeldOutPredictions":
        """The predictions without the embedding heads."""
        return replace(
            self, scores={target: scores[: len(opinion_pool.HEADS)] for target, scores in self.scores.items()}
        )

    @property
    def familiar(self) -> npt.NDArray[np.bool_]:
        """Which tickets have a word that the model knows."""
        return self.known_share > 0

    def true_labels(self, data: TrainingData, target: Target) -> npt.NDArray[np.int32]:
        """The true label positions of the tickets."""
        return data.y[target][self.positions]

    def labelled(self, data: TrainingData, target: Target) -> "HeldOutPredictions":
        """The predictions of the tickets that have a label."""
        labelled = self.true_labels(data, target) != UNLABELLED
        return HeldOutPredictions(
            self.positions[labelled],
            {target: self.scores[target][:, labelled]},
            self.known_share[labelled],
            self.nearest[labelled],
            {target: self.seen_labels[target][labelled]},
        )

    def probabilities(self, target: Target, pools: PoolWeights) -> npt.NDArray[np.float64]:
        """Probabilities (tickets x labels)."""
        return opinion_pool.predict_proba(self.scores[target], pools[target])

    def margin_profile(self, target: Target, pools: PoolWeights) -> MarginProfile:
        """The margin profile of these tickets."""
        predicted = self.probabilities(target, pools).argmax(axis=1)
        return MarginProfile.fit(self.scores[target][0], predicted, self.seen_labels[target])

    def likeness_features(self, target: Target, pools: PoolWeights, profile: MarginProfile) -> npt.NDArray[np.float64]:
        """The features of the likeness model (tickets x features)."""
        return likeness.likeness_features(
            self.probabilities(target, pools),
            self.scores[target][0],
            self.nearest,
            self.known_share,
            profile,
            self.seen_labels[target],
        )


def fit_models(
    data: TrainingData,
    plan: SplitPlan,
    extra_folds: Sequence[tuple[Target, Fold]],
    progress: Progress,
    checkpoints: Checkpoints = NO_CHECKPOINTS,
) -> tuple[TicketModel, list[HeldOutPredictions]]:
    """Fit the final model and all held-out predictions, in parallel.

    The predictions are in the order: the plan's folds, the holdout, the random holdout (if any), then `extra_folds`,
    which are of one target each.
    """
    folds = [*plan.folds, plan.holdout, *([plan.random_holdout] if plan.random_holdout else [])]
    data = data.without_texts()
    jobs = [delayed(checkpoints)("model", TrainingData.fit, data, plan.everything)]
    jobs += [
        delayed(checkpoints)(f"fold-{n}", HeldOutPredictions.fit_predict, data, fold) for n, fold in enumerate(folds)
    ]
    jobs += [
        delayed(checkpoints)(f"left-out-{n}", HeldOutPredictions.fit_predict, data.for_target(target), fold)
        for n, (target, fold) in enumerate(extra_folds)
    ]
    model, *predictions = progress(run_parallel(jobs, len(data.tickets)), len(jobs), "learning")
    return model, predictions


def fit_pools(predictions: HeldOutPredictions, data: TrainingData) -> PoolWeights:
    """The pool weights of each target, fitted on held-out predictions."""
    pools = {}
    for target, scores in predictions.scores.items():
        truth = predictions.true_labels(data, target)
        recipe = data.recipes.get(target, Recipe())
        known, balance = truth >= 0, recipe.balance if recipe.rare else None
        weights = data.label_weights[target][predictions.positions][known] if target in data.label_weights else None
        pools[target] = fit_pool(scores[:, known], truth[known], balance, weights)
    return pools


def build_evidence(
    predictions: HeldOutPredictions,
    target: Target,
    pools: PoolWeights,
    data: TrainingData,
    likeness_model: LikenessModel | None = None,
) -> Evidence:
    """The rows of evidence of a target; tickets without a known word get confidence 0.

    `likeness_model`: that of a guarded target.
    """
    labelled = predictions.labelled(data, target)
    probabilities = labelled.probabilities(target, pools)
    rows = np.zeros(len(probabilities), EVIDENCE_DTYPE)
    rows["confidence"] = np.where(labelled.familiar, probabilities.max(axis=1), 0)
    rows["predicted"] = probabilities.argmax(axis=1)
    rows["truth"] = labelled.true_labels(data, target)
    rows["likeness"] = UNGUARDED_LIKENESS
    if likeness_model is not None:
        rows["likeness"] = likeness_model.log_odds(
            probabilities,
            labelled.scores[target][0],
            labelled.nearest,
            labelled.known_share,
            labelled.seen_labels[target],
        )
    labels = data.label_sets[target].labels
    parents = label_hierarchy.find_parents(labels, data.label_sets[target].parents)
    if parents is not None:
        by_parent = parents.probabilities(probabilities)
        rows["above"] = np.where(labelled.familiar, by_parent.max(axis=1), 0)
        rows["parent"] = by_parent.argmax(axis=1)
    if target == "priority":
        rows["urgent"] = urgent_ticket_bound.urgent_probability(probabilities, labels)
    return rows
