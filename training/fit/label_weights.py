"""Believed: what a label counts, by who stands behind it.

A label that a person stands behind counts as `deskyard.domain.label_trust` says. One that the machine set and nobody spoke of is
believed as far as people's own labels believe it: a model that learnt from those alone is asked about its ticket. Where
it says the same, the label counts nearly as much as any (`trust.MOST`); where it holds another for likelier, so much
less as that one is likelier. So a champion's mistakes do not teach the next one as if people had made them, and a desk
that agrees with its machine loses nearly nothing.

In come tickets with their labels and trust, out come weights. Where people have labelled too few tickets, what nobody
spoke of counts `UNKNOWN`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from deskyard.domain import label_trust
from deskyard.domain.ticket import Target
from deskyard.features.vectorizer import Part
from deskyard.model import opinion_pool
from deskyard.model.ticket_model import TicketModel
from training.data.splits import Positions
from training.fit.calibration import fit_pool
from training.fit.cross_fitting import Material

Worth = npt.NDArray[np.float32]

FEWEST: Final = 100
"""Tickets with labels of people, below which nobody can be asked."""

UNKNOWN: Final = 0.5

ASKED: Final = 5
"""One in so many of people's tickets is kept back, to find out how sure the model may be."""


def worth(material: Material, said: Mapping[Target, Sequence[str]], learn: Positions) -> dict[Target, Worth]:
    """Of each target whose labels do not count alike, what each counts; `said`: the trust of each ticket of the
    history, behind which tickets may stand that only judge. Only labels of the tickets `learn` say what others are
    worth: those that judge stay unseen."""
    found = {}
    for target, each in said.items():
        if target in material.label_sets and any(each):
            found[target] = _worth(material, target, np.array(each, dtype=np.str_), learn)
    return found


def told(
    found: Mapping[Target, Worth], said: Mapping[Target, Sequence[str]]
) -> dict[str, dict[str, tuple[int, float]]]:
    """Target → who stands behind its labels → how many, and what one counts on average."""
    return {
        target: {
            name: (n, round(float(each[: len(said[target])][np.array(said[target]) == name].mean()), 2))
            for name, n in sorted(Counter(filter(None, said[target])).items())
        }
        for target, each in found.items()
    }


def _worth(material: Material, target: Target, said: npt.NDArray[np.str_], learn: Positions) -> Worth:
    y = material.y[target]
    found = np.ones(len(y), np.float32)
    for name, weight in label_trust.WEIGHTS.items():
        found[: len(said)][said == name] = weight
    silent = np.flatnonzero((said == label_trust.UNTOUCHED) & (y[: len(said)] >= 0))
    peoples = np.intersect1d(np.flatnonzero((said != label_trust.UNTOUCHED) & (y[: len(said)] >= 0)), learn)
    found[silent] = UNKNOWN
    if len(silent) and len(peoples) >= FEWEST:
        weighed = replace(material.only(target), worth={target: found})
        found[silent] = np.clip(_agreed(weighed, target, peoples, silent), label_trust.LEAST, label_trust.MOST)
    return found


def _agreed(material: Material, target: Target, peoples: Positions, silent: Positions) -> Worth:
    """How likely people's labels make those of `silent` tickets beside the likeliest of all, 0..1."""
    y = material.y[target]
    kept_back = peoples[::-ASKED][::-1]
    model = material.fit(np.setdiff1d(peoples, kept_back))
    weights = fit_pool(_asked(model, material, kept_back, target), y[kept_back])
    beliefs = opinion_pool.believe(_asked(model, material, silent, target), weights)
    mine = beliefs[np.arange(len(silent)), y[silent]]
    agreed: Worth = (mine / beliefs.max(axis=1)).astype(np.float32)
    return agreed


def _asked(model: TicketModel, material: Material, rows: Positions, target: Target) -> npt.NDArray[np.float32]:
    return model.log_scores(Part(material.counts, rows), material.meant(rows))[target]
