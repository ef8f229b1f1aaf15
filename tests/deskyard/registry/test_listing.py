"""Every bundle by its card: which is in use, which wants its place, and how the two compare."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from deskyard.registry import bundle, listing
from deskyard.registry.active_model import ActiveModel
from deskyard.registry.bundle_files import MANIFEST_FILE


@pytest.fixture
def models(tmp_path, made):
    """Three bundles, made in this order: old, used, young."""
    card = made.card | {"targets": {"queue": {"labels": ["IT"], "score": {"accuracy": 0.8, "n": 40}}}}
    for hour, name in enumerate(("old", "used", "young")):
        expected = {"at": f"2026-11-23T{hour:02}:00:00+00:00"}
        bundle.save_bundle(tmp_path / name, made.scorer, made.evidence, card | {"n": hour}, expected)
    return tmp_path


def using(models, name):
    digest = bundle.read_manifest_and_card(models / name)[0]
    return ActiveModel(1, datetime.now(UTC), "ann", name, digest)


def test_bundles_come_newest_first_and_broken_ones_last(models):
    (models / "young" / MANIFEST_FILE).write_text("{}")
    found = listing.list_bundles(models)
    assert [one.name for one in found] == ["used", "old", "young"]
    assert "not as it was saved" in found[-1].error
    assert found[-1].targets == {}


def test_the_challenger_is_the_newest_that_was_made_after_the_champion(models):
    kept = listing.list_bundles(models)
    champion = listing.find_champion(kept, using(models, "used"))
    assert champion.name == "used"
    assert listing.find_challenger(kept, champion).name == "young"
    newest = listing.find_champion(kept, using(models, "young"))
    assert listing.find_challenger(kept, newest) is None


def test_a_broken_bundle_challenges_nobody(models):
    (next((models / "young").glob("*/card.json"))).write_text("{}")
    kept = listing.list_bundles(models)
    assert listing.find_challenger(kept, listing.find_champion(kept, using(models, "used"))) is None


def test_another_bundle_under_the_same_name_is_not_the_one_in_use(models):
    assert listing.find_champion(listing.list_bundles(models), replace(using(models, "used"), digest="0" * 64)) is None


def test_a_bundle_that_misses_a_file_is_told_as_broken(models):
    next((models / "used").glob("*/coef.npy")).unlink()
    assert "missing" in next(one.error for one in listing.list_bundles(models) if one.name == "used")


def test_figures_stand_side_by_side_and_what_was_not_judged_is_no_nought(models):
    first, second = listing.list_bundles(models)[:2]
    (row,) = listing.compare_scores(first, second)
    assert row.target == "queue"
    assert row.metrics["accuracy"] == (0.8, 0.8)
    assert row.metrics["coverage"] == (None, None)
    assert row.judged_tickets == (40, 40)
    assert listing.compare_scores(first, None)[0].metrics["accuracy"] == (0.8, None)
    assert listing.compare_scores(None, None) == []


def test_a_folder_without_bundles_is_an_empty_shelf(tmp_path):
    assert listing.list_bundles(tmp_path) == []
    assert listing.find_challenger([], None) is None
