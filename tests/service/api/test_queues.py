"""`/v1/queues`: names as people write them, and pages."""

from urllib.parse import quote

import pytest

from deskyard.desk import queues
from service.api.response_models.desk import QueuePage
from service.api.response_models.tickets import TicketPage

NAMES = ["Поддержка/1-я линия", "a/tickets", "50% ?#&+", "/", "...", "IT "]


def make(client, names):
    with client.app.state.context.database.writing() as conn:
        queues.ensure_queues(conn, names)


def test_a_new_desk_has_one_queue_and_it_is_triage(client):
    answer = QueuePage.model_validate(client.get("/v1/queues").json())
    assert [(queue.name, queue.open) for queue in answer.items] == [("triage", True)]
    assert answer.next_cursor is None


@pytest.mark.parametrize("name", NAMES)
def test_a_queue_name_may_hold_a_slash_and_cyrillic(client, name):
    make(client, NAMES)
    assert name in [queue["name"] for queue in client.get("/v1/queues").json()["items"]]
    answered = client.get(f"/v1/queues/{quote(name, safe='')}/tickets")
    assert answered.status_code == 200
    assert answered.json() == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("name", ["Nowhere", "Поддержка", "%00", "%ED%A0%80", "%FF"])
def test_a_queue_that_does_not_exist_is_a_404_with_a_sentence(client, name):
    answered = client.get(f"/v1/queues/{name}/tickets")
    assert answered.status_code == 404
    assert "no queue" in answered.json()["detail"]


def test_queues_come_in_pages(client):
    make(client, [f"q{n}" for n in range(25)])
    found, query = [], "limit=10"
    while True:
        page = client.get(f"/v1/queues?{query}").json()
        found += [queue["name"] for queue in page["items"]]
        if page["next_cursor"] is None:
            break
        query = f"limit=10&cursor={page['next_cursor']}"
    assert found == ["triage", *(f"q{n}" for n in range(25))]


def test_tickets_come_in_pages_of_100_unless_asked_otherwise(client):
    for n in range(103):
        client.post("/v1/tickets", json={"external_id": str(n)})
    first = TicketPage.model_validate(client.get("/v1/queues/triage/tickets").json())
    assert len(first.items) == 100
    rest = client.get(f"/v1/queues/triage/tickets?cursor={first.next_cursor}").json()
    assert [item["external_id"] for item in rest["items"]] == ["100", "101", "102"]
    assert rest["next_cursor"] is None
    assert len(client.get("/v1/queues/triage/tickets?limit=1000").json()["items"]) == 103


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=-1", "limit=x", "limit=", "cursor=x", "cursor="])
def test_a_page_that_can_not_be_given_is_refused_with_a_sentence(client, query):
    for address in ("/v1/queues", "/v1/queues/triage/tickets"):
        answered = client.get(f"{address}?{query}")
        assert answered.status_code == 422
        assert answered.json()["detail"]
