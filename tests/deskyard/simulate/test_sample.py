"""The committed sample: synthetic, small, and made by the command that its page gives."""

import gzip
import json
from pathlib import Path

import pytest

from deskyard.simulate.ground_truth import write_history
from deskyard.simulate.world import SimulatedWorld

SAMPLE = Path(__file__).parents[3] / "data" / "sample"
NAMES = ("history.csv.gz", "history.moves.csv", "history.truth.csv", "history.truth.json")


@pytest.fixture(scope="module")
def again(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    write_history(SimulatedWorld(seed=1), 3000, folder / "history.csv.gz")
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_the_sample_can_be_made_again_to_the_letter(name, again):
    committed, made = ((folder / name).read_bytes() for folder in (SAMPLE, again))
    if name.endswith(".gz"):
        assert committed[4:8] == b"\0\0\0\0", "the gzip header carries no time"
        committed, made = gzip.decompress(committed), gzip.decompress(made)
    assert committed == made


def test_the_sample_is_under_two_megabytes():
    assert sum(path.stat().st_size for path in SAMPLE.iterdir()) < 2_000_000


def test_the_sample_is_called_synthetic_wherever_it_appears():
    page = (SAMPLE / "README.md").read_text(encoding="utf-8")
    assert "synthetic" in page
    assert "deskyard simulate --tickets 3000 --seed 1 --out data/sample/history.csv.gz" in page
    assert '"synthetic": true' in (SAMPLE / "history.truth.json").read_text(encoding="utf-8")


def test_the_page_of_the_sample_states_the_ceiling_that_was_computed():
    page = (SAMPLE / "README.md").read_text(encoding="utf-8")
    whole = json.loads((SAMPLE / "history.truth.json").read_text(encoding="utf-8"))
    for name in ("newest_fifth", "measured"):
        cells = " | ".join(
            f"{whole['ceiling'][target][name]:.1%}" for target in ("queue", "category", "priority", "assignee")
        )
        assert cells in page
