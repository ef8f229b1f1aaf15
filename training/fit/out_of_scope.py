"""Strangers: tickets about matters that a model was kept from learning, so that its guard can be fitted without any.

In comes a run's material; out come the folds that leave whole kinds of labels out, and the likeness fitted on them.
A kind is a set of labels that are alike: leaving out one label of several alike would only make look-alikes, not
strangers. Real tickets out of scope are never needed.
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
"""The targets that are guarded: those whose labels say what a ticket is about."""

MIN_LABELS: Final = 8
"""Fewer make no five kinds, and are mostly broad ones that share out all there is."""

N_CLUSTERS: Final = 5
HELD_OUT_CLUSTERS: Final = (0, 2, 4)
"""Of the kinds, those left out in turn: each costs a fit, and three tell what five would."""

MAX_TRAINING_TICKETS: Final = 20_000
MAX_HELD_OUT_TICKETS: Final = 1_000
"""The newest tickets learnt from, and the tickets asked about, in each of those fits."""


def out_of_scope_folds(data: TrainingData, learn: Positions) -> Iterator[tuple[Target, Fold]]:
    """For each guarded target: learn all of `learn` but one kind of labels, and ask about that kind."""
    for target in GUARDED_TARGETS:
        labels = data.label_sets.get(target)
        if labels is None or len(labels.labels) < MIN_LABELS:
            continue
        y = data.y[target][learn]
        kinds = cluster_labels(data.counts.matrices[0][learn], y, len(labels.labels))
        parts = [np.isin(y, np.flatnonzero(kinds == kind)) for kind in HELD_OUT_CLUSTERS]
        if sum(left_out.sum() for left_out in parts) < out_of_scope_guard.MIN_TICKETS:
            continue
        for left_out in parts:
            strangers = learn[left_out]
            if len(strangers) and not left_out[y != UNLABELLED].all():
                every = -(-len(strangers) // MAX_HELD_OUT_TICKETS)
                yield target, Fold(learn[~left_out][-MAX_TRAINING_TICKETS:], strangers[::every])


def cluster_labels(words: sparse.csr_array, y: npt.NDArray[np.int32], labels: int) -> npt.NDArray[np.int64]:
    """The kind (0 .. `N_CLUSTERS` - 1) of each of so many labels, from tickets' counted `words` and label positions
    `y`.

    Labels stand in the order in which average linkage joins the mean words of their tickets (cosine), and that row is
    cut into parts of about as many tickets each.
    """
    known = np.flatnonzero(y >= 0)
    said = (words[known] > 0).astype(np.float64)
    rarity = np.log(1 + len(known)) - np.log1p(np.bincount(said.indices, minlength=said.shape[1]))
    member = sparse.csr_array((np.ones(len(known)), (y[known], np.arange(len(known)))), shape=(labels, len(known)))
    centres = sparse.csr_array(member @ said @ sparse.diags_array(rarity))
    like = (centres @ centres.T).toarray()
    length = np.sqrt(np.maximum(like.diagonal(), 1e-12))
    apart = np.clip(1 - like / np.outer(length, length), 0, None)
    order = leaves_list(linkage(apart[np.triu_indices(labels, 1)], "average"))
    tickets = np.bincount(y[known], minlength=labels)[order]
    middle = np.cumsum(tickets) - tickets / 2
    kinds = np.empty(labels, np.int64)
    kinds[order] = np.minimum(middle / max(tickets.sum(), 1) * N_CLUSTERS, N_CLUSTERS - 1).astype(np.int64)
    return kinds


def fit_likeness_model(
    in_scope: HeldOutPredictions,
    out_of_scope: Sequence[HeldOutPredictions],
    target: Target,
    pools: PoolWeights,
    data: TrainingData,
) -> LikenessModel | None:
    """What tells `new` tickets of learnt labels from `strangers` (logistic regression); None without any."""
    if not out_of_scope:
        return None
    known = in_scope.labelled(data, target)
    usual = known.margin_profile(target, pools)
    inside = known.likeness_features(target, pools, usual)[known.true_labels(data, target) >= 0]
    outside = np.concatenate([asked.likeness_features(target, pools, usual) for asked in out_of_scope])
    if not len(inside):
        return None
    signs = np.concatenate([inside, outside])
    mean, spread = signs.mean(axis=0), signs.std(axis=0)
    spread[spread == 0] = 1
    like = np.arange(len(signs)) < len(inside)
    fitted = LogisticRegression(class_weight="balanced").fit((signs - mean) / spread, like)
    slopes = fitted.coef_[0] / spread
    return LikenessModel(np.concatenate([fitted.intercept_ - mean @ slopes, slopes]), usual)


def out_of_scope_evidence(
    out_of_scope: Sequence[HeldOutPredictions],
    target: Target,
    pools: PoolWeights,
    data: TrainingData,
    likeness: LikenessModel | None,
) -> Iterator[Evidence]:
    """The rows of evidence of each kind of strangers; no answer to them is right."""
    for kind, asked in enumerate(out_of_scope, 1):
        found = build_evidence(asked, target, pools, data, likeness)
        found["kind"], found["truth"] = kind, UNLABELLED
        yield found
