"""Tune: how each target is learnt, chosen inside the tickets that are learnt from.

In come a run's material and the positions it may learn from; out comes a recipe a target. A choice is made by the log
loss of the whole belief (linear and memory head, pooled) on the newest of those tickets (a random part, where time is
not known), and only if it is better by more than chance would have it; where rare labels
are favoured, how much they count is chosen last, by macro-F1. The number of trials is fixed, never the time:
the same history gives the same recipes on any machine of its kind.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final, Literal

import numpy as np
from joblib import Parallel, delayed

from deskyard.errors import PartMissing
from deskyard.grams import BLOCKS
from deskyard.recipe import Recipe
from deskyard.ticket import Target
from training.crossfit import WORTH_A_PROCESS, Material, Progress
from training.split import Fold, Positions, tuning_folds
from training.trial import Losses, Trial

Effort = Literal["quick", "normal", "thorough"]
Favour = Literal["common", "rare"]

FEWEST: Final = 200
"""Labelled tickets below which nothing is chosen: chance would choose."""

TRIALS: Final = 40
"""Of a thorough search, a target."""

BALANCES: Final = (0.0, 0.25, 0.5, 1.0)
"""Where rare labels are favoured: the one with the best macro-F1 is taken."""

FOLDS: Final[Mapping[Effort, int]] = {"quick": 1, "normal": 2, "thorough": 3}


def tune(
    material: Material, learn: Positions, ordered: bool, effort: Effort, favour: Favour, progress: Progress
) -> dict[Target, Recipe]:
    """The recipe of each target. Raises PartMissing when a thorough search lacks its library."""
    folds = tuning_folds(learn, ordered, FOLDS[effort], material.seed, material.groups)
    if effort == "thorough":
        _optuna()
    material = material.lean()
    jobs = [delayed(_tuned)(material.only(target), folds, ordered, effort, favour) for target in material.label_sets]
    cores = (os.cpu_count() or 1) if len(material.tickets) >= WORTH_A_PROCESS else 1
    chosen = progress(Parallel(n_jobs=cores, return_as="generator")(jobs), len(jobs), "choosing recipes")
    return dict(zip(material.label_sets, chosen, strict=True))


def _tuned(material: Material, folds: Sequence[Fold], ordered: bool, effort: Effort, favour: Favour) -> Recipe:
    (target,) = material.label_sets
    trials = [Trial.of(material, target, fold) for fold in folds]
    trials = [trial for trial in trials if len(trial.truth) and len(trial.y)]
    start = Recipe(ordered=target == "priority")
    if sum(len(trial.y) for trial in trials) < FEWEST * len(trials) or not trials:
        return replace(start, balance=0.5, rare=True) if favour == "rare" else start

    def losses(recipe: Recipe) -> Losses:
        return np.concatenate([trial.losses(recipe) for trial in trials])

    able = _open(trials, target, ordered)
    if effort == "thorough":
        best = _searched(losses, able, start, material.seed)
    else:
        best = _walked(losses, _steps(able, effort), start)
    if favour == "common":
        return best
    rare = [replace(best, balance=balance, rare=True) for balance in BALANCES]
    return max(rare, key=lambda recipe: float(np.mean([trial.macro_f1(recipe) for trial in trials])))


Step = Callable[[Recipe], Iterator[Recipe]]
Make = Callable[[Recipe, Any], Recipe]


def _walked(losses: Callable[[Recipe], Losses], steps: Sequence[Step], start: Recipe) -> Recipe:
    """One choice after the other, each kept if it is better by more than its standard error; a ladder is climbed as
    long as that goes well."""
    best, reached = start, losses(start)
    for step in steps:
        for candidate in step(best):
            found = losses(candidate)
            if not _better(found, reached):
                break
            best, reached = candidate, found
    return best


def _better(found: Losses, reached: Losses) -> bool:
    gained = reached - found
    return bool(gained.mean() > gained.std() / np.sqrt(len(gained)))


def _steps(able: Mapping[str, Make], effort: Effort) -> list[Step]:
    """What is tried, in order; each from the best so far."""
    names = ("C", "themes", "recency") if effort == "quick" else tuple(LADDERS)
    return [partial(_climb, able[name], ladder) for name in names if name in able for ladder in LADDERS[name]]


def _climb(make: Make, ladder: Sequence[Any], recipe: Recipe) -> Iterator[Recipe]:
    return (made for value in ladder if (made := make(recipe, value)) != recipe)


LADDERS: Final[Mapping[str, tuple[tuple[Any, ...], ...]]] = {
    "C": ((0.3, 0.1), (3.0,)),
    "themes": ((0.4, 0.7, 1.0), (0.0,)),
    "balance": ((0.25, 0.5),),
    "recency": ((0.5, 0.15),),
    "chars": ((0.5, 0.0),),
    "fields": ((0.0,), (2.0,)),
    "subject": ((0.7,),),
    "ordered": ((False,),),
}
"""What is tried of each choice, step by step away from what a recipe has from the start."""


def _open(trials: Sequence[Trial], target: Target, ordered: bool) -> dict[str, Make]:
    """The choices that this history leaves open, and how each is made."""
    able: dict[str, Make] = {
        "C": lambda recipe, value: replace(recipe, C=value),
        "themes": lambda recipe, value: replace(recipe, themes=value),
        "balance": lambda recipe, value: replace(recipe, balance=value),
    }
    if ordered:
        able["recency"] = lambda recipe, value: replace(recipe, recency=value)
    for block in ("chars", "fields", "subject"):
        if any(trial.has(block) for trial in trials):
            able[block] = partial(_scaled, BLOCKS.index(block))
    if target == "priority":
        able["ordered"] = lambda recipe, value: replace(recipe, ordered=value)
    return able


def _scaled(place: int, recipe: Recipe, factor: float) -> Recipe:
    return replace(recipe, blocks=(*recipe.blocks[:place], float(factor), *recipe.blocks[place + 1 :]))


def _searched(losses: Callable[[Recipe], Losses], able: Mapping[str, Make], start: Recipe, seed: int) -> Recipe:
    """The best of `TRIALS` that a Parzen estimator proposes (Bergstra et al. 2011), if it beats `start`."""
    optuna = _optuna()
    ranges: dict[str, Callable[[Any], Any]] = {
        "C": lambda trial: trial.suggest_float("C", 0.03, 10, log=True),
        "themes": lambda trial: trial.suggest_float("themes", 0, 1),
        "balance": lambda trial: trial.suggest_float("balance", 0, 0.75),
        "recency": lambda trial: trial.suggest_categorical("recency", [None, 1.0, 0.5, 0.3, 0.15, 0.08]),
        "chars": lambda trial: trial.suggest_float("chars", 0, 1.5),
        "fields": lambda trial: trial.suggest_float("fields", 0, 3),
        "subject": lambda trial: trial.suggest_float("subject", 0, 1.5),
        "ordered": lambda trial: trial.suggest_categorical("ordered", [True, False]),
    }

    def tried(trial: Any) -> float:
        recipe = start
        for name, make in able.items():
            value = ranges[name](trial)
            recipe = make(recipe, round(value, 3) if isinstance(value, float) else value)
        trial.set_user_attr("recipe", recipe)
        return float(losses(recipe).mean())

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    study.optimize(tried, n_trials=TRIALS)
    best: Recipe = study.best_trial.user_attrs["recipe"]
    return best if _better(losses(best), losses(start)) else start


def _optuna() -> Any:
    try:
        import optuna
    except ModuleNotFoundError as error:
        raise PartMissing("--effort thorough needs optuna: pip install 'deskyard[training]'.") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
