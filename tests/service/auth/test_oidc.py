"""Signing in at a provider: who it vouches for comes in, and nothing that does not prove right."""

from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx2
import pytest

from deskyard.auth import users
from deskyard.settings import Settings, settings
from tests.fakes.provider import Provider
from tests.fakes.serving import served

PAGE = {"Accept": "text/html"}


@pytest.fixture
def provider():
    made = Provider()
    with served(made.app) as base:
        made.base = base
        yield made


@pytest.fixture
def client(call, tmp_path, provider, monkeypatch):
    """A service that trusts the provider and has one user who signs in there."""
    monkeypatch.setenv("DESKYARD_OIDC_ISSUER", provider.base)
    monkeypatch.setenv("DESKYARD_OIDC_CLIENT", "deskyard")
    monkeypatch.setenv("DESKYARD_OIDC_SECRET", "a secret of the tests")
    monkeypatch.setenv("DESKYARD_PUBLIC_URL", "http://localhost")
    settings.cache_clear()
    made = call(Settings(home=tmp_path))
    with made.app.state.context.database.writing() as conn:
        users.create_user(conn, "ann", "agent", "", "test", datetime.now(UTC))
    made.app.state.access.forget()
    yield made
    settings.cache_clear()


def walk(client, to="/queues/IT"):
    """Go to the provider and come back, as a browser does."""
    out = client.get(f"/sign-in/elsewhere?to={to}", follow_redirects=False)
    back = httpx2.get(out.headers["Location"]).headers["Location"]
    return come_back(client, back)


def come_back(client, address):
    parts = urlsplit(address)
    return client.get(f"{parts.path}?{parts.query}", headers=PAGE, follow_redirects=False)


def test_whoever_the_provider_vouches_for_comes_in_and_goes_where_they_wanted(client):
    assert "Sign in at 127.0.0.1" in client.get("/sign-in").text
    answered = walk(client)
    assert (answered.status_code, answered.headers["Location"]) == (303, "/queues/IT")
    assert "ann" in client.get("/").text


@pytest.mark.parametrize("wrong", ["signature", "audience", "nonce", "time"])
def test_what_does_not_prove_right_lets_nobody_in(client, provider, wrong):
    provider.wrong = wrong
    answered = walk(client)
    assert (answered.status_code, "does not prove right" in answered.text) == (403, True)
    assert client.get("/", headers=PAGE, follow_redirects=False).status_code == 303


def test_a_provider_that_calls_itself_something_else_is_told(client, provider):
    provider.wrong = "issuer"
    assert client.get("/sign-in/elsewhere", headers=PAGE, follow_redirects=False).status_code == 403


def test_a_stranger_is_no_user_unless_a_role_is_set_for_them(client, provider, monkeypatch):
    provider.who = {"preferred_username": "zoe", "sub": "18"}
    answered = walk(client)
    assert (answered.status_code, "no user here" in answered.text) == (403, True)
    monkeypatch.setenv("DESKYARD_OIDC_ROLE", "viewer")
    settings.cache_clear()
    assert walk(client).status_code == 303
    with client.app.state.context.database.reading() as conn:
        assert users.get_user(conn, "zoe").role == "viewer"


def test_an_answer_that_was_not_asked_for_here_is_refused(client, provider):
    out = client.get("/sign-in/elsewhere", follow_redirects=False)
    back = httpx2.get(out.headers["Location"]).headers["Location"]
    client.cookies.clear()
    assert come_back(client, back).status_code == 403
    client.get("/sign-in/elsewhere", follow_redirects=False)
    assert come_back(client, back).status_code == 403


def test_a_code_is_good_once(client, provider):
    out = client.get("/sign-in/elsewhere", follow_redirects=False)
    kept = dict(client.cookies)
    back = httpx2.get(out.headers["Location"]).headers["Location"]
    assert come_back(client, back).status_code == 303
    client.cookies.clear()
    client.cookies.update(kept)
    assert come_back(client, back).status_code == 403


def test_without_a_provider_there_is_no_such_door(call, tmp_path):
    settings.cache_clear()
    client = call(Settings(home=tmp_path))
    assert client.get("/sign-in/elsewhere").status_code == 404


def test_an_email_counts_only_where_the_provider_has_verified_it(client, provider, monkeypatch):
    monkeypatch.setenv("DESKYARD_OIDC_CLAIM", "email")
    settings.cache_clear()
    provider.who = {"email": "ann", "sub": "17"}
    assert walk(client).status_code == 403
    provider.who["email_verified"] = True
    assert walk(client).status_code == 303
