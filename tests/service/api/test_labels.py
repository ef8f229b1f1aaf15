"""`/v1/labels` and the review desk's line of wanted labels: what is asked, of whom, and what an answer is."""

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
def asking(trained):
    """A desk whose evidence is too little for what is promised; nothing is routed."""
    with trained.app.state.context.changing_settings() as conn:
        Policies.add_version(conn, STRICT, "test", datetime.now(UTC))
    return trained


def file(client, subject, body=""):
    answered = client.post("/v1/tickets", json={"subject": subject, "body": body})
    return int(answered.json()["ticket"]["id"])


def labels(client, **asked):
    client.app.state.context.label_plans = type(client.app.state.context.label_plans)()  # not as it was a minute ago
    answered = client.get("/v1/labels", params=asked)
    assert answered.status_code == 200, answered.text
    return answered.json()


def shown(html):
    found = re.search(r'hx-post="/review/(\d+)/hold"', html)
    return int(found[1]) if found else None


def read(client, number):
    with client.app.state.context.database.reading() as conn:
        return tickets.get_ticket(conn, number), [entry.kind for entry in Journal.list_entries(conn, number)]


def test_without_a_model_or_tickets_nothing_is_wanted(client, asking):
    assert client.get("/v1/labels").json() == {"per_week": 50, "goals": [], "wanted": [], "doubtful": []}
    assert labels(asking)["wanted"] == []


def test_goals_and_tickets_are_told_and_what_was_answered_is_asked_no_more(asking):
    numbers = [file(asking, SUBJECTS[queue]) for queue in ("IT", "Billing")]
    found = labels(asking, target="queue", per_week=10)
    assert found["per_week"] == 10
    assert {goal["target"] for goal in found["goals"]} >= {"queue"}
    assert {one["ticket"] for one in found["wanted"]} == set(numbers)
    assert {one["why"] for one in found["wanted"]} == {"wanted"}
    assert {one["target"] for one in labels(asking, target="category")["wanted"]} <= {"category"}
    asking.patch(f"/v1/tickets/{numbers[0]}", json={"queue": "IT"}, headers={"If-Match": '"1"'})
    assert {one["ticket"] for one in labels(asking, target="queue")["wanted"]} == {numbers[1]}


def test_a_label_on_the_review_desk_is_a_persons_word_and_the_next_ticket_follows(asking):
    first, second = (file(asking, SUBJECTS[queue]) for queue in ("IT", "Billing"))
    labels(asking)
    page = asking.get("/review?line=labels")
    given = shown(page.text)
    assert "Labels that are wanted" in page.text
    assert "Asked because" in page.text
    told = {"seen": 1, "queue": "Billing", "line": "labels"}
    after = asking.post(f"/review/{given}", data=told, headers=HTMX)
    assert after.status_code == 200
    assert {given, shown(after.text)} == {first, second}
    filed, kinds = read(asking, given)
    assert filed.queue == "Billing"
    assert kinds[-1] in ("corrected", "confirmed")
    last = asking.post(f"/review/{shown(after.text)}", data=told, headers=HTMX)
    assert "No label is wanted at the moment." in last.text


def test_a_doubted_label_that_somebody_stands_by_is_confirmed_and_doubted_no_more(asking):
    number = file(asking, SUBJECTS["IT"])
    asking.patch(f"/v1/tickets/{number}", json={"queue": "Billing"}, headers={"If-Match": '"1"'})
    (doubted,) = labels(asking, target="queue")["doubtful"]
    assert (doubted["ticket"], doubted["stands"], doubted["thinks"]) == (number, "Billing", "IT")
    page = asking.get("/review?line=labels", headers={"Accept-Language": "ru"})
    assert "Посмотрите, пожалуйста, ещё раз" in page.text
    seen = read(asking, number)[0].version
    asking.post(f"/review/{number}", data={"seen": seen, "queue": "Billing", "line": "labels"}, headers=HTMX)
    filed, kinds = read(asking, number)
    assert (filed.queue, filed.version, kinds[-1]) == ("Billing", seen, "confirmed")
    assert labels(asking, target="queue")["doubtful"] == []


def test_an_agent_is_asked_about_tickets_of_their_queues_only(asking):
    number = file(asking, SUBJECTS["IT"])
    other = file(asking, SUBJECTS["Billing"])
    asking.patch(f"/v1/tickets/{number}", json={"queue": "Billing"}, headers={"If-Match": '"1"'})
    assert {one["ticket"] for one in labels(asking)["wanted"]} >= {other}
    sign_in_as(asking, "bob", "agent", ["IT"])
    page = asking.get("/review?line=labels").text
    assert "No label is wanted at the moment." in page
    assert str(number) not in re.findall(r"/review/(\d+)", page)


def test_an_erased_ticket_is_asked_about_no_more_and_none_of_its_words_stay_in_memory(asking, home):
    gone = "zebra-crossing " + SUBJECTS["IT"]
    filed = asking.post("/v1/tickets", json={"subject": gone, "requester": "anna.wald@example.org"}).json()
    stays = file(asking, SUBJECTS["Billing"])
    context = asking.app.state.context
    assert any(gone == one["subject"] for one in labels(asking)["wanted"])
    asking.get("/review?line=labels")
    assert "zebra" not in repr(context.label_plans._kept)
    assert int(filed["ticket"]["id"]) in {number for number, *_ in context.explanations._known}
    with context.database.reading() as conn:
        found = erasure.find_by_requester(conn, "anna.wald@example.org")
    by = Actor("person", "ann")  # as the command does, in another process
    erasure.apply_erasure(context.database, found, "asked", by, lambda: datetime.now(UTC))
    after = asking.get("/v1/labels").json()
    assert {one["ticket"] for one in after["wanted"] + after["doubtful"]} == {stays}
    assert asking.post("/v1/erasures", json={"requester": "anna.wald@example.org"}).status_code == 200
    assert len(context.explanations._known) == 0


def test_what_is_no_line_is_refused(asking):
    assert asking.get("/review?line=other").status_code == 422
    assert asking.get("/v1/labels?per_week=0").status_code == 422
