"""The learning curve: estimates the gain in accuracy from more training tickets.

Measures the baseline's accuracy on an eighth, a quarter, half and all of the training tickets, and extrapolates a power
law (error = a + b n^-c; Hestness et al. 2017) to twice as many. The slope is comparable with the full model's, the
level is not.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from training.data_audit.case import AuditCase
from training.data_audit.finding import Finding, format_percent, format_points

TRAINING_SHARES: Final = (0.125, 0.25, 0.5, 1.0)
MIN_TICKETS: Final = 100
"""The fewest training and holdout tickets for a curve."""

EXPONENTS: Final = np.linspace(0.1, 1.0, 10)
"""Exponents that are tried."""

N_BOOTSTRAP: Final = 200
"""Bootstrap samples of the holdout."""

MAX_TRAINING_TICKETS: Final = 20_000
"""The most training tickets; of more, a random part is used."""


def probe(case: AuditCase) -> Iterator[Finding]:
    """The learning curve of each target."""
    rng = np.random.default_rng(case.data.seed)
    for target in case.targets:
        y, predictions = case.data.y[target], case.holdout_predictions[target]
        learn = rng.permutation(case.plan.holdout.learn[y[case.plan.holdout.learn] >= 0])
        if len(learn) < MIN_TICKETS or len(predictions.truth) < MIN_TICKETS:
            continue
        all_of_it = len(learn) <= MAX_TRAINING_TICKETS
        learn = learn[:MAX_TRAINING_TICKETS]
        sizes = np.array([round(part * len(learn)) for part in TRAINING_SHARES])
        X = case.baseline.X[predictions.positions]
        right = np.array(
            [
                case.baseline.head(target, np.sort(learn[:n])).margins(X).argmax(axis=1) == predictions.truth
                for n in sizes
            ]
        )
        shares = right.mean(axis=1)
        gains = _bootstrap_gains(sizes, right, rng)
        low, gain, high = (float(share) for share in np.quantile(gains, [0.05, 0.5, 0.95]))
        span = f"{format_points(low).split()[0]} to {format_points(high).split()[0]}"
        shown = ", ".join(
            f"{n:,}: {format_percent(float(share))}" for n, share in zip(sizes.tolist(), shares, strict=True)
        )
        yield Finding(
            "history",
            "note",
            target,
            f"{target}: twice as many tickets would add about {format_points(gain)} ({span}); "
            f"accuracy of a linear baseline by training tickets: {shown}",
            "gather more history first" if low >= 0.01 else "more history helps little: check labels and fields first",
            (),
            {
                "sizes": sizes.tolist(),
                "accuracy": shares.tolist(),
                "gain": gain,
                "from": low,
                "to": high,
                "of_all_tickets": all_of_it,
            },
        )


def _bootstrap_gains(
    sizes: npt.NDArray[np.int64], right: npt.NDArray[np.bool_], rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """The gain from `sizes[-1]` to twice that, for each of `N_BOOTSTRAP` samples of the holdout."""
    gains = np.empty(N_BOOTSTRAP)
    for draw in range(N_BOOTSTRAP):
        gains[draw] = extrapolate_gain(
            sizes, 1 - right[:, rng.integers(0, right.shape[1], right.shape[1])].mean(axis=1)
        )
    return gains


def extrapolate_gain(sizes: npt.NDArray[np.int64], errors: npt.NDArray[np.float64]) -> float:
    """The decrease of the error when the last size doubles, by the best-fitting power law; at least 0.

    >>> sizes = np.array([100, 200, 400, 800])
    >>> round(extrapolate_gain(sizes, 0.1 + 2 * sizes**-0.5), 4), round(2 * 800**-0.5 - 2 * 1600**-0.5, 4)
    (0.0207, 0.0207)
    """
    best, fall = np.inf, 0.0
    for c in EXPONENTS:
        power = sizes**-c
        spread = power - power.mean()
        b = max(float(spread @ errors / (spread @ spread)), 0.0)
        a = max(float(errors.mean() - b * power.mean()), 0.0)
        if a == 0.0:
            b = max(float(power @ errors / (power @ power)), 0.0)
        miss = float(((a + b * power - errors) ** 2).sum())
        if miss < best:
            best, fall = miss, b * float(power[-1] - (2 * sizes[-1]) ** -c)
    return fall
