"""Computes the weight of each label in training, from who confirmed it.

A label that a person set or confirmed has the weight of `deskyard.domain.label_trust`. A label that was set
automatically and not reviewed is checked with a model trained on people's labels only: where that model agrees, the
label weighs nearly as much as any (`label_trust.MAX_UNREVIEWED_WEIGHT`); where it finds another label more probable, it
weighs less in proportion. A champion's mistakes are thus not learnt as if people had made them. Where people have
labelled too few tickets, unreviewed labels weigh `UNKNOWN_WEIGHT`.
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
"""Tickets labelled by people below which no such model is trained."""

UNKNOWN_WEIGHT: Final = 0.5

HOLDOUT_EVERY: Final = 5
"""One in so many of people's tickets is held out for calibration."""


def compute_label_weights(
    data: TrainingData, trust_codes: Mapping[Target, Sequence[str]], learn: Positions
) -> dict[Target, Weights]:
    """The weight of each ticket's label, for targets with trust codes.

    `trust_codes`: for each target, the code of every ticket of the history (test tickets may follow in `data`). Only
    labels of the tickets `learn` are used to check others, so the holdout stays unseen.
    """
    found = {}
    for target, codes in trust_codes.items():
        if target in data.label_sets and any(codes):
            found[target] = _target_weights(data, target, np.array(codes, dtype=np.str_), learn)
    return found


def summarise_label_weights(
    label_weights: Mapping[Target, Weights], trust_codes: Mapping[Target, Sequence[str]]
) -> dict[str, dict[str, tuple[int, float]]]:
    """Target → trust code → number of labels and their mean weight."""
    return {
        target: {
            name: (
                n,
                round(float(weights[: len(trust_codes[target])][np.array(trust_codes[target]) == name].mean()), 2),
            )
            for name, n in sorted(Counter(filter(None, trust_codes[target])).items())
        }
        for target, weights in label_weights.items()
    }


def _target_weights(data: TrainingData, target: Target, trust_codes: npt.NDArray[np.str_], learn: Positions) -> Weights:
    y = data.y[target]
    found = np.ones(len(y), np.float32)
    for name, weight in label_trust.REVIEWED_WEIGHTS.items():
        found[: len(trust_codes)][trust_codes == name] = weight
    unreviewed = np.flatnonzero((trust_codes == label_trust.UNREVIEWED) & (y[: len(trust_codes)] >= 0))
    human = np.intersect1d(
        np.flatnonzero((trust_codes != label_trust.UNREVIEWED) & (y[: len(trust_codes)] >= 0)), learn
    )
    found[unreviewed] = UNKNOWN_WEIGHT
    if len(unreviewed) and len(human) >= MIN_HUMAN_LABELS:
        weighted = replace(data.for_target(target), label_weights={target: found})
        found[unreviewed] = np.clip(
            _agreement(weighted, target, human, unreviewed),
            label_trust.MIN_UNREVIEWED_WEIGHT,
            label_trust.MAX_UNREVIEWED_WEIGHT,
        )
    return found


def _agreement(data: TrainingData, target: Target, human_labelled: Positions, unreviewed: Positions) -> Weights:
    """The probability of each unreviewed label divided by that of the most probable label (0..1), by people's
    labels."""
    y = data.y[target]
    held_out = human_labelled[::-HOLDOUT_EVERY][::-1]
    model = data.fit(np.setdiff1d(human_labelled, held_out))
    weights = fit_pool(_predict_log_scores(model, data, held_out, target), y[held_out])
    probabilities = opinion_pool.predict_proba(_predict_log_scores(model, data, unreviewed, target), weights)
    own = probabilities[np.arange(len(unreviewed)), y[unreviewed]]
    agreement: Weights = (own / probabilities.max(axis=1)).astype(np.float32)
    return agreement


def _predict_log_scores(
    model: TicketModel, data: TrainingData, rows: Positions, target: Target
) -> npt.NDArray[np.float32]:
    return model.log_scores(CountsView(data.counts, rows), data.vectors_at(rows))[target]
