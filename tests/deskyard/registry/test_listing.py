"""Every bundle by its card: which is in use, which wants its place, and how the two compare."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from deskyard.registry import bundle, listing
from deskyard.registry.active_model import Active
from deskyard.registry.bundle_files import MANIFEST


@pytest.fixture
def models(tmp_path, made):
    """Three bundles, made in this order: old, used, young."""
    card = made.card | {"targets": {"queue": {"labels": ["IT"], "score": {"accuracy": 0.8, "n": 40}}}}
    for hour, name in enumerate(("old", "used", "young")):
        told = {"at": f"2026-11-23T{hour:02}:00:00+00:00"}
        bundle.save(tmp_path / name, made.scorer, made.evidence, card | {"n": hour}, told)
    return tmp_path


def using(models, name):
    digest = bundle.peek(models / name)[0]
    return Active(1, datetime.now(UTC), "ann", name, digest)


def test_bundles_come_newest_first_and_broken_ones_last(models):
    (models / "young" / MANIFEST).write_text("{}")
    found = listing.shelved(models)
    assert [one.name for one in found] == ["used", "old", "young"]
    assert "not what was saved" in found[-1].trouble
    assert found[-1].targets == {}


def test_the_challenger_is_the_newest_that_was_made_after_the_champion(models):
    kept = listing.shelved(models)
    champion = listing.in_use(kept, using(models, "used"))
    assert champion.name == "used"
    assert listing.challenger(kept, champion).name == "young"
    newest = listing.in_use(kept, using(models, "young"))
    assert listing.challenger(kept, newest) is None


def test_a_broken_bundle_challenges_nobody(models):
    (next((models / "young").glob("*/card.json"))).write_text("{}")
    kept = listing.shelved(models)
    assert listing.challenger(kept, listing.in_use(kept, using(models, "used"))) is None


def test_another_bundle_under_the_same_name_is_not_the_one_in_use(models):
    assert listing.in_use(listing.shelved(models), replace(using(models, "used"), digest="0" * 64)) is None


def test_a_bundle_that_misses_a_file_is_told_as_broken(models):
    next((models / "used").glob("*/coef.npy")).unlink()
    assert "missing" in next(one.trouble for one in listing.shelved(models) if one.name == "used")


def test_figures_stand_side_by_side_and_what_was_not_judged_is_no_nought(models):
    first, second = listing.shelved(models)[:2]
    (row,) = listing.beside(first, second)
    assert row.target == "queue"
    assert row.figures["accuracy"] == (0.8, 0.8)
    assert row.figures["coverage"] == (None, None)
    assert row.judged == (40, 40)
    assert listing.beside(first, None)[0].figures["accuracy"] == (0.8, None)
    assert listing.beside(None, None) == []


def test_a_folder_without_bundles_is_an_empty_shelf(tmp_path):
    assert listing.shelved(tmp_path) == []
    assert listing.challenger([], None) is None
