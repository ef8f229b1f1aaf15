"""Believed: what a label counts, by who stands behind it.

A label that a person stands behind counts as `deskyard.domain.label_trust` says. One that the machine set and nobody
spoke of is believed as far as people's own labels believe it: a model that learnt from those alone is asked about its
ticket. Where it says the same, the label counts nearly as much as any (`trust.MOST`); where it holds another for
likelier, so much less as that one is likelier. So a champion's mistakes do not teach the next one as if people had
made them, and a desk that agrees with its machine loses nearly nothing.

In come tickets with their labels and trust, out come weights. Where people have labelled too few tickets, what nobody
spoke of counts `UNKNOWN_WEIGHT`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from deskyard.domain import label_trust
from deskyard.domain.ticket import Target
from deskyard.features.vectorizer import CountsView
from deskyard.model import opinion_pool
from deskyard.model.ticket_model import TicketModel
from training.data.splits import Positions
from training.fit.calibration import fit_pool
from training.fit.cross_fitting import TrainingData

Weights = npt.NDArray[np.float32]

MIN_HUMAN_LABELS: Final = 100
"""Tickets with labels of people, below which nobody can be asked."""

UNKNOWN_WEIGHT: Final = 0.5

HOLDOUT_EVERY: Final = 5
"""One in so many of people's tickets is kept back, to find out how sure the model may be."""


def compute_label_weights(
    data: TrainingData, trust_codes: Mapping[Target, Sequence[str]], learn: Positions
) -> dict[Target, Weights]:
    """Of each target whose labels do not count alike, what each counts; `said`: the trust of each ticket of the
    history, behind which tickets may stand that only judge. Only labels of the tickets `learn` say what others are
    worth: those that judge stay unseen."""
    found = {}
    for target, each in trust_codes.items():
        if target in data.label_sets and any(each):
            found[target] = _target_weights(data, target, np.array(each, dtype=np.str_), learn)
    return found


def summarise_label_weights(
    label_weights: Mapping[Target, Weights], trust_codes: Mapping[Target, Sequence[str]]
) -> dict[str, dict[str, tuple[int, float]]]:
    """Target → who stands behind its labels → how many, and what one counts on average."""
    return {
        target: {
            name: (n, round(float(each[: len(trust_codes[target])][np.array(trust_codes[target]) == name].mean()), 2))
            for name, n in sorted(Counter(filter(None, trust_codes[target])).items())
        }
        for target, each in label_weights.items()
    }


def _target_weights(data: TrainingData, target: Target, trust_codes: npt.NDArray[np.str_], learn: Positions) -> Weights:
    y = data.y[target]
    found = np.ones(len(y), np.float32)
    for name, weight in label_trust.REVIEWED_WEIGHTS.items():
        found[: len(trust_codes)][trust_codes == name] = weight
    silent = np.flatnonzero((trust_codes == label_trust.UNREVIEWED) & (y[: len(trust_codes)] >= 0))
    peoples = np.intersect1d(
        np.flatnonzero((trust_codes != label_trust.UNREVIEWED) & (y[: len(trust_codes)] >= 0)), learn
    )
    found[silent] = UNKNOWN_WEIGHT
    if len(silent) and len(peoples) >= MIN_HUMAN_LABELS:
        weighed = replace(data.for_target(target), label_weights={target: found})
        found[silent] = np.clip(
            _agreement(weighed, target, peoples, silent),
            label_trust.MIN_UNREVIEWED_WEIGHT,
            label_trust.MAX_UNREVIEWED_WEIGHT,
        )
    return found


def _agreement(data: TrainingData, target: Target, human_labelled: Positions, unreviewed: Positions) -> Weights:
    """How likely people's labels make those of `silent` tickets beside the likeliest of all, 0..1."""
    y = data.y[target]
    kept_back = human_labelled[::-HOLDOUT_EVERY][::-1]
    model = data.fit(np.setdiff1d(human_labelled, kept_back))
    weights = fit_pool(_predict_log_scores(model, data, kept_back, target), y[kept_back])
    beliefs = opinion_pool.predict_proba(_predict_log_scores(model, data, unreviewed, target), weights)
    mine = beliefs[np.arange(len(unreviewed)), y[unreviewed]]
    agreed: Weights = (mine / beliefs.max(axis=1)).astype(np.float32)
    return agreed


def _predict_log_scores(
    model: TicketModel, data: TrainingData, rows: Positions, target: Target
) -> npt.NDArray[np.float32]:
    return model.log_scores(CountsView(data.counts, rows), data.vectors_at(rows))[target]
