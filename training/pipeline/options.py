"""The options of a training run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from deskyard.domain.ticket import TARGETS, Target
from training.fit.tuning import ClassWeight, Effort


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a run; stored in the card.

    `drift`: "follow" drops discontinued labels (`training.data.discontinued_labels`) and discounts old evidence sooner
    (`deskyard.guarantees.contract_fitting`); it has no effect where time is not known. `newest`: the number of newest
    tickets to hold out, instead of a fifth.
    """

    targets: tuple[Target, ...] = TARGETS
    precision: float = 0.95
    order: Literal["time", "file"] = "time"
    seed: int = 0
    audit: bool = False
    effort: Effort = "normal"
    class_weight: ClassWeight = "none"
    parents: Mapping[Target, Mapping[str, str]] = field(default_factory=dict)
    drift: Literal["ignore", "follow"] = "ignore"
    newest: int | None = None


_FORMER_CLASS_WEIGHTS: Final = {"common": "none", "rare": "balanced"}
"""Values of `favour`, as `class_weight` was called in cards of version 0.1 → values of today."""


def read_stored_options(stored: Mapping[str, Any]) -> dict[str, Any]:
    """The `options` of a bundle's card by their names of today.

    >>> read_stored_options({"seed": 0, "favour": "rare"})
    {'seed': 0, 'class_weight': 'balanced'}
    """
    options = {name: value for name, value in stored.items() if name != "favour"}
    if "favour" in stored:
        options["class_weight"] = _FORMER_CLASS_WEIGHTS[stored["favour"]]
    return options
