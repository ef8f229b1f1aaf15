"""Retraining from the command line: history, challenger, comparison, its place or not; cut off and taken up again."""

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest

from deskyard.db.database import open_database
from deskyard.registry import active_model

QUICK = ("--effort", "quick", "--no-mlflow")


@pytest.fixture(scope="module")
def histories(tmp_path_factory):
    """A history, and its beginning: ten queues, told by two of their forty words each among chatter."""
    folder, rng = tmp_path_factory.mktemp("histories"), random.Random(5)
    words = ["".join(rng.choices("aeioubdfgklmnprst", k=7)) for _ in range(600)]
    header, rows = ("id", "created_at", "body", "queue"), []
    for n in range(600):
        queue = rng.randrange(10)
        said = rng.sample(words[queue * 40 : queue * 40 + 40], 2) + rng.sample(words[400:], 6)
        at = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(hours=3 * n)
        rows.append((n, at.isoformat(), " ".join(rng.sample(said, len(said))), f"Queue {queue}"))
    for name, some in (("all", rows), ("first", rows[:100])):
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header, *some])
    return folder


@pytest.fixture
def learnt(command, histories):
    """A champion that knows the beginning."""
    done = command("train", histories / "first.csv", "--targets", "queue", "--no-audit", *QUICK)
    assert done.code == 0, done.err
    return histories


def in_use(home):
    database = open_database(f"sqlite:///{home}/deskyard.db")
    with database.reading() as conn:
        now = active_model.get_active(conn)
    database.close()
    return now.name


def test_a_better_challenger_takes_the_place_and_the_next_does_not(learnt, command, home):
    first = in_use(home)
    done = command("retrain", learnt / "all.csv", *QUICK, "--json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert told["champion"]
    assert told["comparison"]["targets"][0]["overall"]["n"] == told["comparison"]["tickets"] == 120
    assert (
        f"is in use instead of {first}: it is better than the model in use: queue: significantly better"
        in told["message"]
    )
    second = in_use(home)
    assert told["bundle"].endswith(second)

    again = command("retrain", learnt / "all.csv", *QUICK, "--json")
    assert f"{second} stays in use" in json.loads(again.out)["message"]
    assert in_use(home) == second
    waiting = json.loads(again.out)["bundle"].rpartition("/")[2]
    refused = command("promote", waiting)
    assert refused.code != 0

    compared = command("compare", first, second, "--on", learnt / "all.csv", "--json")
    assert json.loads(compared.out)["tickets"] == 0, "the challenger has learnt from all of them"
    seen = json.loads(command("compare", first, second, "--on", learnt / "all.csv", "--unseen", "--json").out)
    assert seen["tickets"] == seen["targets"][0]["overall"]["n"] == 600
    reproduced = command("reproduce", second)
    assert reproduced.code == 0, reproduced.out
    assert reproduced.out.startswith("the same bytes: ")
    assert command("rollback").code == 0
    assert in_use(home) == first


def test_nothing_is_done_before_it_is_due(learnt, command):
    done = command("retrain", learnt / "all.csv", "--every", "7d", "--if-corrections", "5", *QUICK)
    assert done.code == 0
    assert "nothing to do" in done.err + done.out


def test_without_a_champion_the_first_model_is_put_in_use(histories, command, home):
    done = command("retrain", histories / "first.csv", "--effort", "quick", "--no-mlflow")
    assert done.code == 0, done.err
    assert in_use(home)


def test_cut_off_it_is_taken_up_again_and_makes_the_same_bytes_which_wait_for_a_person(learnt, command, home):
    first = in_use(home)
    words = ["retrain", str(learnt / "all.csv"), *QUICK, "--no-promote", "--json"]
    with subprocess.Popen(
        [sys.executable, "-m", "deskyard", *words],
        env={**os.environ, "DESKYARD_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        end = time.monotonic() + 200
        while not list(home.glob("**/retrain/*/*.joblib")):
            assert time.monotonic() < end
            assert process.poll() is None
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
    found = {path: path.stat().st_mtime_ns for path in home.glob("**/retrain/*/*.joblib")}
    assert found
    began = datetime.now(UTC)
    done = json.loads(command(*words).out)
    other = json.loads(command(*words).out)
    assert done["digest"] == other["digest"]
    assert "waits for `deskyard promote" in done["message"]
    assert in_use(home) == first
    assert all(path.stat().st_mtime_ns < began.timestamp() * 1e9 for path in found if path.exists())
    assert not list(home.glob("**/retrain/*/*.joblib"))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "name the files of a history, or use --desk"),
        (("--desk", "--every", "soon"), "write hours, days or weeks"),
        (("nowhere.csv",), "nowhere.csv"),
    ],
)
def test_what_is_asked_wrongly_is_answered_with_a_sentence(command, words, sentence):
    done = command("retrain", *words)
    assert done.code != 0
    assert sentence in " ".join((done.err + done.out).split())
