"""Ask tickets of models that have not learnt from them: the ground of calibration, evidence and judgement.

All models of a run are fitted on rows of the same counts, side by side on the machine's cores; the answers do not
depend on how many cores there are.
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
from deskyard.features.sentence_encoder import Encoder, Vectors, text_of
from deskyard.features.vectorizer import Counts, Part, count
from deskyard.guarantees import urgent_ticket_bound
from deskyard.guarantees.contract import EVIDENCE, Evidence
from deskyard.model import likeness, opinion_pool
from deskyard.model.hyperparameters import Recipe
from deskyard.model.likeness import UNGUARDED, Likeness, Usual
from deskyard.model.ticket_model import TicketModel
from deskyard.text.cleaning import latin_stemmer
from training.data import near_duplicates
from training.data.label_sets import UNLABELLED, LabelSet
from training.data.splits import Fold, Plan, Positions
from training.fit.backend import side_by_side
from training.fit.calibration import fit_pool
from training.fit.checkpoints import FORGETFUL, Kept

TOGETHER: Final = 64
"""Tickets that are encoded at a time: three times as fast as one by one where they are short."""

LANGUAGE_SAMPLE: Final = 500
"""Tickets, evenly spread, that tell the language of words in Latin letters."""

Progress = Callable[[Iterable[Any], int, str], Iterator[Any]]
"""Wraps a walk over (things, how many, what is done) to show it."""

Pools = Mapping[Target, npt.NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Material:
    """What all models of a run learn from: tickets, their counted grams, and label positions a target.

    And the groups of near-copies, how each target is learnt, what each label is `worth` beside others where that is
    said (`deskyard.domain.label_trust`), and the tickets' vectors where an encoder makes some.
    """

    tickets: Sequence[Ticket]
    counts: Counts
    label_sets: Mapping[Target, LabelSet]
    y: Mapping[Target, npt.NDArray[np.int32]]
    groups: npt.NDArray[np.int64]
    seed: int
    recipes: Mapping[Target, Recipe] = field(default_factory=dict)
    worth: Mapping[Target, npt.NDArray[np.float32]] = field(default_factory=dict)
    vectors: Vectors | None = None

    @classmethod
    def of(
        cls,
        tickets: Sequence[Ticket],
        values: Mapping[Target, Sequence[str | None]],
        label_sets: Mapping[Target, LabelSet],
        seed: int,
        progress: Progress,
        encoder: Encoder | None = None,
    ) -> "Material":
        """Count every gram once, and encode every ticket once."""
        some = tickets[:: max(len(tickets) // LANGUAGE_SAMPLE, 1)]
        latin = latin_stemmer(f"{ticket.subject} {ticket.body}" for ticket in some)
        counts = count(tickets, latin, lambda walk: progress(walk, len(tickets), "reading tickets"))
        if not any(ticket.subject for ticket in tickets):
            counts = counts.without("subject")
        y = {target: labels.positions(values[target]) for target, labels in label_sets.items()}
        vectors = None if encoder is None else _encoded(tickets, encoder, progress)
        groups = near_duplicates.groups(tickets, counts)
        return cls(tickets, counts.repeated(), label_sets, y, groups, seed, vectors=vectors)

    def by(self, recipes: Mapping[Target, Recipe]) -> "Material":
        """The same, learnt by these recipes; a block that none of them uses is left out."""
        unused = not any(recipe.blocks[BLOCKS.index("subject")] for recipe in recipes.values())
        return replace(self, counts=self.counts.without("subject") if unused else self.counts, recipes=recipes)

    def only(self, target: Target) -> "Material":
        """The same for one target alone."""
        return replace(self, label_sets={target: self.label_sets[target]}, y={target: self.y[target]})

    def lean(self) -> "Material":
        """The same without what a model never looks at: each worker gets a copy."""
        return replace(self, tickets=[Ticket(id=ticket.id) for ticket in self.tickets])

    def fit(self, rows: Positions) -> TicketModel:
        """A model of the tickets at `rows`."""
        sizes = {target: len(labels.labels) for target, labels in self.label_sets.items()}
        y = {target: positions[rows] for target, positions in self.y.items()}
        ids = [self.tickets[i].id for i in rows]
        worth = {target: said[rows] for target, said in self.worth.items() if target in sizes}
        return TicketModel(sizes, self.recipes, self.seed).fit(Part(self.counts, rows), y, ids, self.meant(rows), worth)

    def meant(self, rows: Positions) -> Vectors | None:
        """The vectors of the tickets at `rows`; None without an encoder."""
        return None if self.vectors is None else self.vectors[rows]


def _encoded(tickets: Sequence[Ticket], encoder: Encoder, progress: Progress) -> Vectors:
    texts = [text_of(ticket) for ticket in tickets]
    parts = range(0, len(texts), TOGETHER)
    walk = progress(parts, len(parts), "encoding tickets")
    return np.concatenate([encoder.encode(texts[start : start + TOGETHER]) for start in walk])


@dataclass(frozen=True, slots=True)
class Asked:
    """What a model said of tickets new to it.

    `positions` of the tickets, the heads' `scores` a target (heads x tickets x labels), the share of each ticket's
    words and pairs that the model `known`, the similarity of its `nearest` remembered ticket, and which labels a target
    the model had `heard` of (tickets x labels).
    """

    positions: Positions
    scores: Mapping[Target, npt.NDArray[np.float32]]
    known: npt.NDArray[np.float64]
    nearest: npt.NDArray[np.float64]
    heard: Mapping[Target, npt.NDArray[np.bool_]]

    @classmethod
    def of(cls, material: Material, fold: Fold) -> "Asked":
        """Fit on `fold.learn`, ask about `fold.ask`."""
        model, new = material.fit(fold.learn), Part(material.counts, fold.ask)
        scores, nearest = model.ask(new, material.meant(fold.ask))
        heard = {}
        for target, said in scores.items():
            of = np.isin(np.arange(said.shape[2]), material.y[target][fold.learn])
            heard[target] = np.broadcast_to(of, said.shape[1:])
        return cls(fold.ask, scores, model.vectorizer_.known(new), nearest, heard)

    @classmethod
    def together(cls, parts: Sequence["Asked"]) -> "Asked":
        """Several answers as one, in order."""
        return cls(
            np.concatenate([part.positions for part in parts]),
            {target: np.concatenate([part.scores[target] for part in parts], axis=1) for target in parts[0].scores},
            np.concatenate([part.known for part in parts]),
            np.concatenate([part.nearest for part in parts]),
            {target: np.concatenate([part.heard[target] for part in parts]) for target in parts[0].heard},
        )

    def without_encoder(self) -> "Asked":
        """The answers of the heads that read words, alone."""
        return replace(
            self, scores={target: scores[: len(opinion_pool.HEADS)] for target, scores in self.scores.items()}
        )

    @property
    def familiar(self) -> npt.NDArray[np.bool_]:
        """Which tickets hold any word that the model knows."""
        return self.known > 0

    def truth(self, material: Material, target: Target) -> npt.NDArray[np.int32]:
        """The true label positions of the tickets that were asked about."""
        return material.y[target][self.positions]

    def labelled(self, material: Material, target: Target) -> "Asked":
        """Only the tickets that have a label."""
        has = self.truth(material, target) != UNLABELLED
        return Asked(
            self.positions[has],
            {target: self.scores[target][:, has]},
            self.known[has],
            self.nearest[has],
            {target: self.heard[target][has]},
        )

    def beliefs(self, target: Target, pools: Pools) -> npt.NDArray[np.float64]:
        """Probabilities (tickets x labels)."""
        return opinion_pool.believe(self.scores[target], pools[target])

    def usual(self, target: Target, pools: Pools) -> Usual:
        """The margins that these tickets usually have."""
        predicted = self.beliefs(target, pools).argmax(axis=1)
        return Usual.of(self.scores[target][0], predicted, self.heard[target])

    def signs(self, target: Target, pools: Pools, usual: Usual) -> npt.NDArray[np.float64]:
        """What tells whether the tickets are like the history (tickets x signs)."""
        return likeness.signs(
            self.beliefs(target, pools), self.scores[target][0], self.nearest, self.known, usual, self.heard[target]
        )


def work(
    material: Material, plan: Plan, apart: Sequence[tuple[Target, Fold]], progress: Progress, kept: Kept = FORGETFUL
) -> tuple[TicketModel, list[Asked]]:
    """The model of everything, and the answers to the plan's folds, to `apart` and to `at_random` (if any).

    Behind those the answers to the folds `apart`, which are of one target each.
    """
    ask = [*plan.folds, plan.apart, *([plan.at_random] if plan.at_random else [])]
    material = material.lean()
    jobs = [delayed(kept)("model", Material.fit, material, plan.everything)]
    jobs += [delayed(kept)(f"fold-{n}", Asked.of, material, fold) for n, fold in enumerate(ask)]
    jobs += [
        delayed(kept)(f"left-out-{n}", Asked.of, material.only(target), fold) for n, (target, fold) in enumerate(apart)
    ]
    model, *asked = progress(side_by_side(jobs, len(material.tickets)), len(jobs), "learning")
    return model, asked


def fit_pools(asked: Asked, material: Material) -> Pools:
    """The pool's weights a target, from tickets that no head had learnt from."""
    pools = {}
    for target, scores in asked.scores.items():
        truth = asked.truth(material, target)
        recipe = material.recipes.get(target, Recipe())
        known, balance = truth >= 0, recipe.balance if recipe.rare else None
        worth = material.worth[target][asked.positions][known] if target in material.worth else None
        pools[target] = fit_pool(scores[:, known], truth[known], balance, worth)
    return pools


def evidence(
    asked: Asked, target: Target, pools: Pools, material: Material, guarded: Likeness | None = None
) -> Evidence:
    """The rows of evidence a target; a ticket with no familiar word counts as asked with no confidence at all.

    `guarded`: the likeness of a target that has one.
    """
    labelled = asked.labelled(material, target)
    beliefs = labelled.beliefs(target, pools)
    rows = np.zeros(len(beliefs), EVIDENCE)
    rows["confidence"] = np.where(labelled.familiar, beliefs.max(axis=1), 0)
    rows["predicted"] = beliefs.argmax(axis=1)
    rows["truth"] = labelled.truth(material, target)
    rows["likeness"] = UNGUARDED
    if guarded is not None:
        rows["likeness"] = guarded.of(
            beliefs, labelled.scores[target][0], labelled.nearest, labelled.known, labelled.heard[target]
        )
    labels = material.label_sets[target].labels
    parents = label_hierarchy.parents(labels, material.label_sets[target].parents)
    if parents is not None:
        above = parents.beliefs(beliefs)
        rows["above"], rows["parent"] = np.where(labelled.familiar, above.max(axis=1), 0), above.argmax(axis=1)
    if target == "priority":
        rows["urgent"] = urgent_ticket_bound.urgent(beliefs, labels)
    return rows
