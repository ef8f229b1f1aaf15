"""Bundles whose files are as they were saved and which are of no use all the same: none is ever put in use."""

import json
import shutil

import numpy as np
import pytest

from deskyard.errors import BundleBroken, BundleMissing
from deskyard.registry import listing
from deskyard.registry.bundle_files import MANIFEST_FILE
from deskyard.registry.usability import check_here, check_usable
from tests.deskyard.registry.test_bundle import seal


@pytest.fixture
def saved(champion, tmp_path):
    """A copy of the small bundle, to be broken."""
    return shutil.copytree(champion / "models" / "tiny", tmp_path / "models" / "tiny")


def change(folder, name, edit):
    """Write an array or document of the bundle anew, under a right seal."""
    (path,) = folder.glob(f"*/{name}")
    if name.endswith(".npy"):
        np.save(path, edit(np.load(path)))
    else:
        path.write_text(json.dumps(edit(json.loads(path.read_text("utf-8")))), "utf-8")
    seal(folder)


def first(value):
    def edit(array):
        array = array.copy()
        array.flat[0] = value
        return array

    return edit


def edit_head(**changes):
    return lambda heads: [heads[0] | changes, *heads[1:]]


HARMS = {
    "weights that are no numbers": ("coef.npy", first(np.nan), "coef has numbers that are not finite"),
    "an endless intercept": ("intercept.npy", first(np.inf), "intercept has numbers that are not finite"),
    "too few rows of weights": ("coef.npy", lambda array: array[:-1], "its weights are not"),
    "too few intercepts": ("intercept.npy", lambda array: array[:-1], "its weights are not"),
    "tickets that it does not hold": ("memory_tickets.npy", first(10**6), "memory names tickets"),
    "tickets before the first": ("memory_tickets.npy", first(-5), "memory names tickets"),
    "columns out of order": ("memory_indptr.npy", first(7), "out of order|can't"),
    "labels that it does not have": ("queue_remembered.npy", first(99), "does not fit its labels"),
    "a repeated label": ("heads.json", edit_head(labels=["a", "a"]), "empty or repeated|its weights"),
    "a label of another kind": ("heads.json", edit_head(labels=[1, 2]), "empty or repeated|its weights|can't"),
    "an unknown target": ("heads.json", edit_head(target="colour"), "predicts|can't read"),
    "a pool of words": ("heads.json", edit_head(pool=["x"]), "fails on a ticket"),
    "a pool that is no number": ("heads.json", edit_head(pool=[float("nan")] * 3), "not finite|can't"),
    "evidence of another shape": ("queue_evidence.npy", lambda array: np.zeros(3), "fails on a ticket|can't"),
}


@pytest.mark.parametrize("harm", HARMS)
def test_what_can_not_be_used_is_refused_with_the_reason(saved, harm):
    name, edit, reason = HARMS[harm]
    change(saved, name, edit)
    with pytest.raises(BundleBroken, match=reason):
        check_here(saved)


def test_what_ends_the_process_that_opens_it_ends_no_other(saved, monkeypatch):
    change(saved, "coef.npy", first(np.nan))
    with pytest.raises(BundleBroken, match="can't be used: coef has numbers that are not finite"):
        check_usable(saved)
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(BundleBroken, match="ends the process that opens it"):
        check_usable(saved)


def test_a_good_bundle_is_usable_and_a_missing_one_is_missing(saved, tmp_path):
    check_usable(saved)
    with pytest.raises(BundleMissing):
        check_usable(tmp_path / "nowhere")


def test_tickets_without_a_label_of_a_target_are_no_harm(saved):
    change(saved, "queue_remembered.npy", first(-2))
    check_usable(saved)


@pytest.mark.parametrize("name", ["..", "../../elsewhere", "/etc", "", 3, None])
def test_a_manifest_that_names_other_folders_is_refused(saved, name):
    content = json.loads((saved / MANIFEST_FILE).read_text("utf-8"))["folder"]
    seal(saved, folder=name)
    with pytest.raises(BundleBroken):
        check_usable(saved)
    assert (saved / content).is_dir()


def test_a_manifest_that_names_other_files_is_refused(saved):
    seal(saved, files={"../../secret.txt": "0" * 64})
    with pytest.raises(BundleBroken, match="outside of it"):
        check_usable(saved)


@pytest.mark.parametrize("card", [[], {"targets": []}, {"targets": {"queue": 3}}, {"targets": {}, "judged_on": "x"}])
def test_a_bad_folder_spoils_its_own_row_alone(saved, card):
    shutil.copytree(saved, saved.parent / "good")
    change(saved, "card.json", lambda _: card)
    found = {one.name: one.error for one in listing.list_bundles(saved.parent)}
    assert "model card" in found["tiny"], found
    assert found["good"] == ""


def test_a_folder_in_place_of_a_file_spoils_its_own_row_alone(saved):
    shutil.copytree(saved, saved.parent / "good")
    (saved / MANIFEST_FILE).unlink()
    (saved / MANIFEST_FILE).mkdir()
    assert [(one.name, bool(one.error)) for one in listing.list_bundles(saved.parent)] == [
        ("good", False),
        ("tiny", True),
    ]
