"""Lists the bundles of the models folder by their cards, without opening the models.

Newest first, with the champion and the bundle that may replace it. Whether a bundle can be used is checked when it is
promoted.
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
"""The figures of a target's score by which two models are compared."""


@dataclass(frozen=True, slots=True)
class BundleSummary:
    """A bundle as its card describes it; `error` says why it can't be read, and then nothing else is known."""

    name: str
    digest: str = ""
    card: Mapping[str, Any] = field(default_factory=dict)
    made: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    has_report: bool = False

    @property
    def trained_at(self) -> str:
        """When it was trained, as ISO 8601; empty where that is not known."""
        return str(self.made.get("at", ""))

    @property
    def trained_time(self) -> datetime | None:
        """When it was trained; None where that is not known or has no time zone."""
        try:
            found = datetime.fromisoformat(self.trained_at)
        except ValueError:
            return None
        return found if found.tzinfo else None

    @property
    def targets(self) -> Mapping[Target, Mapping[str, Any]]:
        """The targets that it predicts, with their part of the card."""
        described: Mapping[Target, Mapping[str, Any]] = self.card.get("targets", {})
        return {target: described[target] for target in TARGETS if target in described}


@dataclass(frozen=True, slots=True)
class ScoreComparison:
    """One target of two models: each figure of the champion and of the challenger (0..1, None where it is missing), and
    their numbers of test tickets and of labels."""

    target: Target
    metrics: Mapping[str, tuple[float | None, float | None]]
    judged_tickets: tuple[int, int]
    label_counts: tuple[int, int]


def list_bundles(models: Path) -> list[BundleSummary]:
    """All bundles of the folder, newest first; broken ones last."""
    found = [_read_summary(manifest.parent) for manifest in models.glob(f"*/{MANIFEST_FILE}")]
    return sorted(found, key=lambda one: (not one.error, one.trained_at, one.name), reverse=True)


def find_champion(bundles: Sequence[BundleSummary], active: ActiveModel | None) -> BundleSummary | None:
    """The bundle in use; None where there is none, or its folder holds another one by now."""
    return next((one for one in bundles if active and (one.name, one.digest) == (active.name, active.digest)), None)


def find_challenger(
    bundles: Sequence[BundleSummary], champion: BundleSummary | None, digest: str = ""
) -> BundleSummary | None:
    """The bundle with this digest; without a digest or such a bundle, the newest one that was trained after the
    champion; None where there is none."""
    others = [one for one in bundles if not one.error and one is not champion]
    named = (one for one in others if digest and one.digest == digest)
    return next(named, next((one for one in others if champion is None or one.trained_at >= champion.trained_at), None))


def compare_scores(champion: BundleSummary | None, challenger: BundleSummary | None) -> list[ScoreComparison]:
    """The comparison of every target that either model predicts."""
    first, second = (one.targets if one else {} for one in (champion, challenger))
    targets = [target for target in TARGETS if target in first or target in second]
    return [_compare_target(target, first.get(target, {}), second.get(target, {})) for target in targets]


def is_judged_alike(one: BundleSummary, other: BundleSummary) -> bool:
    """Whether both were tested on the same tickets; otherwise a small difference means little."""
    return _judged_on(one) == _judged_on(other)


def _judged_on(one: BundleSummary) -> tuple[Any, ...]:
    test_set = one.card.get("judged_on", {})
    return one.card.get("learnt_from", {}).get("digest"), test_set.get("how"), test_set.get("digest")


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
