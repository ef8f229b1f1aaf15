"""`/v1/tickets` without a model: nothing is lost, nothing is stored twice, every request has an answer."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from deskyard.domain.ticket import Ticket
from deskyard.policy.versions import DEFAULT_POLICY
from deskyard.settings import Settings
from service.api.response_models.tickets import TicketReceipt, TicketResponse
from service.tickets.routing import IncomingTicket, route_batch


def rows(client, sql):
    with client.app.state.context.database.reading() as conn:
        return [tuple(row) for row in conn.execute(text(sql))]


def raw(client, body: bytes):
    return client.post("/v1/tickets", content=body, headers={"Content-Type": "application/json"})


def test_no_model_sends_everything_to_triage_and_says_so(client):
    answered = client.post("/v1/tickets", json={"source": "mail", "external_id": "4711", "subject": "VPN drops"})
    assert answered.status_code == 201
    answer = TicketReceipt.model_validate(answered.json())
    assert (answer.ticket.source, answer.ticket.external_id, answer.ticket.queue) == ("mail", "4711", "triage")
    assert (answer.decisions, answer.model) == ({}, None)
    assert answer.placement.reason.code == "no_model"
    assert "deskyard train" in answer.placement.reason.text


def test_the_same_ticket_again_gets_200_and_the_first_answer(client):
    first = client.post("/v1/tickets", json={"source": "mail", "external_id": "1", "subject": "VPN drops"})
    again = client.post("/v1/tickets", json={"source": "mail", "external_id": "1", "subject": "Something else"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json() | {"changed": True}
    assert rows(client, "SELECT subject FROM desk_tickets") == [("VPN drops",)]


def test_the_same_ticket_sent_100_times_is_one_row_and_one_decision(client):
    with ThreadPoolExecutor(8) as pool:
        sent = list(pool.map(lambda _: client.post("/v1/tickets", json={"external_id": "1", "body": "x"}), range(100)))
    assert sorted(answer.status_code for answer in sent) == [200] * 99 + [201]
    assert len({answer.content for answer in sent}) == 1
    assert rows(client, "SELECT count(*) FROM desk_tickets") == [(1,)]
    assert rows(client, "SELECT count(*) FROM desk_journey") == [(1,)]
    assert rows(client, "SELECT kind FROM journal_entries ORDER BY id") == [("seen",), ("decided",), ("placed",)]


def test_tickets_sent_at_once_are_each_in_exactly_one_queue(client):
    with ThreadPoolExecutor(8) as pool:
        names = [str(n % 60) for n in range(80)]
        sent = list(pool.map(lambda name: client.post("/v1/tickets", json={"external_id": name}), names))
    assert {answer.status_code for answer in sent} == {200, 201}
    listed = client.get("/v1/queues/triage/tickets?limit=1000").json()["items"]
    assert sorted(item["external_id"] for item in listed) == sorted(set(names))


def test_a_ticket_without_an_external_id_is_a_new_one_each_time(client):
    ids = {client.post("/v1/tickets", json={"subject": "VPN"}).json()["ticket"]["id"] for _ in range(3)}
    assert len(ids) == 3
    answer = client.get(f"/v1/tickets/{max(ids)}").json()
    assert (answer["source"], answer["external_id"]) == ("api", None)


def test_a_ticket_without_text_goes_to_triage_as_empty(client):
    for body in ({}, {"subject": None, "body": " \n"}, {"fields": {"product": "x"}}):
        answered = client.post("/v1/tickets", json=body)
        assert answered.status_code == 201
        assert answered.json()["placement"] == {
            "queue": "triage",
            "reason": {"code": "empty", "text": "the ticket has no text"},
        }


def test_a_ticket_is_returned_with_its_texts_and_its_history(client):
    sent = {
        "source": "form",
        "external_id": 42,
        "subject": "Не печатает",
        "body": "<p>Принтер 🖨</p>",
        "channel": "form",
        "language": "ru",
        "requester": "a@example.org",
        "organisation": "ООО «Ромашка»",
        "created_at": "2026-01-31T12:00:00+03:00",
        "fields": {"product": "LJ", "floor": 3, "vip": True, "weight": 1.5, "nothing": None},
    }
    answer = client.post("/v1/tickets", json=sent).json()
    seen = client.get(f"/v1/tickets/{answer['ticket']['id']}").json()
    TicketResponse.model_validate(seen)
    assert {name: seen[name] for name in ("subject", "body", "channel", "language", "requester", "organisation")} == {
        name: sent[name] for name in ("subject", "body", "channel", "language", "requester", "organisation")
    }
    assert seen["external_id"] == "42"
    assert seen["created_at"] == "2026-01-31T09:00:00Z" == answer["ticket"]["created_at"]
    assert seen["fields"] == {"product": "LJ", "floor": "3", "vip": "true", "weight": "1.5"}
    (event,) = seen["history"]
    assert event["actor"] == {"kind": "machine", "name": "deskyard"}
    assert (event["field"], event["from"], event["to"]) == ("queue", None, "triage")
    assert "deskyard train" in event["reason"]
    assert seen["decision"] == answer["decision"]


def test_characters_that_a_database_can_not_store_are_replaced(client):
    answered = raw(client, rb'{"subject": "a\u0000b\ud800c", "external_id": "\udfff", "fields": {"\ud800": "\u0000"}}')
    assert answered.status_code == 201
    seen = client.get(f"/v1/tickets/{answered.json()['ticket']['id']}").json()
    assert (seen["subject"], seen["external_id"]) == ("a\ufffdb\ufffdc", "\ufffd")
    assert seen["fields"] == {"\ufffd": "\ufffd"}


def test_a_ticket_of_a_megabyte_is_stored_whole(client):
    body = "Слово и 🙂 " * 60_000
    answer = client.post("/v1/tickets", json={"body": body})
    assert answer.status_code == 201
    assert client.get("/v1/tickets/1").json()["body"] == body


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"{bad", 400, "not valid JSON"),
        (b"\xff\xfe", 400, "body"),
        (b"[" * 100_000, 400, "body"),
        (b"", 422, "body"),
        (b"null", 422, "body"),
        (b"[]", 422, "body"),
        (b'"text"', 422, "body"),
        (b'{"subject": 5}', 422, "subject: "),
        (b'{"body": ["a"]}', 422, "body: "),
        (b'{"fields": {"a": [1]}}', 422, "fields.a: must be a text, a number, true or false"),
        (b'{"fields": {"a": NaN}}', 422, "fields.a: "),
        (b'{"fields": {"a": 1e999}}', 422, "fields.a: "),
        (b'{"external_id": "' + b"x" * 300 + b'"}', 422, "external_id: "),
        (b'{"external_id": true}', 422, "external_id: "),
        (b'{"external_id": ' + b"9" * 5000 + b"}", 400, "body"),
    ],
)
def test_bad_input_gets_a_sentence_that_says_what_is_wrong(client, body, status, message):
    answered = raw(client, body)
    assert answered.status_code == status
    assert answered.headers["content-type"] == "application/problem+json"
    problem = answered.json()
    assert (problem["status"], problem["type"]) == (status, "about:blank")
    assert message in problem["detail"]
    assert rows(client, "SELECT count(*) FROM desk_tickets") == [(0,)]


def test_an_unknown_member_is_kept_as_a_field(client):
    sent = {"subject": "VPN", "created_at": "", "x_product": "Laptop", "floor": 3, "tags": ["a"], "vip": None}
    answered = client.post("/v1/tickets", json=sent | {"fields": {"room": "4"}})
    seen = client.get(f"/v1/tickets/{answered.json()['ticket']['id']}").json()
    assert seen["fields"] == {"room": "4", "product": "Laptop", "floor": "3", "tags": '["a"]'}


@pytest.mark.parametrize("date", ["yesterday", "2024-02-30", 5])
def test_a_ticket_with_an_unreadable_date_is_stored(client, date):
    answered = client.post("/v1/tickets", json={"subject": "VPN", "created_at": date})
    assert answered.status_code == 201
    assert client.get("/v1/tickets/1").json()["fields"] == {"created_at": str(date)}


def test_a_date_is_read_as_in_files(client):
    answered = client.post("/v1/tickets", json={"subject": "VPN", "created_at": "01.02.2024 10:00"})
    assert answered.json()["ticket"]["created_at"] == "2024-02-01T10:00:00Z"


def test_a_refusal_names_many_wrong_fields_but_not_endlessly(client):
    problem = client.post("/v1/tickets", json={"fields": {f"x{n}": [] for n in range(50)}}).json()
    assert [error["field"] for error in problem["errors"]] == [f"fields.x{n}" for n in range(20)]
    assert problem["detail"].endswith("and 30 more")


@pytest.mark.parametrize("number", ["2", "0", "-1", "1.0", "abc", "1" * 40, "١", "%00", "' OR 1=1"])
def test_a_ticket_that_does_not_exist_is_a_404_with_a_sentence(client, number):
    client.post("/v1/tickets", json={"subject": "VPN"})
    answered = client.get(f"/v1/tickets/{number}")
    assert answered.status_code == 404
    assert "no ticket" in answered.json()["detail"]


def test_tickets_are_still_there_after_a_restart_and_get_their_first_answer(tmp_path, call, client):
    first = client.post("/v1/tickets", json={"external_id": "1", "subject": "VPN"})
    again = call(Settings(home=tmp_path)).post("/v1/tickets", json={"external_id": "1", "subject": "VPN"})
    assert (again.status_code, again.content) == (200, first.content)


def test_the_journal_keeps_the_hash_and_the_digests_and_no_text(client):
    client.post("/v1/tickets", json={"external_id": "1", "subject": "a secret of a customer"})
    entries = rows(client, "SELECT * FROM journal_entries")
    assert "secret" not in json.dumps(entries, ensure_ascii=False)
    ((digest, bundle, policy),) = rows(client, "SELECT DISTINCT ticket_hash, bundle, policy FROM journal_entries")
    assert len(digest) == 64
    assert bundle is None
    assert policy == DEFAULT_POLICY.digest


def test_the_same_ticket_twice_in_one_transaction_is_one_ticket_and_one_answer(client):
    arrivals = [IncomingTicket(Ticket(id=name, source="mail", subject="VPN")) for name in ("1", "2", "1")]
    first, second, again = route_batch(client.app.state.context, arrivals)
    assert (first.is_new, second.is_new, again.is_new) == (True, True, False)
    assert again.answer == first.answer
    assert rows(client, "SELECT count(*) FROM desk_tickets") == [(2,)]
    assert rows(client, "SELECT count(*) FROM journal_entries") == [(6,)]


def test_tickets_placed_together_are_answered_as_if_each_came_alone(trained):
    subjects = ["the vpn client drops", "прошу согласовать отпуск", "", "xyzzy", "wrong amount on the invoice"]
    context = trained.app.state.context
    alone = [route_batch(context, [IncomingTicket(Ticket(id=f"a{s}", subject=s))])[0].answer for s in subjects]
    together = [
        a.answer for a in route_batch(context, [IncomingTicket(Ticket(id=f"t{s}", subject=s)) for s in subjects])
    ]
    for one, other in zip(alone, together, strict=True):
        assert {name: one[name] for name in ("decisions", "placement", "model", "policy")} == {
            name: other[name] for name in ("decisions", "placement", "model", "policy")
        }
