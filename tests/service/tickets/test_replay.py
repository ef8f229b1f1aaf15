"""`deskyard verify`: the same decision again, or the reason why it can't be computed."""

import json
import shutil
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from deskyard.db.database import open_database
from deskyard.desk import agents
from deskyard.domain.actors import Actor
from deskyard.policy.policy import Mode, Policy
from deskyard.policy.versions import Policies
from deskyard.registry import promotion
from deskyard.settings import Settings, settings

TEXTS = [
    {"subject": "the vpn client drops the connection and the laptop is offline"},
    {"subject": "прошу согласовать отпуск и больничный лист", "fields": {"этаж": 3}},
    {"subject": "xyzzy"},
    {},
    {"body": "<p>invoice</p> \ud800 \u0000 wrong amount 📧", "created_at": "2026-01-31 10:00", "external_id": "7"},
]

RAISED_CONFIDENCE = """UPDATE journal_entries SET content = json_set(content, '$.decisions.queue.confidence',
    json_extract(content, '$.decisions.queue.confidence') + {}) WHERE kind = 'decided'"""


@pytest.fixture
def desk(call, command, champion, home):
    """A client of a service in the home of the command."""
    shutil.copytree(champion / "models", home / "models")
    database = open_database(settings().database)
    promotion.promote(database, home / "models", "tiny", Actor("person", "ann"))
    with database.writing() as conn:
        agents.ensure_agents(conn, {"ann": ["IT", "Billing"]})
        Policies.add_version(conn, Policy(mode=Mode.ROUTE), "ann", datetime.now(UTC))
    database.close()
    return call(Settings(home=home))


def post(client, body):
    """Post a ticket, also one with a lone surrogate, which JSON may hold and UTF-8 may not."""
    return client.post("/v1/tickets", content=json.dumps(body), headers={"Content-Type": "application/json"})


def send(client):
    return [post(client, body).json()["decision"] for body in TEXTS]


def test_every_decision_can_be_computed_again_byte_for_byte(desk, command):
    result = command("verify", *send(desk))
    assert (result.code, result.out.splitlines()[-1]) == (0, "5 of 5 decisions are the same, byte for byte.")


def test_a_decision_stays_the_same_after_everything_around_it_has_changed(desk, command):
    numbers = send(desk)
    desk.put("/v1/policy", content='mode = "off"', headers={"Content-Type": "application/toml"})
    desk.put("/v1/queues/IT", json={"open": False})
    desk.put("/v1/agents/ann", json={"present": False})
    desk.patch("/v1/tickets/1", json={"queue": "Billing"}, headers={"If-Match": "*"})
    assert command("verify", *numbers).code == 0
    send(desk)
    assert command("verify", "--last", 100).out.startswith("same")
    assert command("verify", "--last", 100).out.endswith("9 of 9 decisions are the same, byte for byte.\n")


def test_a_decision_stays_the_same_after_the_out_of_scope_rate_has_changed(desk, command):
    for rate in ("", "out_of_scope_rate = 0.01", "out_of_scope_rate = 0.5"):
        desk.put("/v1/policy", content=f'mode = "route"\n{rate}', headers={"Content-Type": "application/toml"})
        send(desk)
    policies = {desk.get("/v1/policy/versions").json()["items"][i]["digest"] for i in range(3)}
    assert len(policies) == 3
    assert command("verify", "--last", 100).code == 0


def test_a_decision_without_a_model_is_verified_too(call, home, command):
    client = call(Settings(home=home))
    send(client)
    assert command("verify", "--last", 5).code == 0


def change(sql):
    database = open_database(settings().database)
    with database.writing() as conn:
        conn.execute(text(sql))
    database.close()


@pytest.mark.parametrize(
    ("sql", "finding", "message"),
    [
        ("UPDATE desk_tickets SET subject = 'other'", "different", "not the one that was decided on"),
        ("UPDATE journal_entries SET content = replace(content, '\"IT\"', '\"Billing\"')", "different", "recomputed"),
        (RAISED_CONFIDENCE.format("1e-9"), "different", "in their last digits"),
        (RAISED_CONFIDENCE.format("1e-3"), "different", "recomputed"),
        ("DELETE FROM desk_journey; DELETE FROM desk_tickets", "erased", "erased"),
        ("UPDATE journal_entries SET policy = 'x'", "unknown", "policy x"),
        ("UPDATE journal_entries SET bundle = 'abc'", "unknown", "digest abc"),
    ],
)
def test_what_can_not_be_computed_again_is_never_called_the_same(desk, command, sql, finding, message):
    number = desk.post("/v1/tickets", json=TEXTS[0]).json()["decision"]
    for statement in sql.split(";"):
        change(statement)
    result = command("verify", number)
    assert result.code == 1
    assert result.out.startswith(finding)
    assert message in result.out
    assert result.out.endswith("0 of 1 decisions are the same, byte for byte.\n")


def test_an_unknown_decision_and_none_at_all_are_told(desk, command):
    assert "no decision 4711" in command("verify", 4711).err
    assert "name a decision by its number" in command("verify").err
