"""A hundred thousand tickets, lived through again with ten models; `tests/acceptance/test_backtest.py` does a
hundredth of it."""

import json
import resource
import time

import pytest

from deskyard.simulate.ground_truth import write_history
from deskyard.simulate.world import SimulatedWorld

pytestmark = pytest.mark.scale

TICKETS, DAYS, MODELS = 100_000, 360, 10
MINUTES = 10


def test_a_hundred_thousand_tickets_in_ten_minutes(tmp_path, command, capsys):
    history = tmp_path / "history.csv"
    write_history(SimulatedWorld(seed=3, days=DAYS), TICKETS, history)
    (tmp_path / "bolder.toml").write_text('mode = "route"\nprecision = 0.85\n', encoding="utf-8")
    (tmp_path / "now.toml").write_text('mode = "route"\nprecision = 0.9\n', encoding="utf-8")
    begun = time.monotonic()
    said = command(
        "backtest", history, "--moves", tmp_path / "history.moves.csv", "--policy",
        tmp_path / "now.toml", "--policy", tmp_path / "bolder.toml", "--out", tmp_path / "otherwise.csv", "--json",
    )  # fmt: skip
    minutes = (time.monotonic() - begun) / 60
    assert said.code == 0, said.err
    found = json.loads(said.out)
    now, bolder = found["policies"]
    assert len(found["models"]) == MODELS
    assert now["tickets"] == pytest.approx(TICKETS * 0.8, rel=0.01)
    assert now["routed"] > 0.5 * now["tickets"]
    most = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 2**20
    with capsys.disabled():
        print(f"\n{TICKETS:,} tickets, {MODELS} models, two policies: {minutes:.1f} minutes, {most:.1f} GB a process")
        for one in now, bolder:
            share, kept = one["routed"] / one["tickets"], one["right"] / one["known"]
            print(f"{one['name']}: {share:.1%} routed, {kept:.1%} right, {one['saved']:,.0f} minutes saved")
    assert minutes <= MINUTES
