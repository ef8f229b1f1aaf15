"""Training in a child process: one at a time, with progress, cancelling, and its result."""

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
def training(tmp_path, monkeypatch):
    """Training runs without niceness: two busy test workers would starve them."""
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


def ended(training):
    until(lambda: (run := training.newest_run()) is not None and run.state != "running")
    return training.newest_run()


def history(home, tickets=300):
    write_history(SimulatedWorld(seed=3), tickets, home / "past.csv")


def test_before_the_first_run_there_is_nothing_to_look_at(training):
    assert training.newest_run() is None
    training.cancel()


def test_a_run_tells_how_far_it_is_and_ends_with_a_bundle(training, tmp_path):
    history(tmp_path)
    training.start("past.csv", 0.8, "quick", "ann")
    assert training.newest_run().state == "running"
    seen = set()

    def over():
        run = training.newest_run()
        seen.add(run.step)
        return run.state != "running"

    until(over)
    run = training.newest_run()
    assert (run.state, run.started_by, run.source) == ("done", "ann", "past.csv")
    assert {"reading tickets", "learning"} <= seen
    assert (tmp_path / "models" / run.bundle / "report.html").is_file()
    assert run.champion  # the first


def test_only_one_runs_at_a_time_whoever_asks(training, tmp_path):
    history(tmp_path)
    training.start("past.csv", 0.8, "normal", "ann")
    with pytest.raises(StoreConflict):
        TrainingProcess(Settings(home=tmp_path)).start("past.csv", 0.8, "quick", "bob")
    assert TrainingProcess(Settings(home=tmp_path)).newest_run().started_by == "ann"


def test_a_cancelled_run_is_over_and_leaves_no_bundle(training, tmp_path):
    history(tmp_path)
    training.start("past.csv", 0.8, "thorough", "ann")
    until(lambda: training.newest_run().step)
    training.cancel()
    assert ended(training).state == "cancelled"
    assert not list(tmp_path.glob("models/*/manifest.json"))
    training.start("past.csv", 0.8, "quick", "bob")
    assert training.newest_run().started_by == "bob"


def test_it_is_nicer_than_the_service(training, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "NICENESS", 10)
    history(tmp_path)
    training.start("past.csv", 0.8, "normal", "ann")
    number = json.loads((training.folder / "run.json").read_text())["pid"]
    assert os.getpriority(os.PRIO_PROCESS, number) == os.getpriority(os.PRIO_PROCESS, 0) + 10


def test_what_went_wrong_is_said_in_its_own_words(training, tmp_path):
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
    training.start("bad.csv", 0.8, "quick", "ann")
    run = ended(training)
    assert run.state == "failed"
    assert "bad.csv" in run.message
    assert "Traceback" not in run.message


def test_a_desk_without_solved_tickets_says_that_there_is_nothing_to_learn(training, tmp_path):
    training.start(DESK, 0.8, "quick", "ann")
    run = ended(training)
    assert run.state == "failed"
    assert run.message
    assert not list(tmp_path.glob(".history-*"))


@pytest.mark.parametrize("source", ["../secret.csv", "/etc/passwd", "none.csv", "models"])
def test_only_histories_of_the_home_can_be_learnt_from(training, source):
    with pytest.raises(BadInput):
        training.start(source, 0.8, "quick", "ann")


@pytest.mark.parametrize(("precision", "effort"), [(0.2, "quick"), (1.0, "quick"), (0.9, "--champion")])
def test_what_is_no_effort_and_no_precision_is_refused(training, precision, effort):
    with pytest.raises(BadInput):
        training.start(DESK, precision, effort, "ann")


def test_the_newest_histories_are_offered_first_and_what_runs_leave_is_not(training, tmp_path):
    (tmp_path / "more").mkdir()
    training.folder.mkdir()
    for number, name in enumerate(("a.csv", "more/b.xlsx", "c.txt", ".d.csv", "training/rejected.csv", "a.moves.csv")):
        (tmp_path / name).write_text("x")
        os.utime(tmp_path / name, (number, number))
    assert training.history_files() == ["more/b.xlsx", "a.csv"]
