"""Settings of the simulated desk. Shares are in [0, 1]; 0 or False switches a feature off."""

import math
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any

from deskyard.errors import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationSettings:
    """Settings of a simulated world. `world_seed` determines the desk (agents, requesters, how frequent each issue is),
    `seed` the tickets; another `seed` with the same `world_seed` gives new tickets from the same desk.

    Raises BadInput, with the name of the setting, for a share outside [0, 1] or a number that is too small.
    """

    seed: int = 1
    world_seed: int = 1
    start: datetime = datetime(2025, 1, 6, tzinfo=UTC)
    days: int = 182
    russian: float = 0.45
    other_languages: float = 0.15
    label_noise: float = 0.05
    misroutes: float = 0.08
    typos: float = 0.1
    html: float = 0.12
    quoted: float = 0.08
    signatures: float = 0.35
    near_copies: float = 0.04
    vague: float = 0.05
    ambiguous: float = 0.18
    distractions: float = 0.25
    burst: bool = True
    rename: bool = True

    def __post_init__(self) -> None:
        """Check the ranges of all settings."""
        for field in fields(self):
            value: Any = getattr(self, field.name)
            if isinstance(value, float) and not 0.0 <= value <= 1.0:
                raise BadInput(f"--{field.name.replace('_', '-')} is a share between 0 and 1, not {value:g}.")
        if self.russian + self.other_languages > 1.0 and not math.isclose(self.russian + self.other_languages, 1.0):
            raise BadInput("--russian and --other-languages together are more than 1; English takes the rest.")
        if self.days < 1:
            raise BadInput(f"--days must be 1 or more, not {self.days}.")
        if self.start.tzinfo is None:
            raise BadInput("The start of the history needs a time zone.")

    def to_json(self) -> dict[str, object]:
        """The settings as JSON values, for the side file."""
        return {**asdict(self), "start": self.start.isoformat()}
