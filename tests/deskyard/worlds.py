"""Simulated worlds with known truth: a model's predictions, and the true probability that each is right."""

from dataclasses import dataclass

import numpy as np

from deskyard.domain import label_hierarchy
from deskyard.guarantees.contract import EVIDENCE_DTYPE
from deskyard.guarantees.contract_fitting import fit_contract, routed_mask

FRESH = 8_000
"""Tickets on which a contract's true precision is measured."""


@dataclass
class WorldResult:
    """The result of one world: the true precision of what each contract routed (None: nothing)."""

    required_precision: float
    kind: str
    precision: float | None
    parent_precision: float | None
    by_label: list[float]


def labels_of(n):
    """`A > a`, `A > b`, `A > c`, `B > a`, ...: three to a parent."""
    return tuple(f"{'ABCDEFGHIJ'[i // 3]} > {'abc'[i % 3]}" for i in range(n))


class World:
    """One desk and its model; `kind` is its peculiarity."""

    def __init__(self, rng, kind, labels=12):
        self.rng, self.kind = rng, kind
        self.labels = labels_of(labels)
        self.priors = rng.dirichlet(np.full(labels, 1.5))
        if kind == "majority":
            self.priors = np.full(labels, 0.04 / (labels - 1))
            self.priors[0] = 0.96
        self.confidence_shape = rng.uniform(2, 12), rng.uniform(0.5, 2)
        # How far a label's chance to be right lies below what the model thinks of it; 0 is calibrated.
        self.overconfidence = np.zeros(labels)
        if kind == "miscalibrated":
            self.overconfidence = rng.uniform(0, 0.5, labels) * (rng.random(labels) < 0.5)

    def tickets(self, n):
        """Rows of evidence, and the chance of each to be right at the label and at its parent."""
        rng, k = self.rng, len(self.labels)
        rows = np.zeros(n, EVIDENCE_DTYPE)
        rows["confidence"] = rng.beta(*self.confidence_shape, n)
        if self.kind in ("shuffled", "majority"):
            rows["predicted"] = rng.choice(k, n, p=self.priors)
            rows["truth"] = rng.choice(k, n, p=self.priors)
            chance = self.priors[rows["predicted"]]
            family = np.add.reduceat(self.priors, np.arange(0, k, 3))[rows["predicted"] // 3]
            rows["parent"], rows["above"] = rows["predicted"] // 3, rows["confidence"]
        else:
            if self.kind == "rare":  # two labels have 12 tickets in a thousand between them
                self.priors[-2:] = 0.006 * self.priors[:-2].sum() / 0.988
                self.priors /= self.priors.sum()
            rows["predicted"] = rng.choice(k, n, p=self.priors)
            chance = rows["confidence"] * (1 - self.overconfidence[rows["predicted"]])
            sibling_chance = (1 - chance) * 0.6  # most errors stay in the family
            family = chance + sibling_chance
            rows["parent"] = rows["predicted"] // 3
            rows["above"] = rows["confidence"] + (1 - rows["confidence"]) * 0.6
            draw, first = rng.random(n), rows["predicted"] // 3 * 3
            sibling = first + (rows["predicted"] - first + rng.integers(1, 3, n)) % 3
            other_family = (first + 3 + rng.integers(0, k - 3, n)) % k
            rows["truth"] = np.where(draw < chance, rows["predicted"], np.where(draw < family, sibling, other_family))
        rows["likeness"] = rng.normal(2, 1, n) + 2 * (rows["confidence"] - 0.8)
        return rows, chance, family

    def out_of_scope(self, n=300):
        rows = np.zeros(n, EVIDENCE_DTYPE)
        rows["confidence"] = self.rng.beta(2, 2, n)
        rows["predicted"] = self.rng.integers(0, len(self.labels), n)
        rows["truth"], rows["kind"] = -1, np.arange(n) % 3 + 1
        rows["likeness"] = self.rng.normal(0, 1, n)
        return rows


KINDS = ("calibrated", "miscalibrated", "rare", "majority", "shuffled")


def simulate_world(seed):
    """Draw one world, fit its contract, and measure its true precision."""
    rng = np.random.default_rng(seed)
    kind, required_precision = KINDS[seed % len(KINDS)], float(rng.choice([0.8, 0.9, 0.95]))
    world = World(rng, kind)
    seen = world.tickets(int(np.exp(rng.uniform(np.log(100), np.log(3000)))))[0]
    if rng.random() < 0.5:
        seen = np.concatenate([seen, world.out_of_scope()])
    contract = fit_contract("category", seen, world.labels, required_precision)
    fresh, chance, family = world.tickets(FRESH)
    routed = routed_mask(contract, fresh, world.labels)
    parent_precision = None
    if contract.parent_contract is not None:
        names = label_hierarchy.find_parents(world.labels).names
        rest = fresh.copy()
        rest["confidence"], rest["predicted"] = fresh["above"], fresh["parent"]
        backed_off = ~routed & routed_mask(contract.parent_contract, rest, names)
        if contract.guard is not None:
            backed_off &= fresh["likeness"] >= contract.guard.threshold
        parent_precision = float(family[backed_off].mean()) if backed_off.any() else None
    by_label = [
        float(chance[routed & (fresh["predicted"] == i)].mean())
        for i in range(len(world.labels))
        if (routed & (fresh["predicted"] == i)).sum() >= 20
    ]
    return WorldResult(
        required_precision, kind, float(chance[routed].mean()) if routed.any() else None, parent_precision, by_label
    )
