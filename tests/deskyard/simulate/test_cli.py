"""The command `deskyard simulate`: files, the stream, and errors."""

import csv
import gzip
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet
import pytest
from typer.testing import CliRunner

from deskyard.cli.main import app
from deskyard.errors import BadInput
from deskyard.simulate.ground_truth import HISTORY_COLUMNS, MOVE_COLUMNS, TRUTH_COLUMNS

SIDES = ("history.moves.csv", "history.truth.csv", "history.truth.json")


def run(*arguments):
    return CliRunner().invoke(app, ["simulate", *map(str, arguments)])


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def digest(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_the_same_seed_gives_the_same_bytes_in_every_process(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    assert run("--tickets", 120, "--out", here / "history.csv.gz").exit_code == 0
    command = [sys.executable, "-m", "deskyard", "simulate", "--tickets", "120", "--out", there / "history.csv.gz"]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PYTHONHASHSEED": "7"})
    assert digest(here) == digest(there)
    assert set(digest(here)) == {"history.csv.gz", *SIDES}


def test_every_format_holds_the_same_history(tmp_path):
    for name in ("a.csv", "b.csv.gz", "c.jsonl", "d.parquet"):
        assert run("--tickets", 60, "--out", tmp_path / name).exit_code == 0
    expected = rows(tmp_path / "a.csv")
    with gzip.open(tmp_path / "b.csv.gz", "rt", encoding="utf-8", newline="") as file:
        assert list(csv.DictReader(file)) == expected
    lines = (tmp_path / "c.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == expected
    assert pyarrow.parquet.read_table(tmp_path / "d.parquet").to_pylist() == expected
    assert tuple(expected[0]) == HISTORY_COLUMNS
    assert all(row["created_at"].endswith("+00:00") for row in expected)
    assert {True, False} == {bool(row["x_product"]) for row in expected}
    assert not list(tmp_path.glob("*.part"))


def test_the_side_files_tell_the_truth_of_every_ticket(tmp_path):
    result = run("--tickets", 300, "--out", tmp_path / "history.csv")
    history = rows(tmp_path / "history.csv")
    moves, truth = rows(tmp_path / "history.moves.csv"), rows(tmp_path / "history.truth.csv")
    whole = json.loads((tmp_path / "history.truth.json").read_text(encoding="utf-8"))
    assert [row["id"] for row in truth] == [row["id"] for row in history]
    assert tuple(truth[0]) == TRUTH_COLUMNS
    assert tuple(moves[0]) == MOVE_COLUMNS
    assert {row["id"] for row in moves} == {row["id"] for row in truth if "misrouted" in row["flags"].split()}
    assert whole["synthetic"] is True
    assert (whole["seed"], whole["tickets"], len(whole["agents"])) == (1, 300, 20)
    assert whole["rename"]["old"] != whole["rename"]["new"]
    assert whole["burst"]["from"] < whole["burst"]["to"]
    right = sum(row["queue"] == side["oracle_queue"] for row, side in zip(history, truth, strict=True))
    assert whole["ceiling"]["queue"]["measured"] == pytest.approx(right / 300, abs=1e-4)
    assert "synthetic" in result.output
    assert f"{whole['ceiling']['queue']['measured']:.1%}" in result.output


def test_every_option_reaches_the_world(tmp_path):
    off = ["label-noise", "misroutes", "typos", "html", "quoted", "signatures", "near-copies", "vague", "ambiguous"]
    options = [word for name in off for word in (f"--{name}", "0")]
    result = run("--tickets", 200, *options, "--no-burst", "--no-rename", "--out", tmp_path / "history.csv")
    assert result.exit_code == 0, result.output
    assert {row["flags"] for row in rows(tmp_path / "history.truth.csv")} == {""}
    whole = json.loads((tmp_path / "history.truth.json").read_text(encoding="utf-8"))
    assert whole["rename"] is None
    assert whole["burst"] is None
    assert whole["ceiling"]["queue"]["measured"] == 1.0


def test_a_stream_is_bodies_for_the_service_one_a_line():
    result = run("--stream", "--tickets", 30, "--seed", 7, "--out", "-")
    bodies = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(bodies) == 30
    keys = {"source", "external_id", "subject", "body", "requester", "organisation", "channel", "language", "fields"}
    assert all(set(body) == keys for body in bodies)
    assert len({(body["source"], body["external_id"]) for body in bodies}) == 30
    assert {body["source"] for body in bodies} == {"synthetic"}


def test_a_stream_keeps_its_rate(tmp_path):
    begin = time.monotonic()
    assert run("--stream", "--tickets", 11, "--rate", 50, "--out", tmp_path / "new.jsonl").exit_code == 0
    assert time.monotonic() - begin >= 0.2
    assert len((tmp_path / "new.jsonl").read_text(encoding="utf-8").splitlines()) == 11


def test_an_endless_stream_stops_when_nobody_reads_any_more():
    command = [sys.executable, "-m", "deskyard", "simulate", "--stream", "--out", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert json.loads(process.stdout.readline())["source"] == "synthetic"
        process.stdout.close()
        assert process.wait(timeout=20) == 0
        assert process.stderr.read() == b""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--out", "history.xlsx"], "Can't tell the format"),
        (["--out", "no/such/folder/history.csv"], "can't be written"),
        (["--tickets", "-1", "--out", "history.csv"], "can't be negative"),
        (["--typos", "1.5", "--out", "history.csv"], "--typos is a share"),
        (["--out", "-"], "needs a file name"),
        (["--rate", "5", "--out", "history.csv"], "--rate is for --stream"),
        (["--stream", "--rate", "0", "--tickets", "1", "--out", "-"], "must be above 0"),
        (["--stream", "--tickets", "1", "--out", "new.csv"], r"end in \.jsonl"),
        (["--stream", "--out", "new.jsonl"], "fill the disk"),
        (["--stream", "--tickets", "1", "--out", "no/such/folder/new.jsonl"], "Can't write to"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(arguments, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match=says):
        raise run(*arguments).exception
    assert list(tmp_path.iterdir()) == []


def test_the_help_shows_an_example():
    assert "deskyard simulate --tickets 3000 --seed 1" in " ".join(run("--help").output.split())
