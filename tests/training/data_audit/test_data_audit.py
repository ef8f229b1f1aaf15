"""The audit as a whole: part of a run and of its card, the same each time, and `--strict` saves nothing."""

import csv
import json
import sys
from dataclasses import replace

import pytest

from deskyard.registry.bundle_files import MANIFEST_FILE
from deskyard.simulate.ground_truth import write_history
from deskyard.simulate.world import SimulatedWorld
from training import data_audit
from training.data_audit.finding import MAX_PHRASE_LENGTH
from training.pipeline.options import Options
from training.pipeline.run import train_model

CLEAN = {"label_noise": 0.0, "rename": False, "misroutes": 0.0}


@pytest.fixture(scope="module")
def spoiled(make_history, change, some, language):
    """A desk whose agents' solutions stand in the export."""
    history = make_history(250, russian=float(language == "ru"), other_languages=0.0, **CLEAN)
    chosen, _ = some(history, 0.5)
    word = {"en": "Resolution: done by", "ru": "Решено: сделала группа"}[language]
    return change(history, chosen, lambda i, body: f"{body}\n\n{word} {history.labels['queue'][i]}")


@pytest.fixture(scope="module")
def spoiled_case(spoiled, make_case):
    return make_case(spoiled, "queue")


def test_a_clean_history_has_no_warning(clean_case):
    # Whether a priority with so few tickets can be learnt at all is another matter.
    assert [
        one for one in data_audit.audit_history(clean_case) if one.severity != "note" and one.probe != "unlearnable"
    ] == []


def test_findings_stand_in_the_card_and_are_the_same_each_time(spoiled, make_history):
    options = Options(targets=("queue",), precision=0.8, effort="quick", audit=True)
    first, second = train_model(spoiled, options), train_model(spoiled, options)
    assert first.findings == second.findings
    assert first.card == second.card
    assert json.loads(json.dumps(first.card["findings"])) == first.card["findings"]
    assert first.card["findings"][0]["probe"] == "leak: solution"
    assert data_audit.has_serious(first.findings)
    order = [data_audit.finding.SEVERITIES.index(one.severity) for one in first.findings]
    assert order == sorted(order)
    assert train_model(make_history(60), replace(options, audit=False)).card["findings"] == []


def test_every_finding_says_what_to_do_and_names_real_tickets(spoiled, spoiled_case):
    ids = {ticket.id for ticket in spoiled.tickets}
    found = data_audit.audit_history(spoiled_case)
    assert any(one.examples for one in found)
    assert any("'" in one.sentence for one in found)
    for one in found:
        assert one.advice
        assert set(one.examples) <= ids
        assert one.severity in ("note", "warning", "serious")
        assert all(len(part) <= MAX_PHRASE_LENGTH for part in one.sentence.split("'")[1::2])


@pytest.mark.parametrize("strict", [True, False])
def test_a_strict_run_on_a_leaking_history_saves_nothing(command, home, tmp_path, strict):
    write_history(SimulatedWorld(seed=5, **CLEAN), 200, tmp_path / "history.csv")
    with (tmp_path / "history.csv").open(newline="", encoding="utf-8") as file:
        tickets = list(csv.DictReader(file))
    for ticket in tickets[::2]:
        ticket["body"] += f"\n\nResolution: done by {ticket['queue']}"
    with (tmp_path / "history.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(tickets[0]))
        writer.writeheader()
        writer.writerows(tickets)
    said = command(
        "train", tmp_path / "history.csv", "--targets", "queue", "--effort", "quick", "--out", tmp_path / "out",
        *["--strict"] * strict,
    )  # fmt: skip
    assert "leak: solution" in said.err
    assert said.code == (1 if strict else 0)
    assert ("nothing was saved" in said.err) is strict
    assert (tmp_path / "out" / MANIFEST_FILE).exists() is not strict


def test_strict_without_the_audit_is_refused(command, tmp_path):
    said = command("train", tmp_path / "history.csv", "--strict", "--no-audit")
    assert said.code == 2
    assert "--strict needs the audit" in said.err


def test_without_cleanlab_the_audit_goes_on_and_says_so(spoiled_case, monkeypatch):
    monkeypatch.setitem(sys.modules, "cleanlab.filter", None)
    monkeypatch.setattr(data_audit.label_noise, "NOTE", -1.0)
    found = data_audit.audit_history(spoiled_case)
    assert [one.advice for one in found if one.probe == "noise"] == [
        "looking for wrong labels needs cleanlab: pip install 'deskyard[training]'."
    ]
