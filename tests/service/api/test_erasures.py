"""A requester is forgotten through the service: by the API, and what pages and addresses say afterwards."""

import re
from html import unescape

import pytest
from structlog.testing import capture_logs

from deskyard.settings import settings
from tests.conftest import SUBJECTS

ANNA = "anna.wald@example.org"
OURS = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture(autouse=True)
def at_home(home):
    """Secrets lie in a home of the test."""
    assert settings().home == home


def create(client, requester=ANNA, **more):
    body = {"subject": SUBJECTS["IT"], "requester": requester, **more}
    return client.post("/v1/tickets", json=body).json()["ticket"]["id"]


def erase(client, **more):
    return client.post("/v1/erasures", json={"requester": ANNA, **more})


def page_text(client, address, language="en"):
    answered = client.get(address, headers={"Accept-Language": language})
    assert answered.status_code == 200
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answered.text)).split())


def test_the_answer_counts_what_was_erased_and_a_dry_run_changes_nothing(trained, champion):
    number, other = create(trained), create(trained, "boris@example.org")
    would = erase(trained, dry_run=True).json()
    assert (would["dry_run"], would["tickets"], would["unsolved"], would["is_scrubbed"]) == (True, 1, 1, False)
    assert trained.get(f"/v1/tickets/{number}").json()["requester"] == ANNA
    with capture_logs() as logged:
        done = erase(trained).json()
    assert ANNA not in str(logged)
    assert done == would | {"dry_run": False, "is_scrubbed": True}
    now, stays = (trained.get(f"/v1/tickets/{one}").json() for one in (number, other))
    assert (now["subject"], now["body"], now["requester"], now["erased_at"] is None) == ("", "", "", False)
    assert now["queue"] == "IT"
    assert (stays["subject"], stays["erased_at"]) == (SUBJECTS["IT"], None)
    (entry, *_) = trained.get("/v1/audit").json()["items"]
    assert (entry["action"], entry["actor"]["name"]) == ("ticket.erase", "local")
    assert ANNA not in entry["subject"]
    again = erase(trained).json()
    assert (again["tickets"], again["comments"]) == (0, 0)


@pytest.mark.parametrize(
    "body", [{}, {"requester": ""}, {"requester": " "}, {"requester": 7}, {"requester": "somebody"}]
)
def test_an_unusable_requester_is_refused_with_a_reason(client, body):
    answered = client.post("/v1/erasures", json=body)
    assert answered.status_code in (400, 422)
    assert answered.json()["detail"]


@pytest.mark.parametrize(
    ("language", "message", "gone"),
    [("en", "were erased on", "(erased)"), ("ru", "Тексты и имена авторов удалены", "(удалено)")],
)
def test_pages_say_that_a_ticket_is_erased(trained, language, message, gone):
    waits, routed = create(trained, subject="xyzzy plugh"), create(trained)
    trained.post(f"/v1/tickets/{routed}/comments", json={"text": "dear Anna", "public": True})
    erase(trained)
    page = page_text(trained, f"/tickets/{routed}", language)
    assert (message in page, page.count(gone), "dear Anna" in page) == (True, 2, False)
    assert 'name="text"' not in trained.get(f"/tickets/{routed}").text
    assert gone in page_text(trained, "/queues/IT", language)
    assert gone in page_text(trained, "/overview", language)
    review = page_text(trained, "/review", language)
    assert (message in review, f"/tickets/{waits}" in trained.get("/review").text) == (True, True)


@pytest.mark.parametrize(
    ("language", "message"),
    [("en", "Deleted: your messages"), ("ru", "Удалено: ваши сообщения")],
)
def test_the_status_page_says_so_and_accepts_no_more_replies(client, language, message):
    form = {"subject": "vpn", "body": "it drops", "requester": ANNA, "token": "t", "confirmed": "yes"}
    address = client.post("/submit", data=form, headers=OURS, follow_redirects=False).headers["location"].split("?")[0]
    client.post(f"{address}/reply", data={"text": "and again", "key": "k"}, headers=OURS)
    erase(client)
    page = page_text(client, address, language)
    assert (message in page, "and again" in page, "it drops" in page) == (True, False, False)
    assert "<textarea" not in client.get(address).text
    assert client.post(f"{address}/reply", data={"text": "more", "key": "l"}, headers=OURS).status_code == 409
    assert (
        client.post("/submit", data=form, headers=OURS, follow_redirects=False).headers["location"].startswith(address)
    )
    assert "it drops" not in page_text(client, address)


def test_a_waiting_ticket_is_not_scored_again_after_its_texts_were_erased(trained):
    number = create(trained, subject="xyzzy plugh")
    erase(trained)
    before = trained.get(f"/v1/tickets/{number}").json()
    answered = trained.post(f"/v1/tickets/{number}/comments", json={"text": SUBJECTS["IT"], "public": True})
    assert (answered.status_code, "is erased" in answered.json()["detail"]) == (409, True)
    assert trained.get(f"/v1/tickets/{number}").json()["decision"] == before["decision"]
