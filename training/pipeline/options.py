"""What is asked of a training run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from deskyard.domain.ticket import TARGETS, Target
from training.fit.tuning import ClassWeight, Effort


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked of a run; part of the card.

    `drift`: "follow" leaves out labels that come no more (`training.data.discontinued_labels`), and lets the newest
    evidence cast doubt on the rest of it sooner (`deskyard.guarantees.contract_fitting`); where time is not known, it
    changes nothing.
    `newest`: so many tickets judge instead of the newest fifth.
    """

    targets: tuple[Target, ...] = TARGETS
    precision: float = 0.95
    order: Literal["time", "file"] = "time"
    seed: int = 0
    audit: bool = False
    effort: Effort = "normal"
    favour: ClassWeight = "common"
    parents: Mapping[Target, Mapping[str, str]] = field(default_factory=dict)
    drift: Literal["ignore", "follow"] = "ignore"
    newest: int | None = None
