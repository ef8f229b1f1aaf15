"""The service with a model: confident predictions are routed, others are not, and a broken model loses no ticket."""

import shutil
from dataclasses import replace
from urllib.parse import quote

import pytest

from deskyard.cli.check import run_checks
from deskyard.db.database import open_database
from deskyard.policy.policy import Mode, Policy
from deskyard.settings import Settings
from service.api.response_models.tickets import TicketReceipt
from service.runtime.model_watcher import ModelWatcher

VPN = "the vpn client drops the connection and the laptop is offline"
INVOICE = "the invoice shows a wrong amount, please refund the payment"
TOML = {"Content-Type": "application/toml"}
LEAVE = "прошу согласовать отпуск и больничный лист"


@pytest.mark.parametrize(("text", "queue"), [(VPN, "IT"), (INVOICE, "Billing"), (LEAVE, "Кадры/Отпуск")])
def test_a_ticket_with_a_confident_prediction_is_routed_with_its_reasons(trained, text, queue):
    answer = TicketReceipt.model_validate(trained.post("/v1/tickets", json={"subject": text}).json())
    decision = answer.decisions["queue"]
    assert (answer.ticket.queue, decision.label, decision.action) == (queue, queue, "route")
    assert decision.confidence == decision.top[0].confidence
    assert "past tickets were right" in decision.reasons[0].text
    listed = trained.get(f"/v1/queues/{quote(queue, safe='')}/tickets").json()["items"]
    assert [item["id"] for item in listed] == [answer.ticket.id]


def test_the_answer_carries_the_digests_of_model_and_policy(trained):
    answer = trained.post("/v1/tickets", json={"subject": VPN}).json()
    context = trained.app.state.context
    assert (answer["model"], answer["policy"]) == (context.models.champion.digest, Policy(mode=Mode.ROUTE).digest)
    assert answer["model"] == trained.get("/readyz").json()["model"]["digest"]


def test_a_decision_is_set_on_the_ticket_and_recorded_in_its_history(trained):
    answer = trained.post("/v1/tickets", json={"subject": VPN}).json()
    seen = trained.get(f"/v1/tickets/{answer['ticket']['id']}").json()
    assert (seen["queue"], seen["priority"], seen["assignee"], seen["category"]) == ("IT", "low", "ann", None)
    assert {(event["field"], event["to"]) for event in seen["history"]} == {
        ("queue", "IT"),
        ("priority", "low"),
        ("assignee", "ann"),
    }
    assert {event["actor"]["name"] for event in seen["history"]} == {answer["model"]}
    assert seen["decisions"] == answer["decisions"]


def test_a_ticket_of_unknown_words_stays_in_triage_with_nothing_set(trained):
    answer = TicketReceipt.model_validate(trained.post("/v1/tickets", json={"subject": "xyzzy plugh"}).json())
    assert answer.ticket.queue == "triage"
    assert {decision.action for decision in answer.decisions.values()} == {"leave"}
    assert (answer.ticket.priority, answer.ticket.assignee) == (None, None)


def test_a_queue_that_is_not_open_leaves_the_ticket_in_triage_without_an_assignee(trained):
    assert trained.put("/v1/queues/IT", json={"open": False}).status_code == 200
    answer = TicketReceipt.model_validate(trained.post("/v1/tickets", json={"subject": VPN}).json())
    assert answer.ticket.queue == "triage"
    assert "not an open queue" in answer.placement.reason.text
    assert answer.decisions["assignee"].action == "suggest"
    assert (answer.ticket.priority, answer.ticket.assignee) == ("low", None)


def test_a_policy_change_applies_to_the_next_ticket(trained):
    assert trained.post("/v1/tickets", json={"subject": VPN}).json()["ticket"]["queue"] == "IT"
    assert trained.put("/v1/policy", content='mode = "suggest"', headers=TOML).status_code == 200
    answer = trained.post("/v1/tickets", json={"subject": VPN}).json()
    assert (answer["ticket"]["queue"], answer["ticket"]["priority"]) == ("triage", None)
    assert answer["decisions"]["queue"]["reasons"][0]["code"] == "suggest"
    assert answer["policy"] == Policy(mode=Mode.SUGGEST).digest


def test_the_first_answer_is_the_same_bytes_with_a_model_too(trained):
    first = trained.post("/v1/tickets", json={"external_id": "1", "subject": INVOICE})
    again = trained.post("/v1/tickets", json={"external_id": "1", "subject": INVOICE})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.content == again.content
    other = trained.post("/v1/tickets", json={"external_id": "1", "subject": VPN})
    assert (other.status_code, other.json()) == (200, first.json() | {"changed": True})


def test_a_ticket_on_which_the_model_fails_goes_to_triage_and_affects_no_other(trained):
    context = trained.app.state.context
    champion = context.models.champion
    bundle = champion.bundle
    # A head with more labels than the arrays hold: each prediction raises, as with a bug in a model.
    heads = {"queue": replace(bundle.scorer.heads["queue"], span=slice(0, 99), labels=("IT",) * 99)}
    broken = replace(bundle, scorer=replace(bundle.scorer, heads=heads))
    context.models.champion = replace(champion, bundle=broken)
    answered = trained.post("/v1/tickets", json={"subject": VPN})
    assert answered.status_code == 201
    assert answered.json()["placement"]["queue"] == "triage"
    assert answered.json()["placement"]["reason"]["code"] == "scoring_failed"
    scored = trained.post("/v1/score", json={"tickets": [{"subject": VPN}, {}]}).json()["items"]
    assert [item["placement"]["reason"]["code"] for item in scored] == ["scoring_failed", "empty"]


@pytest.mark.parametrize("damage", ["truncated", "gone", "unnamed"])
def test_a_broken_champion_sends_everything_to_triage_and_readyz_says_so(call, champion, tmp_path, damage):
    shutil.copytree(champion / "models", tmp_path / "models")
    if damage == "truncated":
        victim = next((tmp_path / "models" / "tiny").rglob("coef.npy"))
        victim.write_bytes(victim.read_bytes()[:-10])
    elif damage == "gone":
        shutil.rmtree(tmp_path / "models" / "tiny")
    else:
        (tmp_path / "models" / "CURRENT").write_bytes(b"\xff../x")
    client = call(Settings(home=tmp_path))
    answered = client.post("/v1/tickets", json={"subject": VPN})
    assert answered.status_code == 201
    assert answered.json()["placement"]["reason"]["code"] == "model_broken"
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["model"]) == (200, None)
    assert ready.json()["reason"].startswith("the model can't be used")
    (finding,) = [finding for finding in run_checks(Settings(home=tmp_path), 8000) if finding.subject == "model"]
    assert finding.level == "fail"


def test_check_finds_an_intact_champion(champion):
    (finding,) = [finding for finding in run_checks(Settings(home=champion), 8000) if finding.subject == "model"]
    assert (finding.level, finding.text.split()[0]) == ("ok", "tiny")


def test_a_loaded_champion_is_ready_for_its_first_ticket(champion, tmp_path):
    database = open_database(f"sqlite:///{tmp_path}/desk.db")
    loaded = ModelWatcher(champion / "models", database).champion
    database.close()
    assert loaded.missing_reason is None
    assert {contract.threshold is not None for contract in loaded.bundle.contracts().values()} == {True}
