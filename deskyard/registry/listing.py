"""The shelf: every bundle in the folder of models, told by its card, without opening the models themselves.

In come the folder and the row of the model in use; out go cards, the newest first, and which of them wants the
champion's place. Whether a bundle can really be used is found out when it is promoted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from deskyard.domain.ticket import TARGETS, Target
from deskyard.errors import BundleError
from deskyard.registry import bundle
from deskyard.registry.active_model import Active
from deskyard.registry.bundle_files import MANIFEST

REPORT: Final = "report.html"
FIGURES: Final = ("accuracy", "top3", "macro_f1", "coverage", "precision", "precision_lower95")
"""Of a target's score, what two models are compared by."""


@dataclass(frozen=True, slots=True)
class Shelved:
    """A bundle as its card tells it; `trouble` says why it can't be read, and then nothing else is known."""

    name: str
    digest: str = ""
    card: Mapping[str, Any] = field(default_factory=dict)
    made: Mapping[str, Any] = field(default_factory=dict)
    trouble: str = ""
    reported: bool = False

    @property
    def at(self) -> str:
        """When it was trained, as ISO 8601; empty where nobody said."""
        return str(self.made.get("at", ""))

    @property
    def moment(self) -> datetime | None:
        """The same as a moment; None for what is none."""
        try:
            found = datetime.fromisoformat(self.at)
        except ValueError:
            return None
        return found if found.tzinfo else None

    @property
    def targets(self) -> Mapping[Target, Mapping[str, Any]]:
        """What it predicts, with what its card says of each."""
        told: Mapping[Target, Mapping[str, Any]] = self.card.get("targets", {})
        return {target: told[target] for target in TARGETS if target in told}


@dataclass(frozen=True, slots=True)
class Beside:
    """One target of two models side by side: each figure of the champion's and of the challenger's (0..1, None where it
    was not judged), and how many tickets judged each."""

    target: Target
    figures: Mapping[str, tuple[float | None, float | None]]
    judged: tuple[int, int]
    labels: tuple[int, int]


def shelved(models: Path) -> list[Shelved]:
    """Every bundle of the folder, the newest first; broken ones last."""
    found = [_read(manifest.parent) for manifest in models.glob(f"*/{MANIFEST}")]
    return sorted(found, key=lambda one: (not one.trouble, one.at, one.name), reverse=True)


def in_use(shelf: Sequence[Shelved], now: Active | None) -> Shelved | None:
    """The bundle in use; None where there is none, or its folder holds another by now."""
    return next((one for one in shelf if now and (one.name, one.digest) == (now.name, now.digest)), None)


def challenger(shelf: Sequence[Shelved], champion: Shelved | None, named: str = "") -> Shelved | None:
    """The bundle with the digest `named`; without one, the newest that is not in use and was made after the champion;
    None where there is none."""
    others = [one for one in shelf if not one.trouble and one is not champion]
    asked = (one for one in others if named and one.digest == named)
    return next(asked, next((one for one in others if champion is None or one.at >= champion.at), None))


def beside(champion: Shelved | None, other: Shelved | None) -> list[Beside]:
    """Every target that either predicts."""
    first, second = (one.targets if one else {} for one in (champion, other))
    both = [target for target in TARGETS if target in first or target in second]
    return [_beside(target, first.get(target, {}), second.get(target, {})) for target in both]


def judged_alike(one: Shelved, other: Shelved) -> bool:
    """Whether both were judged on the same tickets; else a small difference says little."""
    return _judged_on(one) == _judged_on(other)


def _judged_on(one: Shelved) -> tuple[Any, ...]:
    judged = one.card.get("judged_on", {})
    return one.card.get("learnt_from", {}).get("digest"), judged.get("how"), judged.get("digest")


def _beside(target: Target, first: Mapping[str, Any], second: Mapping[str, Any]) -> Beside:
    scores = [one.get("score") or {} for one in (first, second)]
    return Beside(
        target,
        {name: (scores[0].get(name), scores[1].get(name)) for name in FIGURES},
        (scores[0].get("n", 0), scores[1].get("n", 0)),
        (len(first.get("labels", ())), len(second.get("labels", ()))),
    )


def _read(folder: Path) -> Shelved:
    try:
        digest, card, made = bundle.peek(folder)
    except BundleError as error:
        return Shelved(folder.name, trouble=str(error))
    return Shelved(folder.name, digest, card, made, reported=(folder / REPORT).is_file())
