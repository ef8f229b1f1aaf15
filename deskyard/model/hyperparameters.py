"""Hyperparameters: a `Recipe` holds those of one target, chosen by `training.fit.tuning` on training tickets."""

from dataclasses import dataclass
from typing import Final

from deskyard.features.ngrams import BLOCKS


@dataclass(frozen=True, slots=True)
class Recipe:
    """The hyperparameters of one target's linear head.

    `C`: the inverse regularisation strength (LinearSVC). `blocks`: factors on the norms of the blocks of columns; 0
    leaves a block out. `themes`: the weight (0..1) of the classifier on LSA components. `recency`: the age, as a share
    of the history, at which a ticket weighs 1/e (None: all weigh the same). `balance`: 0 weighs tickets equally, 1
    labels. `rare`: the opinion pool also weighs labels by `balance` and ignores their shares. `ordered`: labels are
    fitted as ordered steps, not as separate classes.
    """

    C: float = 1.0
    blocks: tuple[float, ...] = (1.0, 1.0, 1.0, 0.0)
    themes: float = 0.2
    recency: float | None = None
    balance: float = 0.0
    ordered: bool = False
    rare: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError unless there is one factor per block."""
        if len(self.blocks) != len(BLOCKS):
            raise ValueError(f"a recipe has a factor for each of {BLOCKS}, not {self.blocks}")


PLAIN_RECIPE: Final = Recipe(themes=0.0)
"""One linear classifier per label, without LSA."""
