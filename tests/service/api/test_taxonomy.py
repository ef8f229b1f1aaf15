"""Labels that were renamed, merged, split or retired, on a desk with a model that learnt them before."""

import shutil

import pytest
from sqlalchemy import text

from deskyard.db.database import open_database
from deskyard.domain.actors import Actor
from deskyard.registry import promotion
from deskyard.settings import Settings, settings
from tests.conftest import SUBJECTS

TOML = {"Content-Type": "application/toml"}
YESTERDAY, TOMORROW = "2020-01-01", "2999-01-01"


@pytest.fixture
def desk(call, command, champion, home):
    """A client of a service in the home of the command; its model knows the queues IT, Billing and Кадры/Отпуск."""
    shutil.copytree(champion / "models", home / "models")
    database = open_database(settings().database)
    promotion.promote(database, home / "models", "tiny", Actor("person", "ann"))
    database.close()
    return call(Settings(home=home))


def turned(client, lines, on=YESTERDAY):
    policy = f'mode = "route"\n[[taxonomy]]\non = {on}\ntarget = "queue"\n{lines}'
    assert client.put("/v1/policy", content=policy, headers=TOML).status_code == 200


def sent(client, queue="IT"):
    """A ticket of that queue, as the model learnt it: its decision on the queue, and where it stands."""
    answer = client.post("/v1/tickets", json={"subject": SUBJECTS[queue]}).json()
    return answer["decisions"]["queue"], answer["placement"]["queue"]


def test_a_ticket_of_a_renamed_queue_lands_in_the_new_one(desk, command):
    before, _ = sent(desk)
    desk.put("/v1/queues/Техника", json={})
    turned(desk, 'rename = "IT"\nto = "Техника"')
    made, queue = sent(desk)
    assert (made["label"], made["action"], queue) == ("Техника", "route", "Техника")
    assert made["confidence"] == pytest.approx(before["confidence"])
    assert made["reasons"][-1] == {"code": "renamed", "text": f"'IT' renamed to 'Техника' on {YESTERDAY}"}
    assert command("verify", "--last", 9).code == 0


def test_a_ticket_of_merged_queues_bears_the_sum(desk, command):
    desk.put("/v1/policy", content='mode = "route"', headers=TOML)
    shares = {one["label"]: one["confidence"] for one in sent(desk)[0]["top"]}
    desk.put("/v1/queues/Support", json={})
    turned(desk, 'merge = ["IT", "Billing"]\nto = "Support"')
    made, queue = sent(desk)
    assert queue == "Support"
    assert made["confidence"] == pytest.approx(shares["IT"] + shares["Billing"])
    assert [one["label"] for one in made["top"]] == ["Support", "Кадры/Отпуск"]
    assert command("verify", "--last", 9).code == 0


def test_a_ticket_of_a_split_queue_waits_for_a_person(desk, command):
    turned(desk, 'split = "IT"\nto = ["Network", "Hardware"]')
    made, queue = sent(desk)
    assert (made["label"], made["action"], made["reasons"][0]["code"], queue) == ("IT", "suggest", "split", "triage")
    assert sent(desk, "Billing")[1] == "Billing"
    assert command("verify", "--last", 9).code == 0


def test_nothing_is_put_into_a_retired_queue(desk, command):
    turned(desk, 'retire = "IT"')
    made, queue = sent(desk)
    assert (made["action"], made["reasons"][0]["code"], queue) == ("suggest", "retired", "triage")
    assert made["label"] != "IT"
    assert "IT" not in [one["label"] for one in made["top"]]
    assert command("verify", "--last", 9).code == 0


def test_the_fallback_does_not_lead_into_a_retired_queue(desk):
    retired = f'mode = "suggest"\nfallback = "IT"\n[[taxonomy]]\non = {YESTERDAY}\ntarget = "queue"\nretire = "IT"'
    desk.put("/v1/policy", content='mode = "suggest"\nfallback = "IT"', headers=TOML)
    assert sent(desk)[1] == "IT"
    desk.put("/v1/policy", content=retired, headers=TOML)
    assert sent(desk)[1] == "triage"


def test_a_turn_of_a_day_to_come_changes_nothing_yet(desk):
    turned(desk, 'retire = "IT"', on=TOMORROW)
    assert sent(desk)[1] == "IT"


def test_a_score_is_told_in_the_names_of_today(desk):
    turned(desk, 'rename = "IT"\nto = "Техника"')
    found = desk.post("/v1/score", json={"tickets": [{"subject": SUBJECTS["IT"]}]}).json()
    assert "Техника" in str(found)
    assert "'IT'" not in str([one["decisions"]["queue"]["label"] for one in found["items"]])


def test_a_split_leaves_the_tickets_of_the_old_label_to_people(desk, command):
    desk.put("/v1/policy", content='mode = "route"', headers=TOML)
    numbers = [desk.post("/v1/tickets", json={"subject": SUBJECTS["IT"]}).json()["ticket"]["id"] for _ in range(3)]
    desk.post("/v1/tickets", json={"subject": SUBJECTS["Billing"]})
    assert "`deskyard taxonomy tasks`" in command("taxonomy", "split", "queue", "IT", "--to", "Net", "--to", "Kit").out
    told = command("taxonomy", "tasks", "--tickets", 2).out.splitlines()
    assert told[0].endswith("people chose 'Net' 0, 'Kit' 0; 3 wait")
    assert [line.split()[0] for line in told[1:]] == [numbers[2], numbers[1]]

    desk.patch(f"/v1/tickets/{numbers[2]}", json={"queue": "Net"}, headers={"If-Match": "*"})
    told = command("taxonomy", "tasks").out.splitlines()
    assert told[0].endswith("people chose 'Net' 1, 'Kit' 0; 2 wait")
    assert [line.split()[0] for line in told[1:]] == [numbers[1], numbers[0]]


def test_a_ticket_that_keeps_the_name_of_what_was_split_waits_until_a_person_says_so(desk, command):
    desk.put("/v1/policy", content='mode = "route"', headers=TOML)
    number = desk.post("/v1/tickets", json={"subject": SUBJECTS["IT"]}).json()["ticket"]["id"]
    command("taxonomy", "split", "queue", "IT", "--to", "IT", "--to", "Network")
    assert command("taxonomy", "tasks").out.splitlines()[0].endswith("; 1 wait")
    for queue in ("Network", "IT"):
        desk.patch(f"/v1/tickets/{number}", json={"queue": queue}, headers={"If-Match": "*"})
    assert command("taxonomy", "tasks").out.splitlines()[0].endswith("people chose 'IT' 1, 'Network' 1; 0 wait")


def test_a_turn_is_written_and_read_over_the_api(desk, command):
    desk.put("/v1/policy", content='mode = "route"', headers=TOML)
    desk.post("/v1/tickets", json={"subject": SUBJECTS["IT"]})
    split = {"target": "queue", "split": "IT", "to": ["Network", "Hardware"], "why": "two teams"}
    made = desk.post("/v1/policy/taxonomy", json=split)
    assert made.status_code == 200
    assert "[[taxonomy]]" in made.json()["text"]
    desk.post("/v1/policy/taxonomy", json={"on": TOMORROW, "target": "queue", "retire": "Billing"})
    told = desk.get("/v1/policy/taxonomy").json()
    assert [(one["kind"], one["labels"], one["to"]) for one in told["turns"]] == [
        ("split", ["IT"], ["Network", "Hardware"]),
        ("retire", ["Billing"], []),
    ]
    (task,) = told["tasks"]
    assert (task["tickets"], task["waiting"], task["chosen"]) == (["1"], 1, {"Network": 0, "Hardware": 0})
    assert "two teams" in desk.get("/v1/audit").json()["items"][1]["subject"]
    assert sent(desk)[1] == "triage"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"target": "queue"}, "a turn is one of rename, merge, split, retire"),
        ({"target": "queue", "retire": "IT", "rename": "IT"}, "a turn is one of rename, merge, split, retire"),
        ({"target": "priority", "retire": "low"}, "target is 'priority'; choose from"),
        ({"target": "queue", "rename": "IT", "to": ["A", "B"]}, "it must be one name"),
    ],
)
def test_a_turn_that_says_nothing_is_refused_in_a_sentence(desk, body, told):
    answered = desk.post("/v1/policy/taxonomy", json=body)
    assert answered.status_code == 422
    assert told in answered.json()["detail"]
    assert desk.get("/v1/policy/taxonomy").json()["turns"] == []


def test_a_decision_is_computed_again_by_the_ledger_of_its_own_day(desk, command, home):
    turned(desk, 'retire = "IT"', on=TOMORROW)
    sent(desk)
    assert command("verify", "--last", 1).code == 0
    database = open_database(settings().database)
    with database.writing() as conn:  # as if it had been decided in a time when the turn holds
        conn.execute(text("UPDATE journal_entries SET at = '3000' || substr(at, 5) WHERE kind = 'decided'"))
    database.close()
    assert command("verify", "--last", 1).out.startswith("different")


def test_a_queue_that_is_routed_to_is_still_routed_to_under_its_new_name(desk):
    desk.put("/v1/queues/Техника", json={})
    rules = '[queues."IT"]\nmode = "route"'
    turn = f'[[taxonomy]]\non = {YESTERDAY}\ntarget = "queue"\nrename = "IT"\nto = "Техника"'
    desk.put("/v1/policy", content=f'mode = "suggest"\n{rules}\n{turn}'.encode(), headers=TOML)
    assert sent(desk)[1] == "Техника"
    assert sent(desk, "Billing")[1] == "triage"
