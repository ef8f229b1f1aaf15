"""Sign-in with OpenID Connect: people whom the provider confirms have access, and no invalid answer is accepted."""

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
    fake = Provider()
    with served(fake.app) as base:
        fake.base = base
        yield fake


@pytest.fixture
def client(call, tmp_path, provider, monkeypatch):
    """A service that trusts the provider and has one user who signs in there."""
    monkeypatch.setenv("DESKYARD_OIDC_ISSUER", provider.base)
    monkeypatch.setenv("DESKYARD_OIDC_CLIENT_ID", "deskyard")
    monkeypatch.setenv("DESKYARD_OIDC_CLIENT_SECRET", "a secret of the tests")
    monkeypatch.setenv("DESKYARD_PUBLIC_URL", "http://localhost")
    settings.cache_clear()
    client = call(Settings(home=tmp_path))
    with client.app.state.context.database.writing() as conn:
        users.create_user(conn, "ann", "agent", "", "test", datetime.now(UTC))
    client.app.state.access.reload_keys()
    yield client
    settings.cache_clear()


def sign_in(client, to="/queues/IT"):
    """Follow the redirects to the provider and back, as a browser does."""
    out = client.get(f"/sign-in/oidc?to={to}", follow_redirects=False)
    back = httpx2.get(out.headers["Location"]).headers["Location"]
    return follow_callback(client, back)


def follow_callback(client, address):
    parts = urlsplit(address)
    return client.get(f"{parts.path}?{parts.query}", headers=PAGE, follow_redirects=False)


def test_a_confirmed_person_is_signed_in_and_returns_to_the_requested_page(client):
    assert "Sign in at 127.0.0.1" in client.get("/sign-in").text
    answered = sign_in(client)
    assert (answered.status_code, answered.headers["Location"]) == (303, "/queues/IT")
    assert "ann" in client.get("/").text


@pytest.mark.parametrize("wrong", ["signature", "audience", "nonce", "time"])
def test_an_invalid_answer_signs_nobody_in(client, provider, wrong):
    provider.wrong = wrong
    answered = sign_in(client)
    assert (answered.status_code, "is not valid" in answered.text) == (403, True)
    assert client.get("/", headers=PAGE, follow_redirects=False).status_code == 303


def test_a_provider_with_another_issuer_is_refused(client, provider):
    provider.wrong = "issuer"
    assert client.get("/sign-in/oidc", headers=PAGE, follow_redirects=False).status_code == 403


def test_an_unknown_person_becomes_a_user_only_if_a_role_is_set(client, provider, monkeypatch):
    provider.who = {"preferred_username": "zoe", "sub": "18"}
    answered = sign_in(client)
    assert (answered.status_code, "is not a user of this desk" in answered.text) == (403, True)
    monkeypatch.setenv("DESKYARD_OIDC_ROLE", "viewer")
    settings.cache_clear()
    assert sign_in(client).status_code == 303
    with client.app.state.context.database.reading() as conn:
        assert users.get_user(conn, "zoe").role == "viewer"


def test_an_answer_to_another_browsers_attempt_is_refused(client, provider):
    out = client.get("/sign-in/oidc", follow_redirects=False)
    back = httpx2.get(out.headers["Location"]).headers["Location"]
    client.cookies.clear()
    assert follow_callback(client, back).status_code == 403
    client.get("/sign-in/oidc", follow_redirects=False)
    assert follow_callback(client, back).status_code == 403


def test_a_code_is_valid_once(client, provider):
    out = client.get("/sign-in/oidc", follow_redirects=False)
    cookies = dict(client.cookies)
    back = httpx2.get(out.headers["Location"]).headers["Location"]
    assert follow_callback(client, back).status_code == 303
    client.cookies.clear()
    client.cookies.update(cookies)
    assert follow_callback(client, back).status_code == 403


def test_without_a_provider_the_address_does_not_exist(call, tmp_path):
    settings.cache_clear()
    client = call(Settings(home=tmp_path))
    assert client.get("/sign-in/oidc").status_code == 404


def test_an_email_counts_only_where_the_provider_has_verified_it(client, provider, monkeypatch):
    monkeypatch.setenv("DESKYARD_OIDC_CLAIM", "email")
    settings.cache_clear()
    provider.who = {"email": "ann", "sub": "17"}
    assert sign_in(client).status_code == 403
    provider.who["email_verified"] = True
    assert sign_in(client).status_code == 303
