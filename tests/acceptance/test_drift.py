"""`deskyard drift` on a desk on which a new topic has come up."""

import csv
import json
from pathlib import Path

import pytest

from deskyard.simulate.ground_truth import write_history
from deskyard.simulate.world import SimulatedWorld

SCENARIO = "billing_refund"
BEFORE, NOW = 1_500, 500


@pytest.fixture
def desk(tmp_path: Path):
    """A history in which refunds occur in the newest tickets only, without a category."""
    world = SimulatedWorld(seed=2, burst=False, rename=False, near_copies=0.0, russian=0.0, other_languages=0.0)
    simulated = list(world.tickets(BEFORE + NOW))
    truth = {one.ticket.id: one.truth.scenario for one in simulated}
    new = {one.ticket.id for one in simulated[BEFORE:] if one.truth.scenario == SCENARIO}
    write_history(world, BEFORE + NOW, tmp_path / "all.csv")
    with (tmp_path / "all.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for n, row in enumerate(csv.DictReader(file)) if n >= BEFORE or truth[row["id"]] != SCENARIO]
    with (tmp_path / "history.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(row | ({"category": ""} if row["id"] in new else {}) for row in rows)
    return tmp_path / "history.csv", new


def test_a_new_matter_is_proposed_as_a_category_with_examples(desk, command) -> None:
    file, new = desk
    found = json.loads(command("drift", file, "--newest", NOW, "--json").out)
    (topic,) = found["topics"]
    assert "refund" in topic["words"]
    assert len(new & set(topic["tickets"])) >= 0.8 * len(new)
    assert set(topic["tickets"][:3]) <= new
    output = command("drift", file, "--newest", NOW).out
    assert "new topic: refund" in output
    assert topic["tickets"][0] in output
    assert "Suggestion: retrain" in output
