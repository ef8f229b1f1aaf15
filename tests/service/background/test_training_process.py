"""Training in a process of its own: one at a time, told how far, cancelled, and what came of it."""

import json
import os
import time

import pytest

from deskyard.errors import BadInput, StoreConflict
from deskyard.settings import Settings
from deskyard.simulate.ground_truth import write_history
from deskyard.simulate.world import SimulatedWorld
from service.background import training_process as module
from service.background.training_process import DESK, TrainingProcess


@pytest.fixture
def learning(tmp_path, monkeypatch):
    """Runs that give way to nobody: two busy workers beside them would starve them."""
    monkeypatch.setattr(module, "NICENESS", 0)
    found = TrainingProcess(Settings(home=tmp_path))
    yield found
    found.cancel()
    until(lambda: not found._is_running())


def until(holds, seconds=300):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def ended(learning):
    until(lambda: (run := learning.look()) is not None and run.state != "running")
    return learning.look()


def history(home, tickets=300):
    write_history(SimulatedWorld(seed=3), tickets, home / "past.csv")


def test_before_the_first_run_there_is_nothing_to_look_at(learning):
    assert learning.look() is None
    learning.cancel()


def test_a_run_tells_how_far_it_is_and_ends_with_a_bundle(learning, tmp_path):
    history(tmp_path)
    learning.start("past.csv", 0.8, "quick", "ann")
    assert learning.look().state == "running"
    seen = set()

    def over():
        run = learning.look()
        seen.add(run.step)
        return run.state != "running"

    until(over)
    run = learning.look()
    assert (run.state, run.by, run.source) == ("done", "ann", "past.csv")
    assert {"reading tickets", "learning"} <= seen
    assert (tmp_path / "models" / run.bundle / "report.html").is_file()
    assert run.champion  # the first


def test_only_one_runs_at_a_time_whoever_asks(learning, tmp_path):
    history(tmp_path)
    learning.start("past.csv", 0.8, "normal", "ann")
    with pytest.raises(StoreConflict):
        TrainingProcess(Settings(home=tmp_path)).start("past.csv", 0.8, "quick", "bob")
    assert TrainingProcess(Settings(home=tmp_path)).newest_run().started_by == "ann"


def test_a_cancelled_run_is_over_and_leaves_no_bundle(learning, tmp_path):
    history(tmp_path)
    learning.start("past.csv", 0.8, "thorough", "ann")
    until(lambda: learning.look().step)
    learning.cancel()
    assert ended(learning).state == "cancelled"
    assert not list(tmp_path.glob("models/*/manifest.json"))
    learning.start("past.csv", 0.8, "quick", "bob")
    assert learning.look().by == "bob"


def test_it_is_nicer_than_the_service(learning, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "NICENESS", 10)
    history(tmp_path)
    learning.start("past.csv", 0.8, "normal", "ann")
    number = json.loads((learning.folder / "run.json").read_text())["pid"]
    assert os.getpriority(os.PRIO_PROCESS, number) == os.getpriority(os.PRIO_PROCESS, 0) + 10


def test_what_went_wrong_is_said_in_its_own_words(learning, tmp_path):
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
    learning.start("bad.csv", 0.8, "quick", "ann")
    run = ended(learning)
    assert run.state == "failed"
    assert "bad.csv" in run.said
    assert "Traceback" not in run.said


def test_a_desk_without_solved_tickets_says_that_there_is_nothing_to_learn(learning, tmp_path):
    learning.start(DESK, 0.8, "quick", "ann")
    run = ended(learning)
    assert run.state == "failed"
    assert run.said
    assert not list(tmp_path.glob(".history-*"))


@pytest.mark.parametrize("source", ["../secret.csv", "/etc/passwd", "none.csv", "models"])
def test_only_histories_of_the_home_can_be_learnt_from(learning, source):
    with pytest.raises(BadInput):
        learning.start(source, 0.8, "quick", "ann")


@pytest.mark.parametrize(("precision", "effort"), [(0.2, "quick"), (1.0, "quick"), (0.9, "--champion")])
def test_what_is_no_effort_and_no_precision_is_refused(learning, precision, effort):
    with pytest.raises(BadInput):
        learning.start(DESK, precision, effort, "ann")


def test_the_newest_histories_are_offered_first_and_what_runs_leave_is_not(learning, tmp_path):
    (tmp_path / "more").mkdir()
    learning.folder.mkdir()
    for number, name in enumerate(("a.csv", "more/b.xlsx", "c.txt", ".d.csv", "training/rejected.csv", "a.moves.csv")):
        (tmp_path / name).write_text("x")
        os.utime(tmp_path / name, (number, number))
    assert learning.files() == ["more/b.xlsx", "a.csv"]
