"""A bundle is there whole or not at all: nothing broken is used, nothing killed is lost, nothing in it runs."""

import hashlib
import json
import os
import pickle
import random
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deskyard import atomic_files
from deskyard.domain.ticket import Ticket
from deskyard.errors import BadInput, BundleBroken, BundleMissing
from deskyard.registry import bundle
from deskyard.registry.bundle_files import FORMAT_VERSION, MANIFEST_FILE, compute_seal, to_canonical_json

TICKET = Ticket(id="1", subject="the vpn client drops the connection")


@pytest.fixture
def saved(champion, tmp_path) -> Path:
    """A copy of the small bundle, to be broken."""
    return shutil.copytree(champion / "models" / "tiny", tmp_path / "tiny")


def content(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def assert_refused(folder: Path, error=BundleBroken) -> None:
    with pytest.raises(error) as caught:
        bundle.load_bundle(folder)
    result = str(caught.value)
    assert result.endswith(".")
    assert any(advice in result for advice in ("rain again", "restore the folder", "train one"))


def seal(folder: Path, /, **changes) -> None:
    """Make the manifest fit what is in the folder, as somebody would who wants to be let in."""
    manifest = json.loads((folder / MANIFEST_FILE).read_text("utf-8"))
    del manifest["seal"]
    home = folder / manifest["folder"]
    manifest["files"] = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in home.iterdir()}
    manifest |= changes
    manifest["seal"] = compute_seal(manifest)
    (folder / MANIFEST_FILE).write_bytes(to_canonical_json(manifest))


def test_a_byte_flipped_in_any_file_is_refused(saved):
    rng = random.Random(1)
    files = content(saved)
    assert len(files) > 15
    for path in files:
        whole = path.read_bytes()
        places = range(0, len(whole), max(len(whole) // 60, 1)) if path.name == MANIFEST_FILE else ()
        for place in {0, len(whole) - 1, rng.randrange(len(whole)), *places}:
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << rng.randrange(8)]) + whole[place + 1 :])
            assert_refused(saved)
        path.write_bytes(whole)
    assert bundle.load_bundle(saved).predict([TICKET])


def test_a_file_that_is_truncated_grown_or_missing_is_refused(saved):
    for path in content(saved):
        whole = path.read_bytes()
        for harmed in (whole[:-1], whole[: len(whole) // 2], b"", whole + b"\n"):
            path.write_bytes(harmed)
            assert_refused(saved)
        path.unlink()
        assert_refused(saved, BundleMissing if path.name == MANIFEST_FILE else BundleBroken)
        path.write_bytes(whole)
    assert bundle.load_bundle(saved).predict([TICKET])


PLAIN = st.none() | st.booleans() | st.integers() | st.text(max_size=9)
KEYS = st.sampled_from(["seal", "files", "folder", "format", "digest"])
JSON = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner), max_leaves=6)


@pytest.fixture(scope="module")
def strange(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("strange")


@given(JSON.map(json.dumps).map(str.encode) | st.binary(max_size=200))
@example(b"[" * 100_000)
@settings(max_examples=80)
def test_any_other_manifest_is_refused(strange, raw):
    (strange / MANIFEST_FILE).write_bytes(raw)
    assert_refused(strange)


class Bomb:
    """What a pickle would do on being loaded."""

    def __reduce__(self):
        return os.mkdir, ("exploded",)


@pytest.mark.parametrize("harm", ["object array", "pickle", "text", "another shape", "no labels"])
def test_a_file_that_was_never_saved_so_is_refused_and_runs_nothing_even_under_a_right_seal(
    saved, harm, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    home = next(path for path in saved.iterdir() if path.is_dir())
    if harm == "object array":
        np.save(home / "idf.npy", np.array([Bomb()], dtype=object), allow_pickle=True)
    elif harm == "pickle":
        (home / "idf.npy").write_bytes(pickle.dumps(Bomb()))
    elif harm == "text":
        (home / "columns.json").write_bytes(b"[]")
    elif harm == "another shape":
        np.save(home / "memory_indptr.npy", np.arange(3, dtype=np.int32))
    else:
        (home / "heads.json").write_text(json.dumps([{"target": "queue"}]), "utf-8")
    seal(saved)
    assert_refused(saved)
    assert not (tmp_path / "exploded").exists()
    if harm == "object array":
        np.load(home / "idf.npy", allow_pickle=True)  # so would it have gone
        assert (tmp_path / "exploded").exists()


@pytest.mark.parametrize("newer", [-1, 1])
def test_a_bundle_of_another_format_says_so(saved, newer):
    seal(saved, format=FORMAT_VERSION + newer)
    with pytest.raises(BundleBroken, match=r"this deskyard reads format 4\. Train again"):
        bundle.load_bundle(saved)


def test_what_is_not_there_is_missing_and_says_what_to_do(tmp_path):
    (tmp_path / "file").write_text("x")
    for place in (tmp_path, tmp_path / "nowhere", tmp_path / "file"):
        assert_refused(place, BundleMissing)
    with pytest.raises(BundleMissing, match="deskyard train"):
        bundle.find_bundle(tmp_path)


def test_saving_the_same_twice_changes_no_byte_of_the_content(made, tmp_path):
    first = bundle.save_bundle(tmp_path / "b", *made, {"at": "Monday"})
    before = {path: path.read_bytes() for path in content(tmp_path / "b")}
    second = bundle.save_bundle(tmp_path / "b", *made, {"at": "Monday"})
    assert first == second == bundle.load_bundle(tmp_path / "b").digest
    assert {path: path.read_bytes() for path in content(tmp_path / "b")} == before


def test_when_and_where_it_was_made_is_kept_and_does_not_change_the_digest(made, tmp_path):
    first = bundle.save_bundle(tmp_path / "a", *made, {"at": "Monday", "on": "this machine"})
    second = bundle.save_bundle(tmp_path / "b", *made, {"at": "Friday"})
    assert first == second
    assert bundle.load_bundle(tmp_path / "a").build_info == {"at": "Monday", "on": "this machine"}
    assert bundle.load_bundle(tmp_path / "b").build_info == {"at": "Friday"}
    assert bundle.save_bundle(tmp_path / "a", made.scorer, made.evidence, made.card | {"note": "x"}, {}) != first


def test_a_content_that_was_damaged_is_mended_by_saving_again(made, saved):
    victim = next(saved.rglob("coef.npy"))
    victim.write_bytes(b"rust")
    bundle.save_bundle(saved, *made, {})
    assert bundle.load_bundle(saved).predict([TICKET])


def test_a_new_bundle_replaces_the_old_and_sweeps_what_is_left_over(made, saved):
    old = next(path for path in saved.iterdir() if path.is_dir())
    for name, age in ((".saving-dead", 2 * bundle.STALE_SECONDS), (".saving-alive", 60)):
        (saved / name).mkdir()
        os.utime(saved / name, (time.time() - age,) * 2)
    (saved / "notes.txt").write_text("mine")
    digest = bundle.save_bundle(saved, made.scorer, made.evidence, made.card | {"note": "new"}, {})
    assert {path.name for path in saved.iterdir()} == {MANIFEST_FILE, digest[:16], ".saving-alive", "notes.txt"}
    assert not old.exists()
    assert bundle.load_bundle(saved).card["note"] == "new"


def test_an_unfinished_file_of_a_killed_process_is_swept_too(made, saved):
    torn = saved / f"{atomic_files.TEMPORARY_PREFIX}torn"
    torn.write_bytes(b"half a manifest")
    os.utime(torn, (time.time() - 2 * bundle.STALE_SECONDS,) * 2)
    bundle.save_bundle(saved, *made, {})
    assert not torn.exists()


@pytest.mark.parametrize("stranger", ["thesis.docx", "src/main.py", "manifest.json"])
def test_a_folder_that_holds_something_else_is_left_alone(made, tmp_path, stranger):
    theirs = tmp_path / "theirs" / stranger
    theirs.parent.mkdir(parents=True)
    theirs.write_text("mine")
    with pytest.raises(BadInput, match="name a new or empty folder"):
        bundle.save_bundle(tmp_path / "theirs", *made, {})
    assert content(tmp_path / "theirs") == [theirs]
    assert theirs.read_text() == "mine"


@pytest.mark.parametrize("place", ["file", "file/inside", "/proc/nothing/here"])
def test_a_place_that_cannot_be_written_is_a_sentence(made, tmp_path, place):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(BadInput, match=r"\w+"):
        bundle.save_bundle(tmp_path / place, *made, {})
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("name", ["../elsewhere", "a/b", "", "."])
def test_a_champions_name_leads_nowhere_else(tmp_path, name):
    (tmp_path / bundle.CHAMPION_FILE).write_text(name)
    with pytest.raises(BundleBroken, match="name of one bundle beside it"):
        bundle.champion_folder(tmp_path)


def test_the_champion_is_changed_in_one_step_and_found_by_name_or_path(champion, tmp_path):
    models = shutil.copytree(champion / "models", tmp_path / "models")
    assert bundle.find_bundle(models) == bundle.find_bundle(models, "tiny") == models / "tiny"
    assert bundle.find_bundle(models, str(models / "tiny")) == models / "tiny"
    bundle.set_champion(models, "next")
    assert bundle.champion_folder(models) == models / "next"
    assert [path.name for path in models.iterdir() if path.name.startswith(atomic_files.TEMPORARY_PREFIX)] == []


def test_evidence_is_kept_to_the_bit_and_contracts_are_drawn_up_from_it(made, champion):
    loaded = bundle.load_bundle(champion / "models" / "tiny")
    for target, rows in made.evidence.items():
        assert (loaded.evidence[target] == rows).all()
        assert loaded.contracts()[target] == bundle.fit_contract(target, rows, loaded.labels(target), 0.95)
    assert loaded.contracts(0.9) is loaded.contracts(0.9)
    assert loaded.contracts(0.9, 0.01) is not loaded.contracts(0.9)
    assert loaded.contracts(0.99)["queue"].required_precision == 0.99


def test_parents_that_were_said_come_back_and_belong_to_the_digest(made, tmp_path):
    plain = bundle.save_bundle(tmp_path / "plain", *made, {})
    queue = made.scorer.heads["queue"]
    result = {queue.labels[0]: "Office", queue.labels[1]: "Office"}
    heads = {**made.scorer.heads, "queue": replace(queue, stated_parents=result)}
    digest = bundle.save_bundle(tmp_path / "said", replace(made.scorer, heads=heads), made.evidence, made.card, {})
    assert digest != plain
    assert digest == bundle.save_bundle(
        tmp_path / "again", replace(made.scorer, heads=heads), made.evidence, made.card, {}
    )
    heads_of = {
        name: json.loads(next((tmp_path / name).glob("*/heads.json")).read_text()) for name in ("plain", "said")
    }
    assert ["parents" in head for head in heads_of["plain"]] == [False, False, False]
    loaded = bundle.load_bundle(tmp_path / "said").scorer.heads["queue"]
    assert loaded.stated_parents == result
    assert loaded.parents.names == tuple(sorted(("Office", queue.labels[2])))
    assert bundle.load_bundle(tmp_path / "plain").scorer.heads["queue"].parents is None


KILLED = """
import json, os, random, signal, sys, time
from pathlib import Path
from deskyard.registry import bundle

folder = Path(sys.argv[1])
old = bundle.load_bundle(folder)
parts = old.scorer, old.evidence
PLACE = str(folder)
EVENTS = ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree")

def child(step, note):
    # Save, and be killed at that touch of the disk (0: never).
    steps = 0
    def watch(event, args):
        nonlocal steps
        if event in EVENTS and PLACE in str(args[0]):
            steps += 1
            if steps == step:
                os.kill(os.getpid(), signal.SIGKILL)
    if step:
        sys.addaudithook(watch)
    bundle.save_bundle(folder, *parts, old.card | {"note": note}, {})
    os._exit(0)

def round(step, delay):
    note = f"{step} {delay}"
    before = bundle.load_bundle(folder).digest
    pid = os.fork()
    if not pid:
        child(step, note)
    if delay is not None:
        time.sleep(delay)
        os.kill(pid, signal.SIGKILL)
    killed = os.WIFSIGNALED(os.waitpid(pid, 0)[1])
    after = bundle.load_bundle(folder)
    new = after.card.get("note") == note
    assert new or after.digest == before, note
    assert new or killed, note
    return killed, new

counted = [(True, None)]
for step in range(1, 500):
    if not counted[-1][0]:
        break
    counted.append(round(step, None))
rng = random.Random(5)
for _ in range(12):
    counted.append(round(0, rng.uniform(0, 0.06)))
print(json.dumps(counted[1:]))
"""


def test_a_process_killed_while_saving_leaves_the_old_bundle_or_the_new_one_whole(saved, made):
    done = subprocess.run([sys.executable, "-c", KILLED, str(saved)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rounds = json.loads(done.stdout)
    killed = [new for was_killed, new in rounds if was_killed]
    assert len(killed) > 50
    assert {True, False} == set(killed)
    left = list(saved.glob(f"{atomic_files.TEMPORARY_PREFIX}*"))
    assert left
    for path in left:
        os.utime(path, (time.time() - 2 * bundle.STALE_SECONDS,) * 2)
    bundle.save_bundle(saved, *made, {})
    assert len(list(saved.iterdir())) == 2
    assert bundle.load_bundle(saved).predict([TICKET])


def test_a_first_save_that_was_killed_can_be_done_again(made, tmp_path):
    folder = tmp_path / "b"
    bundle.save_bundle(folder, *made, {})
    (folder / MANIFEST_FILE).unlink()  # killed before the manifest: content is there, the door is not
    (folder / ".saving-x").mkdir()
    assert_refused(folder, BundleMissing)
    bundle.save_bundle(folder, *made, {})
    assert bundle.load_bundle(folder).predict([TICKET])
