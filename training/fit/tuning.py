"""Tune: how each target is learnt, chosen inside the tickets that are learnt from.

In come a run's material and the positions it may learn from; out comes a recipe a target. A choice is made by the log
loss of the whole belief (linear and memory head, pooled) on the newest of those tickets (a random part, where time is
not known), and only if it is better by more than chance would have it; where rare labels are favoured, how much they
count is chosen last, by macro-F1. The number of trials is fixed, never the time: the same history gives the same
recipes on any machine of its kind.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
from joblib import delayed

from deskyard.domain.ticket import Target
from deskyard.errors import PartMissing
from deskyard.features.ngrams import BLOCKS
from deskyard.model.hyperparameters import Recipe
from training.data.splits import Fold, Positions, tuning_folds
from training.fit.backend import side_by_side
from training.fit.checkpoints import FORGETFUL, Kept
from training.fit.cross_fitting import Material, Progress
from training.fit.tuning_trial import Losses, Trial

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
    material: Material,
    learn: Positions,
    ordered: bool,
    effort: Effort,
    favour: Favour,
    progress: Progress,
    kept: Kept = FORGETFUL,
) -> dict[Target, Recipe]:
    """The recipe of each target. Raises PartMissing when a thorough search lacks its library."""
    folds = tuning_folds(learn, ordered, FOLDS[effort], material.seed, material.groups)
    if effort == "thorough":
        _optuna()
    material = material.lean()
    jobs = [
        delayed(kept)(f"recipe-{target}", _tuned, material.only(target), folds, ordered, effort, favour)
        for target in material.label_sets
    ]
    chosen = progress(side_by_side(jobs, len(material.tickets)), len(jobs), "choosing recipes")
    return dict(zip(material.label_sets, chosen, strict=True))


Make = Callable[[Recipe, Any], Recipe]


@dataclass(frozen=True)
class Choice:
    """One thing to choose: `make` a recipe with it, `ladders` of values away from the start, what a search proposes.

    `quick`: tried even when little is.
    """

    make: Make
    ladders: tuple[tuple[Any, ...], ...]
    propose: Callable[[Any], Any]
    quick: bool = False


def _named(name: str) -> Make:
    return lambda recipe, value: replace(recipe, **{name: value})


def _block(name: str) -> Make:
    place = BLOCKS.index(name)
    return lambda recipe, value: replace(
        recipe, blocks=(*recipe.blocks[:place], float(value), *recipe.blocks[place + 1 :])
    )


CHOICES: Final[Mapping[str, Choice]] = {
    "recency": Choice(
        _named("recency"),
        ((0.5, 0.15),),
        lambda trial: trial.suggest_categorical("recency", [None, 1.0, 0.5, 0.3, 0.15, 0.08]),
        True,
    ),
    "C": Choice(_named("C"), ((0.3, 0.1), (3.0,)), lambda trial: trial.suggest_float("C", 0.03, 10, log=True), True),
    "themes": Choice(
        _named("themes"), ((0.4, 0.7, 1.0), (0.0,)), lambda trial: trial.suggest_float("themes", 0, 1), True
    ),
    "balance": Choice(_named("balance"), ((0.25, 0.5),), lambda trial: trial.suggest_float("balance", 0, 0.75)),
    "chars": Choice(_block("chars"), ((0.5, 0.0),), lambda trial: trial.suggest_float("chars", 0, 1.5)),
    "fields": Choice(_block("fields"), ((0.0,), (2.0,)), lambda trial: trial.suggest_float("fields", 0, 3)),
    "subject": Choice(_block("subject"), ((0.7,),), lambda trial: trial.suggest_float("subject", 0, 1.5)),
    "ordered": Choice(
        _named("ordered"), ((False,),), lambda trial: trial.suggest_categorical("ordered", [True, False])
    ),
}
"""Everything that is chosen, in the order in which it is: first how much the past counts, as the rest depends on it."""


def _tuned(material: Material, folds: Sequence[Fold], ordered: bool, effort: Effort, favour: Favour) -> Recipe:
    (target,) = material.label_sets
    trials = [trial for trial in (Trial.of(material, target, fold) for fold in folds) if len(trial)]
    start = Recipe(ordered=target == "priority")
    if sum(len(trial.y) for trial in trials) < FEWEST * max(len(trials), 1):
        return replace(start, balance=0.5, rare=True) if favour == "rare" else start

    def losses(recipe: Recipe) -> Losses:
        return np.concatenate([trial.losses(recipe) for trial in trials])

    choices = {name: choice for name, choice in CHOICES.items() if _is_open(name, trials, target, ordered)}
    search = _proposed if effort == "thorough" else _climbed
    if effort == "quick":
        choices = {name: choice for name, choice in choices.items() if choice.quick}
    best = search(losses, choices.values(), start, material.seed)
    if favour == "common":
        return best
    rare = [replace(best, balance=balance, rare=True) for balance in BALANCES]
    return max(rare, key=lambda recipe: float(np.mean([trial.macro_f1(recipe) for trial in trials])))


def _is_open(name: str, trials: Sequence[Trial], target: Target, ordered: bool) -> bool:
    """Whether this history leaves the choice: time is known, tickets have the block, labels have an order."""
    if name in BLOCKS:
        return any(trial.has(name) for trial in trials)
    return {"recency": ordered, "ordered": target == "priority"}.get(name, True)


Judge = Callable[[Recipe], Losses]


def _climbed(losses: Judge, choices: Collection[Choice], start: Recipe, seed: int) -> Recipe:
    """One choice after the other; a ladder is climbed as long as each step is better by more than chance."""
    best, reached = start, losses(start)
    for choice in choices:
        for ladder in choice.ladders:
            for value in ladder:
                candidate = choice.make(best, value)
                if candidate == best or not _better(found := losses(candidate), reached):
                    break
                best, reached = candidate, found
    return best


def _better(found: Losses, reached: Losses) -> bool:
    gained = reached - found
    return bool(gained.mean() > gained.std() / np.sqrt(len(gained)))


def _proposed(losses: Judge, choices: Collection[Choice], start: Recipe, seed: int) -> Recipe:
    """The best of `TRIALS` that a Parzen estimator proposes (Bergstra et al. 2011), if it beats `start`."""
    optuna = _optuna()

    def tried(trial: Any) -> float:
        recipe = start
        for choice in choices:
            value = choice.propose(trial)
            recipe = choice.make(recipe, round(value, 3) if isinstance(value, float) else value)
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
