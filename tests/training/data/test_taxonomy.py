"""A model learns the names of today, and says so on its card."""

import csv
import json
from dataclasses import replace
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path

import pytest

from deskyard.domain.taxonomy import TaxonomyChange, parse_change
from deskyard.domain.ticket import TARGETS, Ticket
from deskyard.registry import bundle
from tests.conftest import SUBJECTS
from training.compare import side_by_side
from training.data.history import History
from training.data.moves import Move
from training.data.taxonomy import apply_taxonomy_changes

DAYS = (datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 3, 1, 12, tzinfo=UTC))


def turn(**said: object) -> TaxonomyChange:
    return parse_change({"on": "2026-02-01", "target": "queue"} | said)


def history(*labels: tuple[str | None, datetime | None], moves: list[Move] | None = None) -> History:
    tickets = [Ticket(id=str(n), created_at=at) for n, (_, at) in enumerate(labels)]
    none: list = [None] * len(labels)
    said = dict.fromkeys(TARGETS, none) | {"queue": [label for label, _ in labels]}
    return History(tickets=tickets, labels=said, first_responses=none, resolutions=none, moves=moves or [])


def queues(past: History, *turns: TaxonomyChange) -> list[str | None]:
    return apply_taxonomy_changes(past, turns).labels["queue"]


def test_renamed_and_merged_labels_are_learnt_under_the_names_of_today():
    past = history(("A", DAYS[0]), ("B", DAYS[0]), (None, DAYS[0]), ("Accounts", DAYS[1]), ("C", None))
    turns = turn(rename="A", to="Accounts"), turn(merge=["B", "C"], to="BC")
    assert queues(past, *turns) == ["Accounts", "BC", None, "Accounts", "BC"]
    assert past.labels["queue"][0] == "A"


def test_what_was_split_or_retired_teaches_nothing_under_its_old_name_and_is_counted():
    past = history(("A", DAYS[0]), ("A", DAYS[1]), ("B", DAYS[1]), ("Fax", DAYS[0]))
    found = apply_taxonomy_changes(past, [turn(split="A", to=["B", "C"]), turn(retire="Fax")])
    assert found.labels["queue"] == [None, None, "B", None]
    assert found.notes == [
        "2 tickets have no queue by the taxonomy of today: 'A' was split or retired",
        "1 tickets have no queue by the taxonomy of today: 'Fax' was split or retired",
    ]


def test_a_name_that_stays_in_use_is_turned_on_tickets_of_before_unless_a_person_chose_it_since():
    chosen = Move("2", DAYS[1], "ann", "queue", "B", "A")
    past = history(("A", DAYS[0]), ("A", DAYS[1]), ("A", DAYS[0]), moves=[chosen])
    assert queues(past, turn(split="A", to=["A", "B"])) == [None, "A", "A"]


def test_a_history_in_other_names_is_another_history_and_none_without_turns():
    past = history(("A", DAYS[0]))
    assert apply_taxonomy_changes(past, []) is past
    assert (
        apply_taxonomy_changes(past, [turn(retire="A")]).digest
        != apply_taxonomy_changes(past, [turn(retire="B")]).digest
        != past.digest
    )


@pytest.fixture
def file(tmp_path):
    """Three queues in turn, a ticket a day each."""
    tells = {
        "Сеть": "не подключается vpn, пропадает интернет",
        "Billing": "неверная сумма в счёте, нужен возврат",
        "Printers": "the printer is jammed and prints blank pages",
        "Fax": "the fax hangs up while it sends the letter",
    }
    with (tmp_path / "history.csv").open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(["id", "created_at", "body", "queue"])
        for n, (queue, body) in zip(range(80), cycle(tells.items()), strict=False):
            writer.writerow([n, f"2025-{n // 28 + 1:02}-{n % 28 + 1:02}", body, queue])
    return tmp_path / "history.csv"


def test_training_knows_the_ledger_of_its_day_and_is_reproduced_after_others(file, command, home):
    command("taxonomy", "rename", "queue", "Billing", "Accounts")
    command("taxonomy", "retire", "queue", "Fax")
    command("taxonomy", "rename", "queue", "Printers", "Paper", "--on", "2999-01-01")
    said = command("train", file, "--targets", "queue", "--effort", "quick", "--no-audit", "--json")
    card = json.loads(said.out[said.out.index('{"bundle"') :])
    assert card["targets"]["queue"]["labels"] == ["Accounts", "Printers", "Сеть"]
    assert [(one["target"], one.get("rename"), one.get("retire")) for one in card["taxonomy"]] == [
        ("queue", "Billing", None),
        ("queue", None, "Fax"),
    ]
    assert bundle.load_bundle(Path(card["bundle"])).taxonomy_changes == card["taxonomy"]

    command("taxonomy", "rename", "queue", "Accounts", "Money")
    again = command("reproduce", card["bundle"])
    assert (again.code, again.out.startswith("the same bytes: ")) == (0, True), again.out


def test_a_model_for_another_place_is_learnt_in_the_names_of_the_file(file, command, tmp_path):
    command("taxonomy", "rename", "queue", "Billing", "Accounts")
    command("train", file, "--targets", "queue", "--effort", "quick", "--no-audit", "--out", tmp_path / "made")
    made = bundle.load_bundle(tmp_path / "made")
    assert "Billing" in made.labels("queue")
    assert made.taxonomy_changes == []


def test_a_model_that_knows_the_old_names_is_compared_by_the_new_ones(champion):
    tiny = bundle.load_bundle(champion / "models" / "tiny")
    past = history(*[("Accounts", DAYS[1])] * 40)
    past.tickets[:] = [replace(ticket, subject=SUBJECTS["Billing"]) for ticket in past.tickets]
    right = []
    for turns in [], [turn(rename="Billing", to="Accounts")]:
        found = side_by_side.compare_bundles(
            tiny, tiny, apply_taxonomy_changes(past, turns), dict.fromkeys(tiny.targets, 0.9), unseen=True
        )
        right.append(next(one.overall.first for one in found.targets if one.target == "queue"))
    assert right == [0, 40]
