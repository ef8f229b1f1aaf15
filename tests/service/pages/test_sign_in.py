"""Signing in and out, the length of sessions, and requests of other sites that carry somebody's cookie."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher
from fastapi.testclient import TestClient
from sqlalchemy import update

from deskyard.auth import api_keys, sessions, users
from deskyard.db.tables.auth import SESSIONS, USERS
from deskyard.journal import audit_log
from tests.service.pages.people import PASSWORD, sign_in_as

OURS = {"Sec-Fetch-Site": "same-origin"}
PAGE = {"Accept": "text/html"}


@pytest.fixture
def known(client):
    """A service with one user, who is not signed in."""
    with client.app.state.context.database.writing() as conn:
        users.create_user(conn, "ann", "agent", PASSWORD, "test", datetime.now(UTC))
    client.app.state.access.reload_keys()
    return client


def sign_in(client, name="ann", password=PASSWORD, to="/", headers=OURS):
    told = {"name": name, "password": password, "to": to}
    return client.post("/sign-in", data=told, headers=headers, follow_redirects=False)


def age(client, **changed):
    with client.app.state.context.database.writing() as conn:
        conn.execute(update(SESSIONS).values(**changed))


def test_a_page_asks_to_sign_in_and_the_api_for_a_key(known):
    asked = known.get("/?a=1", headers=PAGE, follow_redirects=False)
    assert (asked.status_code, asked.headers["Location"]) == (303, "/sign-in?to=%2F%3Fa%3D1")
    assert known.get("/v1/queues", headers=PAGE).status_code == 401


def test_the_cookie_is_out_of_reach_of_scripts_and_opens_pages_but_not_the_api(known):
    answered = sign_in(known, to="/queues/IT")
    assert (answered.status_code, answered.headers["Location"]) == (303, "/queues/IT")
    assert "HttpOnly" in answered.headers["Set-Cookie"]
    assert "SameSite=lax" in answered.headers["Set-Cookie"]
    assert known.get("/").status_code == 200
    assert known.get("/v1/queues").status_code == 401


@pytest.mark.parametrize("to", ["https://evil.example", "//evil.example", "/\\evil.example"])
def test_nobody_is_sent_to_another_site(known, to):
    assert sign_in(known, to=to).headers["Location"] == "/"


@pytest.mark.parametrize("changed", ["idle", "old"])
def test_a_session_ends_when_it_was_idle_or_a_day_is_over(known, changed):
    sign_in(known)
    now = datetime.now(UTC)
    age(
        known,
        **({"seen_at": now - timedelta(hours=3)} if changed == "idle" else {"created_at": now - timedelta(hours=13)}),
    )
    assert known.get("/", headers=PAGE, follow_redirects=False).status_code == 303


def test_who_is_there_stays_signed_in(known):
    sign_in(known)
    age(known, seen_at=datetime.now(UTC) - timedelta(minutes=100))
    assert known.get("/").status_code == 200
    age(known, created_at=datetime.now(UTC) - timedelta(hours=11))
    assert known.get("/").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {},
    ],
)
def test_another_sites_page_can_do_nothing_with_somebodys_cookie(known, headers):
    sign_in(known)
    assert known.post("/sign-out", headers=headers, follow_redirects=False).status_code == 403
    assert known.get("/").status_code == 200
    assert sign_in(known, headers=headers).status_code == 403


def test_a_disabled_user_is_out_at_once(known):
    sign_in(known)
    with known.app.state.context.database.writing() as conn:
        users.disable_user(conn, "ann", "test", datetime.now(UTC))
    assert known.get("/", headers=PAGE, follow_redirects=False).status_code == 303
    assert sign_in(known).status_code == 401


def test_guessing_passwords_is_slow(known):
    answers = [sign_in(known, password="wrong password").status_code for _ in range(12)]
    assert answers[:10] == [401] * 10
    assert answers[-1] == 429


def test_nobody_is_locked_out_of_a_browser_that_knows_them(known):
    assert sign_in(known).status_code == 303
    known.post("/sign-out", headers=OURS)
    stranger = TestClient(known.app, base_url="http://localhost", client=("203.0.113.7", 1))
    assert [sign_in(stranger, password="wrong password").status_code for _ in range(11)] == [401] * 10 + [429]
    assert sign_in(stranger).status_code == 429, "and not even the right password is told from a wrong one"
    assert sign_in(known).status_code == 303
    answers = [sign_in(known, password="wrong password").status_code for _ in range(11)]
    assert answers == [401] * 10 + [429], "whoever took the cookie guesses no faster"


def test_who_signs_in_often_is_not_limited(known):
    for _ in range(15):
        assert sign_in(known).status_code == 303
        known.cookies.clear()  # so that the browser is unknown again


def test_sign_ins_and_failures_are_in_the_audit_log(known):
    sign_in(known)
    sign_in(known, name="boss", password="wrong password")
    with known.app.state.context.database.reading() as conn:
        failed, signed, *_ = audit_log.list_entries(conn).items
    assert (signed.action, signed.actor.name) == ("sign_in", "ann")
    assert (failed.action, failed.actor.name) == ("sign_in.fail", "boss")
    assert "wrong password" not in str(failed)


@pytest.mark.parametrize(
    "form",
    [
        b"name=%00&password=x",
        b"name=ann%00&password=%00",
        b"name=%ED%A0%80",
        b"name=%FF&password=%FF",
        b"",
        b"name=%0A",
    ],
)
def test_a_name_that_nobody_can_have_is_a_failure_like_any_other(known, form):
    headers = {**OURS, "Content-Type": "application/x-www-form-urlencoded", "Cookie": b"deskyard_browser=\xff\x01"}
    assert known.post("/sign-in", content=form, headers=headers).status_code == 401
    with known.app.state.context.database.reading() as conn:
        failed, *_ = audit_log.list_entries(conn).items
    assert failed.action == "sign_in.fail"
    assert failed.actor.name.isprintable()


def test_passwords_are_compared_while_somebody_else_writes(known):
    database = known.app.state.context.database
    slow = PasswordHasher(time_cost=60, memory_cost=19_456, parallelism=1).hash(PASSWORD)
    with database.writing() as conn:
        conn.execute(update(USERS).values(password=slow))
    written = 0
    with ThreadPoolExecutor(1) as thread:
        refused = thread.submit(sign_in, known, password="wrong password")
        while not refused.done():
            with database.writing() as conn:
                conn.execute(update(USERS).values(totp_used=0))
            written += 1
            time.sleep(0.01)
    assert refused.result().status_code == 401
    assert written > 10


def test_of_many_who_use_one_invitation_at_once_one_becomes_the_administrator(client):
    database = client.app.state.context.database
    with database.writing() as conn:
        token = sessions.create_invitation(conn, datetime.now(UTC))

    def accept(number):
        told = {"name": f"person {'abcdefgh'[number] * 3}", "password": PASSWORD}
        return client.post(f"/set-up/{token}", data=told, headers=OURS, follow_redirects=False).status_code

    with ThreadPoolExecutor(8) as threads:
        answers = sorted(threads.map(accept, range(8)))
    assert answers == [303] + [404] * 7
    with database.reading() as conn:
        assert [one.role for one in users.list_users(conn)] == ["admin"]


def test_an_invitation_outlives_a_password_that_is_too_short_and_not_its_time(client):
    database, now = client.app.state.context.database, datetime.now(UTC)
    with database.writing() as conn:
        token = sessions.create_invitation(conn, now)
    short = {"name": "boss", "password": "short"}
    assert client.post(f"/set-up/{token}", data=short, headers=OURS).status_code == 422
    with database.writing() as conn:
        assert not sessions.use_invitation(conn, token, now + timedelta(minutes=16))
        assert not sessions.use_invitation(conn, "another", now)
        assert sessions.use_invitation(conn, token, now)
        assert not sessions.use_invitation(conn, token, now)


def test_a_key_and_a_cookie_are_told_apart(known):
    with known.app.state.context.database.writing() as conn:
        key = api_keys.create_key(conn, "bot", "machine", "test", datetime.now(UTC))
    known.app.state.access.reload_keys()
    assert known.get("/v1/me", headers={"Authorization": f"Bearer {key}"}).json()["actor"]["name"] == "bot"


def test_an_error_is_a_page_for_people_and_a_problem_for_programs(client):
    shown = client.get("/nowhere", headers={**PAGE, "Accept-Language": "ru"})
    assert (shown.status_code, shown.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert client.get("/nowhere").headers["Content-Type"] == "application/problem+json"
    sign_in_as(client, "eve", "viewer")
    assert client.post("/language", data={"language": "xx"}, headers=PAGE).status_code == 422
