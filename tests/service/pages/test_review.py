"""`/review`: waiting tickets in one order for everybody; confirmations and corrections are recorded."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from deskyard.desk import changes, ticket_history, tickets
from deskyard.desk.ticket_history import HistoryStep
from deskyard.domain.actors import Actor
from deskyard.journal.journal import Journal
from deskyard.policy.policy import Mode, Policy
from deskyard.policy.versions import Policies
from deskyard.review import blind_review, ticket_leases
from tests.conftest import SUBJECTS
from tests.service.pages.people import make_foreign, sign_in_as

HTMX = {"HX-Request": "true"}
REVIEW_ALL = Policy(mode=Mode.ROUTE, blind_review_rate=1.0)


def put(client, policy):
    with client.app.state.context.changing_settings() as conn:
        Policies.add_version(conn, policy, "test", datetime.now(UTC))


@pytest.fixture
def suggesting(trained):
    """A desk with a policy that only suggests."""
    put(trained, Policy(mode=Mode.SUGGEST))
    return trained


@pytest.fixture
def blindly(trained):
    """A desk with a blind review of every routed ticket."""
    put(trained, REVIEW_ALL)
    return trained


def file(client, subject=SUBJECTS["IT"], body="", **told):
    answered = client.post("/v1/tickets", json={"subject": subject, "body": body, **told})
    return int(answered.json()["ticket"]["id"])


def shown(client, address="/review"):
    """The number of the ticket that is shown, and the page."""
    answered = client.get(address)
    assert answered.status_code == 200
    return number_in(answered.text), answered.text


def number_in(html):
    found = re.search(r'hx-post="/review/(\d+)/hold"', html)
    return int(found[1]) if found else None


def text(html):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def act(client, number, version=1, **form):
    return client.post(f"/review/{number}", data={"version": version, **form}, headers=HTMX)


def read(client, number):
    with client.app.state.context.database.reading() as conn:
        return tickets.get_ticket(conn, number)


def kinds(client, number):
    with client.app.state.context.database.reading() as conn:
        return [(entry.kind, entry.content.get("to")) for entry in Journal.list_entries(conn, number)][3:]


def asked(client, number):
    with client.app.state.context.database.reading() as conn:
        return blind_review.find_review(conn, number)


def test_nothing_waits_on_an_empty_desk(client):
    number, page = shown(client)
    assert number is None
    assert "No tickets to review." in page


def test_the_choices_the_words_and_the_reason_are_there(suggesting):
    file(suggesting, body="Please help me with it.\n\nOn 1 Feb 2026, Ann <ann@example.org> wrote:\n> the old story")
    _, page = shown(suggesting)
    assert re.findall(r'name="queue" value="([^"]+)" data-key="1"', page) == ["IT"]
    assert '<mark class="for">vpn</mark>' in page
    assert "The policy allows suggestions only." in page
    assert "the old story" in page.partition("<details>")[2].partition("</details>")[0]
    assert "Similar solved tickets" in page


def test_most_urgent_first_then_oldest_and_the_same_for_everybody(suggesting):
    old, young, urgent = file(suggesting), file(suggesting), file(suggesting)
    suggesting.patch(f"/v1/tickets/{urgent}", json={"priority": "critical"}, headers={"If-Match": "*"})
    order = [shown(suggesting)[0], shown(suggesting, f"/review?skipped={urgent}")[0]]
    order.append(shown(suggesting, f"/review?skipped={urgent},{old}")[0])
    assert order == [urgent, old, young]
    assert shown(suggesting, f"/review?skipped={urgent},{old},{young}")[0] == urgent


def test_one_post_decides_and_answers_with_the_next_ticket(suggesting):
    first, second = file(suggesting), file(suggesting)
    answered = act(suggesting, first, queue="IT")
    assert number_in(answered.text) == second
    assert "<html" not in answered.text
    assert read(suggesting, first).queue == "IT"


def test_without_scripts_the_same_post_answers_with_the_whole_page(suggesting):
    number = file(suggesting)
    answered = suggesting.post(f"/review/{number}", data={"version": 1, "queue": "IT"})
    assert "<html" in answered.text
    assert "No tickets to review" in answered.text


def test_choosing_what_was_suggested_confirms_it_and_another_queue_corrects_it(suggesting):
    same, other = file(suggesting), file(suggesting)
    act(suggesting, same, queue="IT")
    act(suggesting, other, queue="Billing")
    assert kinds(suggesting, same)[0] == ("confirmed", "IT")
    assert kinds(suggesting, other)[0] == ("corrected", "Billing")


def test_the_first_write_wins_and_the_other_is_told_kindly(suggesting):
    number = file(suggesting)
    act(suggesting, number, queue="IT")
    late = act(suggesting, number, queue="Billing")
    assert late.status_code == 200
    assert "Somebody else changed it" in late.text
    assert read(suggesting, number).queue == "IT"


def test_a_queue_that_is_not_open_is_refused_and_the_ticket_shown_again(suggesting):
    number = file(suggesting)
    answered = act(suggesting, number, queue="Nowhere")
    assert "There is no such open queue." in answered.text
    assert number_in(answered.text) == number


def test_two_people_are_given_two_tickets_until_a_lease_ends(suggesting):
    first, second = file(suggesting), file(suggesting)
    sign_in_as(suggesting, "ann", "agent")
    assert shown(suggesting)[0] == first
    sign_in_as(suggesting, "bob", "agent")
    assert shown(suggesting)[0] == second
    later = datetime.now(UTC) + ticket_leases.LEASE_DURATION + timedelta(seconds=1)
    with suggesting.app.state.context.database.writing() as conn:
        assert ticket_leases.list_holders(conn, later) == {}
        assert ticket_leases.acquire_lease(conn, first, "bob", later)
        assert not ticket_leases.acquire_lease(conn, first, "ann", later)
    assert suggesting.post(f"/review/{second}/hold").status_code == 204


def test_all_in_other_hands_is_said_so(suggesting):
    file(suggesting)
    sign_in_as(suggesting, "ann", "agent")
    shown(suggesting)
    sign_in_as(suggesting, "bob", "agent")
    assert "other people&#39;s hands" in shown(suggesting)[1] or "reviewed by others" in shown(suggesting)[1]


def test_a_decision_is_taken_back_with_all_that_followed_from_it(suggesting):
    suggesting.put("/v1/queues/IT", json={"default_priority": "high", "default_assignee": "ann"})
    number = file(suggesting)
    act(suggesting, number, queue="IT")
    assert (read(suggesting, number).priority, read(suggesting, number).assignee) == ("high", "ann")
    answered = act(suggesting, number, version=2, action="undo")
    now = read(suggesting, number)
    assert (now.queue, now.priority, now.assignee) == ("triage", None, None)
    assert number_in(answered.text) == number
    assert kinds(suggesting, number)[-1][0] == "undone"


def test_nobody_takes_back_what_another_did_or_what_was_touched_since(suggesting):
    number = file(suggesting)
    sign_in_as(suggesting, "ann", "agent")
    act(suggesting, number, queue="IT")
    sign_in_as(suggesting, "bob", "agent")
    assert "It can&#39;t be changed here" in act(suggesting, number, version=2, action="undo").text
    assert "Somebody else changed it" in act(suggesting, number, version=1, action="undo").text
    assert read(suggesting, number).queue == "IT"


def test_a_ticket_that_needs_information_waits_and_its_requester_is_asked(suggesting):
    number = file(suggesting)
    answered = act(suggesting, number, action="ask", question="Which VPN?")
    assert "is waiting for the requester" in answered.text
    assert number_in(answered.text) is None
    whole = suggesting.get(f"/v1/tickets/{number}").json()
    assert whole["status"] == "waiting"
    assert [(one["public"], one["text"]) for one in whole["comments"]] == [(True, "Which VPN?")]


def test_a_blind_ticket_comes_without_the_machines_answer(blindly):
    number = file(blindly)
    assert read(blindly, number).queue == "IT"
    given, page = shown(blindly)
    assert given == number
    assert "without seeing the prediction" in page
    for told in (
        'data-key="1"',
        "<mark",
        "<meter",
        "Similar solved tickets",
        "Why it was not routed",
        f'href="/tickets/{number}"',
    ):
        assert told not in page, told


def test_a_blind_answer_is_kept_and_one_that_agrees_is_a_confirmation(blindly):
    number = file(blindly)
    act(blindly, number, queue="IT")
    answer = asked(blindly, number)
    assert (answer.answer, answer.answered_by) == ("IT", "local")
    assert kinds(blindly, number) == [("confirmed", "IT")]
    assert read(blindly, number).version == 1
    assert shown(blindly)[0] is None


def test_a_blind_answer_that_differs_moves_the_ticket_as_a_correction(blindly):
    number = file(blindly)
    act(blindly, number, queue="Billing")
    assert read(blindly, number).queue == "Billing"
    assert kinds(blindly, number)[0] == ("corrected", "Billing")
    act(blindly, number, version=2, action="undo")
    assert (read(blindly, number).queue, asked(blindly, number).answer) == ("IT", None)
    act(blindly, number, queue="Billing")
    assert read(blindly, number).queue == "Billing"


def test_a_blind_answer_does_not_move_what_a_person_moved_or_solved_meanwhile(blindly):
    moved, solved = file(blindly), file(blindly)
    blindly.patch(f"/v1/tickets/{moved}", json={"queue": "Billing"}, headers={"If-Match": "*"})
    blindly.patch(f"/v1/tickets/{solved}", json={"status": "resolved"}, headers={"If-Match": "*"})
    for number in (moved, solved):
        act(blindly, number, queue="Кадры/Отпуск")
        assert asked(blindly, number).answer == "Кадры/Отпуск"
    assert (read(blindly, moved).queue, read(blindly, solved).queue) == ("Billing", "IT")


def test_only_the_routed_are_asked_about_and_only_as_many_as_the_policy_says(trained):
    put(trained, Policy(mode=Mode.ROUTE, blind_review_rate=0.0))
    assert asked(trained, file(trained)) is None
    put(trained, REVIEW_ALL)
    assert asked(trained, file(trained, "xyzzy")) is None
    assert asked(trained, file(trained)).answer is None


def test_an_agent_is_given_only_tickets_of_their_queues_and_no_blind_ones(blindly):
    routed, unsorted = file(blindly), file(blindly, "xyzzy")
    sign_in_as(blindly, "ann", "agent", queues=["IT"])
    assert shown(blindly)[0] is None
    assert act(blindly, unsorted, queue="IT").text.count("Not found") == 1
    sign_in_as(blindly, "bob", "agent", queues=["IT", "triage"])
    assert shown(blindly)[0] == unsorted
    assert read(blindly, routed).version == 1


def test_a_ticket_that_waits_for_its_requester_does_not_wait_for_us(suggesting):
    number = file(suggesting)
    with suggesting.app.state.context.database.writing() as conn:
        changes.change_ticket(conn, number, {"status": "waiting"}, Actor("person", "ann"), at=datetime.now(UTC))
        assert ticket_history.list_steps(conn, number)[-1].became == "waiting"
    assert shown(suggesting)[0] is None


def test_a_ticket_that_lives_elsewhere_is_shown_and_sorted_there(suggesting):
    number = file(suggesting)
    make_foreign(suggesting, number)
    given, page = shown(suggesting)
    assert given == number
    assert "belongs to another help desk" in page
    assert "IT" in page.partition('class="choices"')[2].partition("</ol>")[0]
    assert 'data-key="1"' not in page
    assert "It can&#39;t be changed here" in act(suggesting, number, queue="IT").text
    assert read(suggesting, number).queue == "triage"


def test_a_suggestion_elsewhere_waits_until_somebody_there_acts(suggesting):
    number = file(suggesting)
    make_foreign(suggesting, number)
    with suggesting.app.state.context.database.writing() as conn:
        now = tickets.get_ticket(conn, number, for_update=True)
        changes.set_values(conn, now, {"queue": "Billing"}, datetime.now(UTC))
    assert shown(suggesting)[0] == number
    with suggesting.app.state.context.database.writing() as conn:
        step = HistoryStep(datetime.now(UTC), Actor("person", "elsewhere"), "queue", "Billing", "IT", "")
        ticket_history.add_steps(conn, number, [step])
    assert shown(suggesting)[0] is None


def test_what_a_ticket_says_is_shown_and_never_run(suggesting):
    file(suggesting, "<script>alert(1)</script>", "<img src=x onerror=alert(1)>")
    page = re.sub(r"</?mark[^>]*>", "", shown(suggesting)[1])  # its words are marked
    assert "&lt;script&gt;alert(1)" in page
    assert "&lt;img src=x" in page
    assert "<script>alert" not in page
    assert "<img" not in page
