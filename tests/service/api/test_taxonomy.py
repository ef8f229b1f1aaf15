"""Labels that were renamed, merged, split or retired, on a desk whose model was trained before."""

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


def change_taxonomy(client, lines, on=YESTERDAY):
    policy = f'mode = "route"\n[[taxonomy]]\non = {on}\ntarget = "queue"\n{lines}'
    assert client.put("/v1/policy", content=policy, headers=TOML).status_code == 200


def send(client, queue="IT"):
    """Send a ticket that the model knows from that queue; return its decision on the queue, and its queue."""
    answer = client.post("/v1/tickets", json={"subject": SUBJECTS[queue]}).json()
    return answer["decisions"]["queue"], answer["placement"]["queue"]


def test_a_ticket_of_a_renamed_queue_is_routed_to_the_new_one(desk, command):
    before, _ = send(desk)
    desk.put("/v1/queues/Техника", json={})
    change_taxonomy(desk, 'rename = "IT"\nto = "Техника"')
    decision, queue = send(desk)
    assert (decision["label"], decision["action"], queue) == ("Техника", "route", "Техника")
    assert decision["confidence"] == pytest.approx(before["confidence"])
    assert decision["reasons"][-1] == {"code": "renamed", "text": f"'IT' renamed to 'Техника' on {YESTERDAY}"}
    assert command("verify", "--last", 9).code == 0


def test_a_ticket_of_merged_queues_has_the_sum_of_their_probabilities(desk, command):
    desk.put("/v1/policy", content='mode = "route"', headers=TOML)
    shares = {one["label"]: one["confidence"] for one in send(desk)[0]["top"]}
    desk.put("/v1/queues/Support", json={})
    change_taxonomy(desk, 'merge = ["IT", "Billing"]\nto = "Support"')
    decision, queue = send(desk)
    assert queue == "Support"
    assert decision["confidence"] == pytest.approx(shares["IT"] + shares["Billing"])
    assert [one["label"] for one in decision["top"]] == ["Support", "Кадры/Отпуск"]
    assert command("verify", "--last", 9).code == 0


def test_a_ticket_of_a_split_queue_waits_for_a_person(desk, command):
    change_taxonomy(desk, 'split = "IT"\nto = ["Network", "Hardware"]')
    decision, queue = send(desk)
    assert (decision["label"], decision["action"], queue) == ("IT", "suggest", "triage")
    assert decision["reasons"][0]["code"] == "split"
    assert send(desk, "Billing")[1] == "Billing"
    assert command("verify", "--last", 9).code == 0


def test_no_ticket_is_routed_to_a_retired_queue(desk, command):
    change_taxonomy(desk, 'retire = "IT"')
    decision, queue = send(desk)
    assert (decision["action"], decision["reasons"][0]["code"], queue) == ("suggest", "retired", "triage")
    assert decision["label"] != "IT"
    assert "IT" not in [one["label"] for one in decision["top"]]
    assert command("verify", "--last", 9).code == 0


def test_the_fallback_does_not_lead_into_a_retired_queue(desk):
    retired = f'mode = "suggest"\nfallback = "IT"\n[[taxonomy]]\non = {YESTERDAY}\ntarget = "queue"\nretire = "IT"'
    desk.put("/v1/policy", content='mode = "suggest"\nfallback = "IT"', headers=TOML)
    assert send(desk)[1] == "IT"
    desk.put("/v1/policy", content=retired, headers=TOML)
    assert send(desk)[1] == "triage"


def test_a_taxonomy_change_of_a_later_day_has_no_effect_yet(desk):
    change_taxonomy(desk, 'retire = "IT"', on=TOMORROW)
    assert send(desk)[1] == "IT"


def test_a_score_uses_the_labels_of_today(desk):
    change_taxonomy(desk, 'rename = "IT"\nto = "Техника"')
    found = desk.post("/v1/score", json={"tickets": [{"subject": SUBJECTS["IT"]}]}).json()
    assert "Техника" in str(found)
    assert "'IT'" not in str([one["decisions"]["queue"]["label"] for one in found["items"]])


def test_a_split_leaves_the_tickets_of_the_old_label_to_people(desk, command):
    desk.put("/v1/policy", content='mode = "route"', headers=TOML)
    numbers = [desk.post("/v1/tickets", json={"subject": SUBJECTS["IT"]}).json()["ticket"]["id"] for _ in range(3)]
    desk.post("/v1/tickets", json={"subject": SUBJECTS["Billing"]})
    assert "`deskyard taxonomy tasks`" in command("taxonomy", "split", "queue", "IT", "--to", "Net", "--to", "Kit").out
    lines = command("taxonomy", "tasks", "--tickets", 2).out.splitlines()
    assert lines[0].endswith("people chose 'Net' 0, 'Kit' 0; 3 waiting")
    assert [line.split()[0] for line in lines[1:]] == [numbers[2], numbers[1]]

    desk.patch(f"/v1/tickets/{numbers[2]}", json={"queue": "Net"}, headers={"If-Match": "*"})
    lines = command("taxonomy", "tasks").out.splitlines()
    assert lines[0].endswith("people chose 'Net' 1, 'Kit' 0; 2 waiting")
    assert [line.split()[0] for line in lines[1:]] == [numbers[1], numbers[0]]


def test_a_ticket_that_keeps_the_split_label_waits_until_a_person_confirms_it(desk, command):
    desk.put("/v1/policy", content='mode = "route"', headers=TOML)
    number = desk.post("/v1/tickets", json={"subject": SUBJECTS["IT"]}).json()["ticket"]["id"]
    command("taxonomy", "split", "queue", "IT", "--to", "IT", "--to", "Network")
    assert command("taxonomy", "tasks").out.splitlines()[0].endswith("; 1 waiting")
    for queue in ("Network", "IT"):
        desk.patch(f"/v1/tickets/{number}", json={"queue": queue}, headers={"If-Match": "*"})
    assert command("taxonomy", "tasks").out.splitlines()[0].endswith("people chose 'IT' 1, 'Network' 1; 0 waiting")


def test_a_taxonomy_change_is_added_and_read_over_the_api(desk, command):
    desk.put("/v1/policy", content='mode = "route"', headers=TOML)
    desk.post("/v1/tickets", json={"subject": SUBJECTS["IT"]})
    split = {"target": "queue", "split": "IT", "to": ["Network", "Hardware"], "reason": "two teams"}
    made = desk.post("/v1/policy/taxonomy", json=split)
    assert made.status_code == 200
    assert "[[taxonomy]]" in made.json()["text"]
    desk.post("/v1/policy/taxonomy", json={"on": TOMORROW, "target": "queue", "retire": "Billing"})
    taxonomy = desk.get("/v1/policy/taxonomy").json()
    assert [(one["kind"], one["labels"], one["to"]) for one in taxonomy["changes"]] == [
        ("split", ["IT"], ["Network", "Hardware"]),
        ("retire", ["Billing"], []),
    ]
    (task,) = taxonomy["tasks"]
    assert (task["tickets"], task["waiting"], task["chosen"]) == (["1"], 1, {"Network": 0, "Hardware": 0})
    assert "two teams" in desk.get("/v1/audit").json()["items"][1]["subject"]
    assert send(desk)[1] == "triage"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"target": "queue"}, "change is one of rename, merge, split, retire"),
        ({"target": "queue", "retire": "IT", "rename": "IT"}, "change is one of rename, merge, split, retire"),
        ({"target": "priority", "retire": "low"}, "target is 'priority'; choose from"),
        ({"target": "queue", "rename": "IT", "to": ["A", "B"]}, "it must be one label"),
    ],
)
def test_an_invalid_taxonomy_change_is_refused_with_a_sentence(desk, body, message):
    answered = desk.post("/v1/policy/taxonomy", json=body)
    assert answered.status_code == 422
    assert message in answered.json()["detail"]
    assert desk.get("/v1/policy/taxonomy").json()["changes"] == []


def test_a_decision_is_replayed_with_the_taxonomy_of_its_day(desk, command, home):
    change_taxonomy(desk, 'retire = "IT"', on=TOMORROW)
    send(desk)
    assert command("verify", "--last", 1).code == 0
    database = open_database(settings().database)
    with database.writing() as conn:  # as if the decision was made when the change applies
        conn.execute(text("UPDATE journal_entries SET at = '3000' || substr(at, 5) WHERE kind = 'decided'"))
    database.close()
    assert command("verify", "--last", 1).out.startswith("different")


def test_a_rule_for_a_queue_applies_under_its_new_name(desk):
    desk.put("/v1/queues/Техника", json={})
    rules = '[queues."IT"]\nmode = "route"'
    change = f'[[taxonomy]]\non = {YESTERDAY}\ntarget = "queue"\nrename = "IT"\nto = "Техника"'
    desk.put("/v1/policy", content=f'mode = "suggest"\n{rules}\n{change}'.encode(), headers=TOML)
    assert send(desk)[1] == "Техника"
    assert send(desk, "Billing")[1] == "triage"
