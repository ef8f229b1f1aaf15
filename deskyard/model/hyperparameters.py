"""Recipe: how one target is learnt; `training.fit.tuning` makes every choice in it, inside the tickets that are
learnt."""

from dataclasses import dataclass
from typing import Final

from deskyard.features.ngrams import BLOCKS


@dataclass(frozen=True, slots=True)
class Recipe:
    """The choices of one target's linear head.

    `C`: how dear a miss is (LinearSVC). `blocks`: factors on the lengths of the blocks of columns, 0 leaves one out.
    `themes`: the say (0..1) of the separators that see tickets only by theme. `recency`: the age, as a share of the
    history, at which a ticket counts 1/e (None: all count alike). `balance`: 0 counts each ticket alike, 1 each label.
    `rare`: the pool too counts labels by `balance`, and common labels have no advantage.
    `ordered`: labels are learnt as steps of a ladder, not as islands.
    """

    C: float = 1.0
    blocks: tuple[float, ...] = (1.0, 1.0, 1.0, 0.0)
    themes: float = 0.2
    recency: float | None = None
    balance: float = 0.0
    ordered: bool = False
    rare: bool = False

    def __post_init__(self) -> None:
        """One factor a block."""
        if len(self.blocks) != len(BLOCKS):
            raise ValueError(f"a recipe has a factor for each of {BLOCKS}, not {self.blocks}")


PLAIN_RECIPE: Final = Recipe(themes=0.0)
"""One linear separator a label, and nothing else."""
