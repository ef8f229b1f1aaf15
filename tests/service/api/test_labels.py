"""`/v1/labels` and the page of tickets to label: which tickets people are asked about, and what their labels change."""

import re
from datetime import UTC, datetime

import pytest

from deskyard.desk import tickets
from deskyard.domain.actors import Actor
from deskyard.journal.journal import Journal
from deskyard.policy.policy import Mode, Policy
from deskyard.policy.versions import Policies
from deskyard.privacy import erasure
from tests.conftest import SUBJECTS
from tests.service.pages.people import sign_in_as

HTMX = {"HX-Request": "true"}
STRICT = Policy(mode=Mode.SUGGEST, precision=0.999)


@pytest.fixture
def desk(trained):
    """A client of a desk with too little evidence for its contracts; nothing is routed."""
    with trained.app.state.context.changing_settings() as conn:
        Policies.add_version(conn, STRICT, "test", datetime.now(UTC))
    return trained


def create(client, subject, body=""):
    answered = client.post("/v1/tickets", json={"subject": subject, "body": body})
    return int(answered.json()["ticket"]["id"])


def labels(client, **params):
    client.app.state.context.label_plans = type(client.app.state.context.label_plans)()  # without its cache
    answered = client.get("/v1/labels", params=params)
    assert answered.status_code == 200, answered.text
    return answered.json()


def shown_ticket(html):
    found = re.search(r'hx-post="/review/(\d+)/hold"', html)
    return int(found[1]) if found else None


def read(client, number):
    with client.app.state.context.database.reading() as conn:
        return tickets.get_ticket(conn, number), [entry.kind for entry in Journal.list_entries(conn, number)]


def test_without_a_model_or_tickets_there_is_nothing_to_label(client, desk):
    assert client.get("/v1/labels").json() == {"per_week": 50, "goals": [], "unlabelled": [], "doubtful": []}
    assert labels(desk)["unlabelled"] == []


def test_goals_and_tickets_are_listed_until_a_person_has_labelled_them(desk):
    numbers = [create(desk, SUBJECTS[queue]) for queue in ("IT", "Billing")]
    found = labels(desk, target="queue", per_week=10)
    assert found["per_week"] == 10
    assert {goal["target"] for goal in found["goals"]} >= {"queue"}
    assert {one["ticket"] for one in found["unlabelled"]} == set(numbers)
    assert {one["reason"] for one in found["unlabelled"]} == {"unlabelled"}
    assert {one["target"] for one in labels(desk, target="category")["unlabelled"]} <= {"category"}
    desk.patch(f"/v1/tickets/{numbers[0]}", json={"queue": "IT"}, headers={"If-Match": '"1"'})
    assert {one["ticket"] for one in labels(desk, target="queue")["unlabelled"]} == {numbers[1]}


def test_a_label_on_the_review_page_counts_as_a_persons_and_the_next_ticket_follows(desk):
    first, second = (create(desk, SUBJECTS[queue]) for queue in ("IT", "Billing"))
    labels(desk)
    page = desk.get("/review?view=labels")
    first_shown = shown_ticket(page.text)
    assert "To label" in page.text
    assert "Selected because" in page.text
    form = {"version": 1, "queue": "Billing", "view": "labels"}
    after = desk.post(f"/review/{first_shown}", data=form, headers=HTMX)
    assert after.status_code == 200
    assert {first_shown, shown_ticket(after.text)} == {first, second}
    ticket, kinds = read(desk, first_shown)
    assert ticket.queue == "Billing"
    assert kinds[-1] in ("corrected", "confirmed")
    last = desk.post(f"/review/{shown_ticket(after.text)}", data=form, headers=HTMX)
    assert "Nothing to label at the moment." in last.text


def test_a_doubtful_label_that_a_person_keeps_is_confirmed_and_no_longer_doubtful(desk):
    number = create(desk, SUBJECTS["IT"])
    desk.patch(f"/v1/tickets/{number}", json={"queue": "Billing"}, headers={"If-Match": '"1"'})
    (doubtful,) = labels(desk, target="queue")["doubtful"]
    assert (doubtful["ticket"], doubtful["current_label"], doubtful["predicted_label"]) == (number, "Billing", "IT")
    page = desk.get("/review?view=labels", headers={"Accept-Language": "ru"})
    assert "Проверьте, пожалуйста" in page.text
    version = read(desk, number)[0].version
    desk.post(f"/review/{number}", data={"version": version, "queue": "Billing", "view": "labels"}, headers=HTMX)
    ticket, kinds = read(desk, number)
    assert (ticket.queue, ticket.version, kinds[-1]) == ("Billing", version, "confirmed")
    assert labels(desk, target="queue")["doubtful"] == []


def test_an_agent_is_asked_about_tickets_of_their_queues_only(desk):
    number = create(desk, SUBJECTS["IT"])
    other = create(desk, SUBJECTS["Billing"])
    desk.patch(f"/v1/tickets/{number}", json={"queue": "Billing"}, headers={"If-Match": '"1"'})
    assert {one["ticket"] for one in labels(desk)["unlabelled"]} >= {other}
    sign_in_as(desk, "bob", "agent", ["IT"])
    page = desk.get("/review?view=labels").text
    assert "Nothing to label at the moment." in page
    assert str(number) not in re.findall(r"/review/(\d+)", page)


def test_an_erased_ticket_is_not_listed_and_none_of_its_words_stay_in_memory(desk, home):
    gone = "zebra-crossing " + SUBJECTS["IT"]
    created = desk.post("/v1/tickets", json={"subject": gone, "requester": "anna.wald@example.org"}).json()
    stays = create(desk, SUBJECTS["Billing"])
    context = desk.app.state.context
    assert any(gone == one["subject"] for one in labels(desk)["unlabelled"])
    desk.get("/review?view=labels")
    assert "zebra" not in repr(context.label_plans._plans)
    assert int(created["ticket"]["id"]) in {number for number, *_ in context.explanations._entries}
    with context.database.reading() as conn:
        found = erasure.find_by_requester(conn, "anna.wald@example.org")
    by = Actor("person", "ann")  # as the command does, in another process
    erasure.apply_erasure(context.database, found, "asked", by, lambda: datetime.now(UTC))
    after = desk.get("/v1/labels").json()
    assert {one["ticket"] for one in after["unlabelled"] + after["doubtful"]} == {stays}
    assert desk.post("/v1/erasures", json={"requester": "anna.wald@example.org"}).status_code == 200
    assert len(context.explanations._entries) == 0


def test_an_unknown_view_and_a_pace_of_zero_are_refused(desk):
    assert desk.get("/review?view=other").status_code == 422
    assert desk.get("/v1/labels?per_week=0").status_code == 422
