"""`/tickets/{id}`: the history of a ticket, and the changes that a role may make."""

import re
from datetime import UTC, datetime
from html import unescape

import pytest

from deskyard.desk import tickets
from deskyard.policy.policy import Mode, Policy
from deskyard.policy.versions import Policies
from tests.conftest import SUBJECTS
from tests.service.pages.people import make_foreign, sign_in_as


def file(client, subject=SUBJECTS["IT"], **told):
    return client.post("/v1/tickets", json={"subject": subject, **told}).json()["ticket"]["id"]


def text(answered):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answered.text)).split())


def page(client, number):
    answered = client.get(f"/tickets/{number}")
    assert answered.status_code == 200
    return text(answered)


def read(client, number):
    with client.app.state.context.database.reading() as conn:
        return tickets.get_ticket(conn, int(number))


def change(client, number, **form):
    now = read(client, number)
    values = {field: now.value(field) or "" for field in ("queue", "category", "priority", "assignee", "status")}
    return client.post(f"/tickets/{number}", data={"version": now.version, **values, **form}, follow_redirects=False)


def decision(client, number):
    return client.get(f"/v1/tickets/{number}").json()["decision"]


def test_the_history_says_who_decided_and_by_which_model_policy_and_contract(trained):
    number = file(trained)
    change(trained, number, queue="Billing")
    shown = page(trained, number)
    assert shown.index("created") < shown.index("decision") < shown.index("queue: IT → Billing")
    assert "The contract allows it" in shown
    model, policy = (trained.get(f"/v1/{one}").json()["digest"] for one in ("models/current", "policy"))
    assert model[:12] in shown
    assert policy in shown


def test_confirmed_predictions_are_marked_in_the_history(trained):
    with trained.app.state.context.changing_settings() as conn:
        Policies.add_version(conn, Policy(mode=Mode.SUGGEST), "test", datetime.now(UTC))
    same, other = file(trained), file(trained)
    change(trained, same, queue="IT")
    change(trained, other, queue="Billing")
    assert "confirmed the prediction" in page(trained, same)
    assert "confirmed the prediction" not in page(trained, other)


def test_a_form_changes_what_it_says_otherwise_and_nothing_else(trained):
    number = file(trained)
    assert change(trained, number, priority="critical", category="Tunnel").headers["Location"] == f"/tickets/{number}"
    now = read(trained, number)
    assert (now.priority, now.category, now.queue, now.version) == ("critical", "Tunnel", "IT", 2)


def test_who_was_slower_is_refused_and_told(trained):
    number = file(trained)
    change(trained, number, priority="critical")
    answered = change(trained, number, version=1, priority="low")
    assert (answered.status_code, "Somebody else changed it" in answered.text) == (409, True)
    assert read(trained, number).priority == "critical"


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"queue": "Nowhere"}, "There is no such open queue."),
        ({"assignee": "nobody"}, "The assignee must be present"),
        ({"priority": "huge"}, "Unknown priority."),
    ],
)
def test_what_the_desk_does_not_have_is_refused_with_a_sentence(trained, form, told):
    answered = change(trained, file(trained), **form)
    assert (answered.status_code, told in unescape(answered.text)) == (409, True)


def test_a_comment_is_shown_whole_with_what_it_quotes_folded(trained):
    number = file(trained)
    text = "Try again.\n\nOn 3 Feb 2026, at 10:00, Ann <ann@example.org> wrote:\n> The old story"
    trained.post(f"/tickets/{number}/comments", data={"text": text, "key": "k"})
    timeline = trained.get(f"/tickets/{number}").text.partition('<ol class="timeline">')[2]
    shown, _, folded = timeline.partition("<details>")
    assert "Try again." in shown
    assert "The old story" not in shown
    assert "The old story" in folded.partition("</details>")[0]


def test_a_comment_is_said_once_however_often_the_form_is_sent(trained):
    number = file(trained)
    for _ in range(2):
        trained.post(f"/tickets/{number}/comments", data={"text": "Try again.", "public": "true", "key": "k"})
    trained.post(f"/tickets/{number}/comments", data={"text": "Between us.", "key": "l"})
    said = trained.get(f"/v1/tickets/{number}").json()["comments"]
    assert [(one["text"], one["public"]) for one in said] == [("Try again.", True), ("Between us.", False)]
    assert "Between us." in page(trained, number)


def test_a_decision_is_computed_again_and_undone_where_nobody_touched_the_ticket(trained):
    number = file(trained)
    about = {"decision": decision(trained, number)}
    assert "identical, byte for byte" in trained.post(f"/tickets/{number}/verify", data=about).text
    assert "The decision was undone." in trained.post(f"/tickets/{number}/undo", data=about).text
    assert read(trained, number).queue == "triage"
    other = file(trained)
    change(trained, other, queue="Billing")
    answered = trained.post(f"/tickets/{other}/undo", data={"decision": decision(trained, other)})
    assert "a person has changed the ticket" in answered.text
    assert read(trained, other).queue == "Billing"


def test_a_decision_of_another_ticket_is_not_there(trained):
    number, other = file(trained), file(trained)
    for action in ("verify", "undo"):
        assert (
            trained.post(f"/tickets/{number}/{action}", data={"decision": decision(trained, other)}).status_code == 404
        )
    assert read(trained, other).queue == "IT"


def test_a_viewer_looks_and_changes_nothing(trained):
    number = file(trained)
    assert '<form method="post" action="/tickets' in trained.get(f"/tickets/{number}").text
    sign_in_as(trained, "eve", "viewer")
    assert '<form method="post" action="/tickets' not in trained.get(f"/tickets/{number}").text
    for action in ("", "/comments", "/verify", "/undo"):
        assert trained.post(f"/tickets/{number}{action}", data={"version": 1, "decision": 1}).status_code == 403


def test_of_a_queue_that_is_not_theirs_an_agent_hears_what_they_hear_of_no_ticket(trained):
    mine, hidden = (file(trained, SUBJECTS[queue], requester="kim@example.org") for queue in ("IT", "Billing"))
    sign_in_as(trained, "ann", "agent", queues=["IT"])
    answers = [trained.get(f"/tickets/{number}").text for number in (hidden, 999)]
    assert answers[0].replace(hidden, "N") == answers[1].replace("999", "N")
    assert SUBJECTS["Billing"] not in page(trained, mine)
    for action in ("", "/comments", "/verify", "/undo"):
        assert (
            trained.post(f"/tickets/{hidden}{action}", data={"version": 1, "decision": 1, "text": "x"}).status_code
            == 404
        )


def test_whoever_moves_a_ticket_out_of_their_sight_is_not_left_at_a_closed_door(trained):
    number = file(trained)
    sign_in_as(trained, "ann", "agent", queues=["IT"])
    assert change(trained, number, queue="Billing").headers["Location"] == "/"


def test_the_requesters_other_tickets_are_there(trained):
    first, second = (file(trained, requester="kim@example.org") for _ in range(2))
    assert f'href="/tickets/{first}"' in trained.get(f"/tickets/{second}").text


def test_a_ticket_that_lives_elsewhere_shows_where_and_offers_no_form(trained):
    number = int(file(trained))
    make_foreign(trained, number)
    answered = trained.get(f"/tickets/{number}")
    assert "belongs to another help desk" in answered.text
    assert 'name="queue"' not in answered.text
    assert change(trained, number, queue="Billing").status_code == 409


def test_what_a_ticket_says_is_shown_and_never_run(client):
    number = file(client, "<script>alert(1)</script>", body="<x onclick=alert(1)>x</x>")
    client.post(f"/tickets/{number}/comments", data={"text": "<script>alert(2)</script>"})
    shown = re.sub(r"</?mark[^>]*>", "", client.get(f"/tickets/{number}").text)
    assert "&lt;script&gt;alert(1)" in shown
    assert "&lt;script&gt;alert(2)" in shown
    assert "&lt;x onclick=alert(1)&gt;" in shown
    assert "<script>alert" not in shown
    assert "<x onclick" not in shown
