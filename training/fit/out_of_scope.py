"""Fits the likeness models: leaves clusters of labels out of training, so that their tickets act as out-of-scope.

A cluster is a set of similar labels: leaving out a single label would give tickets that resemble the remaining ones.
No real out-of-scope tickets are needed.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.cluster.hierarchy import leaves_list, linkage
from sklearn.linear_model import LogisticRegression

from deskyard.domain.ticket import Target
from deskyard.guarantees import out_of_scope_guard
from deskyard.guarantees.contract import Evidence
from deskyard.model.likeness import LikenessModel
from training.data.label_sets import UNLABELLED
from training.data.splits import Fold, Positions
from training.fit.cross_fitting import HeldOutPredictions, PoolWeights, TrainingData, build_evidence

GUARDED_TARGETS: Final[tuple[Target, ...]] = ("category", "queue")
"""The targets with a guard: those whose labels describe the topic of a ticket."""

MIN_LABELS: Final = 8
"""With fewer labels no clusters can be formed, and the labels mostly cover everything."""

N_CLUSTERS: Final = 5
HELD_OUT_CLUSTERS: Final = (0, 2, 4)
"""The clusters that are left out in turn: each costs a fit, and three are as good as five."""

MAX_TRAINING_TICKETS: Final = 20_000
MAX_HELD_OUT_TICKETS: Final = 1_000
"""The newest training tickets, and the held-out tickets, of each of those fits."""


def out_of_scope_folds(data: TrainingData, learn: Positions) -> Iterator[tuple[Target, Fold]]:
    """For each guarded target, folds that train on `learn` without one cluster of labels and predict that cluster."""
    for target in GUARDED_TARGETS:
        labels = data.label_sets.get(target)
        if labels is None or len(labels.labels) < MIN_LABELS:
            continue
        y = data.y[target][learn]
        clusters = cluster_labels(data.counts.matrices[0][learn], y, len(labels.labels))
        parts = [np.isin(y, np.flatnonzero(clusters == cluster)) for cluster in HELD_OUT_CLUSTERS]
        if sum(left_out.sum() for left_out in parts) < out_of_scope_guard.MIN_TICKETS:
            continue
        for left_out in parts:
            held_out = learn[left_out]
            if len(held_out) and not left_out[y != UNLABELLED].all():
                step = -(-len(held_out) // MAX_HELD_OUT_TICKETS)
                yield target, Fold(learn[~left_out][-MAX_TRAINING_TICKETS:], held_out[::step])


def cluster_labels(words: sparse.csr_array, y: npt.NDArray[np.int32], labels: int) -> npt.NDArray[np.int64]:
    """The cluster (0 .. `N_CLUSTERS` - 1) of each label (labels), from tickets' counted `words` and label positions
    `y`.

    Labels are ordered by average linkage of the mean words of their tickets (cosine), and the order is cut into parts
    with about the same number of tickets.
    """
    known = np.flatnonzero(y >= 0)
    present = (words[known] > 0).astype(np.float64)
    rarity = np.log(1 + len(known)) - np.log1p(np.bincount(present.indices, minlength=present.shape[1]))
    member = sparse.csr_array((np.ones(len(known)), (y[known], np.arange(len(known)))), shape=(labels, len(known)))
    centres = sparse.csr_array(member @ present @ sparse.diags_array(rarity))
    products = (centres @ centres.T).toarray()
    length = np.sqrt(np.maximum(products.diagonal(), 1e-12))
    distance = np.clip(1 - products / np.outer(length, length), 0, None)
    order = leaves_list(linkage(distance[np.triu_indices(labels, 1)], "average"))
    tickets = np.bincount(y[known], minlength=labels)[order]
    middle = np.cumsum(tickets) - tickets / 2
    clusters = np.empty(labels, np.int64)
    clusters[order] = np.minimum(middle / max(tickets.sum(), 1) * N_CLUSTERS, N_CLUSTERS - 1).astype(np.int64)
    return clusters


def fit_likeness_model(
    in_scope: HeldOutPredictions,
    out_of_scope: Sequence[HeldOutPredictions],
    target: Target,
    pools: PoolWeights,
    data: TrainingData,
) -> LikenessModel | None:
    """A logistic regression of in-scope against out-of-scope tickets; None where there are none of either.

    `in_scope`: held-out predictions of ordinary tickets; `out_of_scope`: one entry per cluster.
    """
    if not out_of_scope:
        return None
    known = in_scope.labelled(data, target)
    profile = known.margin_profile(target, pools)
    inside = known.likeness_features(target, pools, profile)[known.true_labels(data, target) >= 0]
    outside = np.concatenate([one.likeness_features(target, pools, profile) for one in out_of_scope])
    if not len(inside):
        return None
    features = np.concatenate([inside, outside])
    mean, spread = features.mean(axis=0), features.std(axis=0)
    spread[spread == 0] = 1
    is_in_scope = np.arange(len(features)) < len(inside)
    fitted = LogisticRegression(class_weight="balanced").fit((features - mean) / spread, is_in_scope)
    slopes = fitted.coef_[0] / spread
    return LikenessModel(np.concatenate([fitted.intercept_ - mean @ slopes, slopes]), profile)


def out_of_scope_evidence(
    out_of_scope: Sequence[HeldOutPredictions],
    target: Target,
    pools: PoolWeights,
    data: TrainingData,
    likeness: LikenessModel | None,
) -> Iterator[Evidence]:
    """The rows of evidence of each cluster of out-of-scope tickets; no prediction of them is right."""
    for cluster, predictions in enumerate(out_of_scope, 1):
        rows = build_evidence(predictions, target, pools, data, likeness)
        rows["kind"], rows["truth"] = cluster, UNLABELLED
        yield rows
