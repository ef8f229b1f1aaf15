"""A backtest of a hundred thousand tickets with ten models; `tests/acceptance/test_backtest.py` runs a hundredth."""

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
    result = command(
        "backtest", history, "--moves", tmp_path / "history.moves.csv", "--policy",
        tmp_path / "now.toml", "--policy", tmp_path / "bolder.toml", "--out", tmp_path / "otherwise.csv", "--json",
    )  # fmt: skip
    minutes = (time.monotonic() - begun) / 60
    assert result.code == 0, result.err
    found = json.loads(result.out)
    now, bolder = found["policies"]
    assert len(found["models"]) == MODELS
    assert now["tickets"] == pytest.approx(TICKETS * 0.8, rel=0.01)
    assert now["routed"] > 0.5 * now["tickets"]
    most = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 2**20
    with capsys.disabled():
        print(f"\n{TICKETS:,} tickets, {MODELS} models, two policies: {minutes:.1f} minutes, {most:.1f} GB a process")
        for one in now, bolder:
            share, accuracy = one["routed"] / one["tickets"], one["correct"] / one["judged"]
            print(
                f"{one['name']}: {share:.1%} routed, {accuracy:.1%} correct, {one['minutes_saved']:,.0f} minutes saved"
            )
    assert minutes <= MINUTES
