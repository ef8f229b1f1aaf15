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
from deskyard.registry.active_model import ActiveModel
from deskyard.registry.bundle_files import MANIFEST_FILE

REPORT_FILE: Final = "report.html"
COMPARED_METRICS: Final = ("accuracy", "top3", "macro_f1", "coverage", "precision", "precision_lower95")
"""Of a target's score, what two models are compared by."""


@dataclass(frozen=True, slots=True)
class BundleSummary:
    """A bundle as its card tells it; `trouble` says why it can't be read, and then nothing else is known."""

    name: str
    digest: str = ""
    card: Mapping[str, Any] = field(default_factory=dict)
    made: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    has_report: bool = False

    @property
    def trained_at(self) -> str:
        """When it was trained, as ISO 8601; empty where nobody said."""
        return str(self.made.get("at", ""))

    @property
    def trained_time(self) -> datetime | None:
        """The same as a moment; None for what is none."""
        try:
            found = datetime.fromisoformat(self.trained_at)
        except ValueError:
            return None
        return found if found.tzinfo else None

    @property
    def targets(self) -> Mapping[Target, Mapping[str, Any]]:
        """What it predicts, with what its card says of each."""
        told: Mapping[Target, Mapping[str, Any]] = self.card.get("targets", {})
        return {target: told[target] for target in TARGETS if target in told}


@dataclass(frozen=True, slots=True)
class ScoreComparison:
    """One target of two models side by side: each figure of the champion's and of the challenger's (0..1, None where it
    was not judged), and how many tickets judged each."""

    target: Target
    metrics: Mapping[str, tuple[float | None, float | None]]
    judged_tickets: tuple[int, int]
    label_counts: tuple[int, int]


def list_bundles(models: Path) -> list[BundleSummary]:
    """Every bundle of the folder, the newest first; broken ones last."""
    found = [_read_summary(manifest.parent) for manifest in models.glob(f"*/{MANIFEST_FILE}")]
    return sorted(found, key=lambda one: (not one.error, one.trained_at, one.name), reverse=True)


def find_champion(bundles: Sequence[BundleSummary], active: ActiveModel | None) -> BundleSummary | None:
    """The bundle in use; None where there is none, or its folder holds another by now."""
    return next((one for one in bundles if active and (one.name, one.digest) == (active.name, active.digest)), None)


def find_challenger(
    bundles: Sequence[BundleSummary], champion: BundleSummary | None, digest: str = ""
) -> BundleSummary | None:
    """The bundle with the digest `named`; without one, the newest that is not in use and was made after the champion;
    None where there is none."""
    others = [one for one in bundles if not one.error and one is not champion]
    asked = (one for one in others if digest and one.digest == digest)
    return next(asked, next((one for one in others if champion is None or one.trained_at >= champion.trained_at), None))


def compare_scores(champion: BundleSummary | None, challenger: BundleSummary | None) -> list[ScoreComparison]:
    """Every target that either predicts."""
    first, second = (one.targets if one else {} for one in (champion, challenger))
    both = [target for target in TARGETS if target in first or target in second]
    return [_compare_target(target, first.get(target, {}), second.get(target, {})) for target in both]


def is_judged_alike(one: BundleSummary, other: BundleSummary) -> bool:
    """Whether both were judged on the same tickets; else a small difference says little."""
    return _judged_on(one) == _judged_on(other)


def _judged_on(one: BundleSummary) -> tuple[Any, ...]:
    judged = one.card.get("judged_on", {})
    return one.card.get("learnt_from", {}).get("digest"), judged.get("how"), judged.get("digest")


def _compare_target(target: Target, first: Mapping[str, Any], second: Mapping[str, Any]) -> ScoreComparison:
    scores = [one.get("score") or {} for one in (first, second)]
    return ScoreComparison(
        target,
        {name: (scores[0].get(name), scores[1].get(name)) for name in COMPARED_METRICS},
        (scores[0].get("n", 0), scores[1].get("n", 0)),
        (len(first.get("labels", ())), len(second.get("labels", ()))),
    )


def _read_summary(folder: Path) -> BundleSummary:
    try:
        digest, card, made = bundle.read_manifest_and_card(folder)
    except BundleError as error:
        return BundleSummary(folder.name, error=str(error))
    return BundleSummary(folder.name, digest, card, made, has_report=(folder / REPORT_FILE).is_file())
