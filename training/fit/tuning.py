"""Tunes the hyperparameters (recipe) of each target within the training tickets.

A change is accepted by the log loss of the pooled linear and neighbour heads on the newest of those tickets (a random
part where time is not known), if it is better by more than one standard error. With class weight "balanced", the weight
of rare labels is chosen last, by macro-F1. The number of trials is fixed, not the time, so the same history gives the
same recipes on any machine of the same type.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
from joblib import delayed

from deskyard.domain.ticket import Target
from deskyard.errors import ExtraMissing
from deskyard.features.ngrams import BLOCKS
from deskyard.model.hyperparameters import Recipe
from training.data.splits import Fold, Positions, tuning_folds
from training.fit.backend import run_parallel
from training.fit.checkpoints import NO_CHECKPOINTS, Checkpoints
from training.fit.cross_fitting import Progress, TrainingData
from training.fit.tuning_trial import Losses, TuningTrial

Effort = Literal["quick", "normal", "thorough"]
ClassWeight = Literal["none", "balanced"]

MIN_TICKETS: Final = 200
"""Labelled tickets below which nothing is tuned."""

N_TRIALS: Final = 40
"""Trials of a thorough search, per target."""

BALANCE_VALUES: Final = (0.0, 0.25, 0.5, 1.0)
"""Values of `balance` with class weight "balanced"; the one with the best macro-F1 is used."""

N_FOLDS: Final[Mapping[Effort, int]] = {"quick": 1, "normal": 2, "thorough": 3}


def tune_recipes(
    data: TrainingData,
    learn: Positions,
    ordered: bool,
    effort: Effort,
    class_weight: ClassWeight,
    progress: Progress,
    checkpoints: Checkpoints = NO_CHECKPOINTS,
) -> dict[Target, Recipe]:
    """The recipe of each target. Raises ExtraMissing when a thorough search lacks its library."""
    folds = tuning_folds(learn, ordered, N_FOLDS[effort], data.seed, data.groups)
    if effort == "thorough":
        _import_optuna()
    data = data.without_texts()
    jobs = [
        delayed(checkpoints)(
            f"recipe-{target}", _tune_target, data.for_target(target), folds, ordered, effort, class_weight
        )
        for target in data.label_sets
    ]
    chosen = progress(run_parallel(jobs, len(data.tickets)), len(jobs), "choosing recipes")
    return dict(zip(data.label_sets, chosen, strict=True))


SetParameter = Callable[[Recipe, Any], Recipe]


@dataclass(frozen=True)
class TunableParameter:
    """A tunable parameter.

    `apply` sets it on a recipe; `ladders` are sequences of values away from the default; `propose` samples a value for
    a thorough search; `quick`: also tuned with quick effort.
    """

    apply: SetParameter
    ladders: tuple[tuple[Any, ...], ...]
    propose: Callable[[Any], Any]
    quick: bool = False


def _set_field(name: str) -> SetParameter:
    return lambda recipe, value: replace(recipe, **{name: value})


def _set_block(name: str) -> SetParameter:
    place = BLOCKS.index(name)
    return lambda recipe, value: replace(
        recipe, blocks=(*recipe.blocks[:place], float(value), *recipe.blocks[place + 1 :])
    )


TUNABLE_PARAMETERS: Final[Mapping[str, TunableParameter]] = {
    "recency": TunableParameter(
        _set_field("recency"),
        ((0.5, 0.15),),
        lambda trial: trial.suggest_categorical("recency", [None, 1.0, 0.5, 0.3, 0.15, 0.08]),
        True,
    ),
    "C": TunableParameter(
        _set_field("C"), ((0.3, 0.1), (3.0,)), lambda trial: trial.suggest_float("C", 0.03, 10, log=True), True
    ),
    "themes": TunableParameter(
        _set_field("themes"), ((0.4, 0.7, 1.0), (0.0,)), lambda trial: trial.suggest_float("themes", 0, 1), True
    ),
    "balance": TunableParameter(
        _set_field("balance"), ((0.25, 0.5),), lambda trial: trial.suggest_float("balance", 0, 0.75)
    ),
    "chars": TunableParameter(_set_block("chars"), ((0.5, 0.0),), lambda trial: trial.suggest_float("chars", 0, 1.5)),
    "fields": TunableParameter(
        _set_block("fields"), ((0.0,), (2.0,)), lambda trial: trial.suggest_float("fields", 0, 3)
    ),
    "subject": TunableParameter(_set_block("subject"), ((0.7,),), lambda trial: trial.suggest_float("subject", 0, 1.5)),
    "ordered": TunableParameter(
        _set_field("ordered"), ((False,),), lambda trial: trial.suggest_categorical("ordered", [True, False])
    ),
}
"""The parameters in the order of tuning; recency is first, as the others depend on it."""


def _tune_target(
    data: TrainingData, folds: Sequence[Fold], ordered: bool, effort: Effort, class_weight: ClassWeight
) -> Recipe:
    (target,) = data.label_sets
    trials = [trial for trial in (TuningTrial.build(data, target, fold) for fold in folds) if len(trial)]
    start = Recipe(ordered=target == "priority")
    if sum(len(trial.y) for trial in trials) < MIN_TICKETS * max(len(trials), 1):
        return replace(start, balance=0.5, rare=True) if class_weight == "balanced" else start

    def losses(recipe: Recipe) -> Losses:
        return np.concatenate([trial.losses(recipe) for trial in trials])

    parameters = {
        name: parameter for name, parameter in TUNABLE_PARAMETERS.items() if _is_tunable(name, trials, target, ordered)
    }
    search = _tpe_search if effort == "thorough" else _coordinate_search
    if effort == "quick":
        parameters = {name: parameter for name, parameter in parameters.items() if parameter.quick}
    best = search(losses, parameters.values(), start, data.seed)
    if class_weight == "none":
        return best
    rare = [replace(best, balance=balance, rare=True) for balance in BALANCE_VALUES]
    return max(rare, key=lambda recipe: float(np.mean([trial.macro_f1(recipe) for trial in trials])))


def _is_tunable(name: str, trials: Sequence[TuningTrial], target: Target, ordered: bool) -> bool:
    """Whether a parameter applies: time is known, tickets have the block, labels have an order."""
    if name in BLOCKS:
        return any(trial.has(name) for trial in trials)
    return {"recency": ordered, "ordered": target == "priority"}.get(name, True)


LossFunction = Callable[[Recipe], Losses]


def _coordinate_search(
    losses: LossFunction, parameters: Collection[TunableParameter], start: Recipe, seed: int
) -> Recipe:
    """Tune one parameter after the other; a ladder is followed as long as each step is better."""
    best, best_losses = start, losses(start)
    for parameter in parameters:
        for ladder in parameter.ladders:
            for value in ladder:
                candidate = parameter.apply(best, value)
                if candidate == best or not _is_better(found := losses(candidate), best_losses):
                    break
                best, best_losses = candidate, found
    return best


def _is_better(found: Losses, best: Losses) -> bool:
    gain = best - found
    return bool(gain.mean() > gain.std() / np.sqrt(len(gain)))


def _tpe_search(losses: LossFunction, parameters: Collection[TunableParameter], start: Recipe, seed: int) -> Recipe:
    """The best of `N_TRIALS` proposals of a Parzen estimator (Bergstra et al. 2011), if it is better than `start`."""
    optuna = _import_optuna()

    def objective(trial: Any) -> float:
        recipe = start
        for parameter in parameters:
            value = parameter.propose(trial)
            recipe = parameter.apply(recipe, round(value, 3) if isinstance(value, float) else value)
        trial.set_user_attr("recipe", recipe)
        return float(losses(recipe).mean())

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    study.optimize(objective, n_trials=N_TRIALS)
    best: Recipe = study.best_trial.user_attrs["recipe"]
    return best if _is_better(losses(best), losses(start)) else start


def _import_optuna() -> Any:
    try:
        import optuna
    except ModuleNotFoundError as error:
        raise ExtraMissing("--effort thorough needs optuna: pip install 'deskyard[training]'.") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
