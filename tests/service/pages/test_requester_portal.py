"""The requester portal: every requester gets an address of their own, and sees nothing of others."""

import re
from html import unescape

import pytest
from structlog.testing import capture_logs

from deskyard.db.tables.desk import COMMENTS, STATUS_LINKS, TICKETS
from deskyard.desk import status_links, tickets
from deskyard.domain.actors import Actor
from deskyard.settings import settings
from service.tickets import corrections
from service.tickets.requester_portal import MAX_TEXT
from tests.conftest import SUBJECTS
from tests.service.pages.people import sign_in_as

ANN = Actor("person", "ann")
BODY = "The label printer in the warehouse prints every second label empty."
OURS = {"Sec-Fetch-Site": "same-origin"}


def text(answered):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answered.text)).split())


def token(client):
    return re.search('name="token" value="([^"]+)"', client.get("/submit").text)[1]


def send(client, **told):
    told = {"subject": "Labels", "body": BODY, "requester": "olga@example.org", "token": token(client)} | told
    return client.post("/submit", data=told, headers=OURS, follow_redirects=False)


def submit(client, **told):
    """The address of a request."""
    answered = send(client, **told)
    assert answered.status_code == 303, answered.text
    return answered.headers["Location"].partition("?")[0]


def every(client):
    with client.app.state.context.database.reading() as conn:
        return [tickets.get_ticket(conn, row.id) for row in conn.execute(tickets.SELECT_TICKETS.order_by(TICKETS.c.id))]


def become(client, status, **more):
    number = every(client)[-1].id
    corrections.change_ticket(client.app.state.context, number, {"status": status, **more}, ANN, expected_version=None)
    return number


def test_whoever_has_no_account_files_a_request_and_sees_how_it_stands(client):
    sign_in_as(client, "boss", "admin")
    client.cookies.clear()
    shown = text(client.get(submit(client)))
    assert "Request 1" in shown
    assert "We are finding the right team" in shown
    assert BODY in shown
    (filed,) = every(client)
    assert (filed.ticket.channel, filed.ticket.requester) == ("form", "olga@example.org")


def test_a_link_fills_in_the_subject_and_nothing_runs(client):
    shown = client.get("/submit?subject=<script>VPN</script>").text
    assert "&lt;script&gt;VPN" in shown
    assert "<script>VPN" not in shown


def test_the_same_form_sent_twice_is_one_request_and_one_address(client):
    one = token(client)
    assert submit(client, token=one) == submit(client, token=one)
    assert submit(client, token=one, body="Another matter altogether, the door is stuck") != submit(client, token=one)
    assert len(every(client)) == 2


def test_an_empty_request_is_asked_for_kindly_and_not_filed(client):
    answered = send(client, subject=" ", body="\n")
    assert answered.status_code == 422
    assert "describe what happened" in text(answered)
    assert every(client) == []


def test_a_text_that_says_nothing_gets_a_question_and_is_taken_all_the_same(client):
    answered = send(client, subject="Help!", body="Nothing works!!!")
    assert "a few more details" in text(answered)
    assert 'value="Help!"' in answered.text
    assert every(client) == []
    submit(client, subject="Help!", body="Nothing works!!!", confirmed="yes")
    assert len(every(client)) == 1


@pytest.mark.parametrize("told", [{"subject": "x" * 301}, {"body": "x" * (MAX_TEXT + 1)}, {"requester": "x" * 301}])
def test_what_is_too_long_is_refused_with_its_text_kept(client, told):
    answered = send(client, **told)
    assert answered.status_code == 422
    assert "too long" in text(answered)
    assert next(iter(told.values())) in answered.text


def test_a_program_that_fills_in_every_field_is_thanked_and_files_nothing(client):
    answered = send(client, website="https://spam.example")
    assert (answered.status_code, every(client)) == (200, [])


def test_one_address_files_ten_requests_at_once_and_then_waits_with_its_text_kept(client):
    for number in range(10):
        submit(client, body=f"{BODY} Label number {number}.")
    answered = send(client)
    assert answered.status_code == 429
    assert int(answered.headers["Retry-After"]) <= 60
    assert BODY in answered.text
    assert len(every(client)) == 10


def shared(client, answer="Clean the print head of the label printer.", shared=True):
    submit(client, body=f"{BODY} My own secret name is Olga.")
    corrections.add_comment(client.app.state.context, become(client, "open"), ANN, answer, public=True, shared=shared)
    become(client, "resolved")
    return answer


def test_answers_that_may_be_shared_are_offered_before_sending_and_the_question_is_not(client):
    answer = shared(client)
    told = {"subject": "printer", "body": "label printer prints empty labels"}
    answered = send(client, **told)
    assert (answered.status_code, answer in text(answered)) == (200, True)
    assert "Olga" not in answered.text
    in_place = client.post("/submit/suggestions", data=told, headers=OURS)
    assert answer in text(in_place)
    assert "Olga" not in in_place.text
    assert len(every(client)) == 1
    submit(client, **told, confirmed="yes")


def test_answers_that_nobody_marked_are_shown_to_nobody_else(client):
    shared(client, shared=False)
    assert send(client).status_code == 303


@pytest.mark.usefixtures("home")
def test_the_address_is_not_made_from_the_host_header(client, monkeypatch):
    address = submit(client)
    page = client.get(f"{address}?new=1").text
    assert f">{address}<" in page
    assert "testserver" not in page
    monkeypatch.setenv("DESKYARD_PUBLIC_URL", "https://desk.example.org/")
    settings.cache_clear()
    page = client.get(f"{address}?new=1").text
    assert f">https://desk.example.org{address}<" in page


def test_the_address_is_told_once_passed_on_by_no_browser_and_written_down_nowhere(client):
    with capture_logs() as logged:
        address = submit(client)
        answered = client.get(f"{address}?new=1")
        client.post(f"{address}/reply", data={"text": "more", "key": "k"}, headers=OURS)
    secret = address.removeprefix("/status/")
    assert len(secret) == 43
    assert "Save the address" in text(answered)
    assert answered.headers["Referrer-Policy"] == "no-referrer"
    assert answered.headers["Cache-Control"] == "no-store"
    assert "/status/{secret}/reply" in str(logged)
    assert secret not in str(logged)
    assert secret not in client.get("/metrics").text
    with client.app.state.context.database.reading() as conn:
        kept = str([conn.execute(table.select()).all() for table in (STATUS_LINKS, TICKETS, COMMENTS)])
    assert secret not in kept
    assert status_links.hash_secret(secret) in kept


@pytest.mark.parametrize("address", ["/status/x", "/status/" + "a" * 43, "/status/1"])
def test_an_address_that_opens_nothing_says_so(client, address):
    submit(client)
    assert client.get(address).status_code == 404
    for action in ("reply", "rating"):
        answered = client.post(f"{address}/{action}", data={"text": "x", "stars": 5}, headers=OURS)
        assert answered.status_code == 404


def test_the_requester_reads_what_is_public_and_not_who_said_it(client):
    address = submit(client)
    number = every(client)[0].id
    for said, public in (("Which printer is it?", True), ("He broke it himself, I bet.", False)):
        corrections.add_comment(client.app.state.context, number, ANN, said, public=public)
    shown = text(client.get(address))
    assert "Which printer is it?" in shown
    assert "I bet" not in shown
    assert "ann" not in shown.split()


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("new", "waiting in its queue"),
        ("open", "In progress"),
        ("waiting", "please reply below"),
        ("resolved", "Solved. If the problem remains"),
        ("closed", "Closed. If the problem returns"),
    ],
)
def test_every_state_is_told_in_plain_words(trained, status, said):
    address = submit(trained, subject="", body=SUBJECTS["IT"])
    become(trained, status)
    assert said in text(trained.get(address))


def test_an_answer_to_a_question_opens_the_request_again_and_is_said_once(client):
    address = submit(client)
    become(client, "waiting")
    for _ in range(2):
        answered = client.post(f"{address}/reply", data={"text": "The left one.", "key": "k1"}, headers=OURS)
        assert text(answered).count("The left one.") == 1
    assert every(client)[0].status == "open"


def test_an_answer_in_triage_may_send_the_request_on(trained):
    address = submit(trained, subject="", body="xyzzy plugh")
    assert every(trained)[0].queue == "triage"
    trained.post(f"{address}/reply", data={"text": SUBJECTS["IT"], "key": "k"}, headers=OURS)
    assert every(trained)[0].queue == "IT"


def test_a_closed_request_takes_no_answer(client):
    address = submit(client)
    become(client, "closed")
    answered = client.post(f"{address}/reply", data={"text": "But", "key": "k"}, headers=OURS)
    assert answered.status_code == 409


def test_a_solution_is_rated_and_what_is_not_solved_is_not(client):
    address = submit(client)
    rated = {"stars": 4, "comment": "Thanks!"}
    assert client.post(f"{address}/rating", data=rated, headers=OURS).status_code == 409
    become(client, "resolved")
    assert "Your rating: 4 of 5" in text(client.post(f"{address}/rating", data=rated, headers=OURS))
    assert client.post(f"{address}/rating", data={"stars": 9}, headers=OURS).status_code == 422
    with client.app.state.context.database.reading() as conn:
        (row,) = conn.execute(STATUS_LINKS.select()).all()
    assert (row.stars, row.said) == (4, "Thanks!")


def test_a_page_of_another_site_files_nothing(client):
    sign_in_as(client, "boss", "admin")
    client.cookies.clear()
    del client.headers["Sec-Fetch-Site"]
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        answered = client.post("/submit", data={"body": BODY}, headers=headers, follow_redirects=False)
        assert answered.status_code == 403
    assert every(client) == []


def test_a_page_without_referrers_may_post_on_this_machine_before_there_are_users(client):
    address = submit(client)
    told = {"text": "more", "key": "k"}
    assert client.post(f"{address}/reply", data=told, headers={**OURS, "Origin": "null"}).status_code == 200
    assert client.post(f"{address}/reply", data=told, headers={"Origin": "null"}).status_code == 403
