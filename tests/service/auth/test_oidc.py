"""Sign-in with OpenID Connect: people whom the provider confirms have access, and no invalid answer is accepted."""

from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx2
import pytest

from deskyard.auth import users
from deskyard.auth.oidc_identities import link_identity
from deskyard.cli.check import run_checks
from deskyard.errors import BadInput
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


@pytest.mark.parametrize("verified", [None, False, "false", "true", 1])
def test_only_true_says_that_an_email_is_verified(client, provider, monkeypatch, verified):
    monkeypatch.setenv("DESKYARD_OIDC_CLAIM", "email")
    settings.cache_clear()
    provider.who = {"email": "ann", "sub": "17", "email_verified": verified}
    assert sign_in(client).status_code == 403


def add_user(client, name, role="admin", password="a password of the tests"):
    with client.app.state.context.database.writing() as conn:
        users.create_user(conn, name, role, password, "test", datetime.now(UTC))


def test_a_name_at_the_provider_does_not_open_the_account_of_somebody_with_a_password(client, provider, monkeypatch):
    add_user(client, "boss")
    provider.who = {"preferred_username": "boss", "sub": "66"}
    for role in ("", "viewer"):
        monkeypatch.setenv("DESKYARD_OIDC_ROLE", role)
        settings.cache_clear()
        refused = sign_in(client)
        assert (refused.status_code, "deskyard user link boss 66" in refused.text) == (403, True)
    assert client.get("/", headers=PAGE, follow_redirects=False).status_code == 303


def test_an_administrator_links_a_user_on_purpose_and_ends_it_with_a_password(client, provider):
    add_user(client, "boss")
    provider.who = {"preferred_username": "chief", "sub": "66"}
    now = datetime.now(UTC)
    with client.app.state.context.database.writing() as conn:
        link_identity(conn, "boss", provider.base, "66", "root", now)
        assert users.get_password_hash(conn, "boss") == ""
        with pytest.raises(BadInput, match="signs in as 'boss' already"):
            link_identity(conn, "ann", provider.base, "66", "root", now)
    assert sign_in(client).status_code == 303
    assert "boss" in client.get("/").text
    with client.app.state.context.database.writing() as conn:
        users.set_password(conn, "boss", "another password", "root", now)
    client.cookies.clear()
    assert sign_in(client).status_code == 403


def test_who_takes_over_a_name_at_the_provider_does_not_become_the_user(client, provider):
    assert sign_in(client).status_code == 303
    provider.who = {"preferred_username": "ann", "sub": "another"}
    client.cookies.clear()
    assert sign_in(client).status_code == 403
    provider.who = {"preferred_username": "renamed", "sub": "17"}
    assert sign_in(client).status_code == 303
    assert "ann" in client.get("/").text


def test_a_disabled_user_does_not_come_back_as_a_new_one(client, provider, monkeypatch):
    monkeypatch.setenv("DESKYARD_OIDC_ROLE", "viewer")
    settings.cache_clear()
    with client.app.state.context.database.writing() as conn:
        users.disable_user(conn, "ann", "test", datetime.now(UTC))
    assert sign_in(client).status_code == 403
    provider.who = {"preferred_username": "ann2", "sub": "17"}
    client.cookies.clear()
    assert sign_in(client).status_code == 303  # nobody knows that subject yet: ann never signed in


@pytest.mark.parametrize(
    "name", ["аnn", "ANN", "a\u0301nn", "admin", "Аdmin", "администратор", "ro\u200bot", " ann", "x" * 500]
)
def test_a_name_that_can_be_mistaken_or_is_reserved_does_not_become_a_user(client, provider, monkeypatch, name):
    monkeypatch.setenv("DESKYARD_OIDC_ROLE", "viewer")
    settings.cache_clear()
    provider.who = {"preferred_username": name, "sub": "18"}
    assert sign_in(client).status_code == 403
    with client.app.state.context.database.reading() as conn:
        assert [one.name for one in users.list_users(conn)] == ["ann"]


@pytest.mark.parametrize("subject", [None, "", 17])
def test_who_has_no_subject_is_nobody(client, provider, subject):
    provider.who = {"preferred_username": "ann", "sub": subject}
    assert sign_in(client).status_code == 403


def test_a_page_with_a_dot_in_its_address_is_returned_to(client):
    assert sign_in(client, "/reports/week.csv?of=2026.w01").headers["Location"].startswith("/reports/week.csv")


@pytest.mark.parametrize("missing", ["DESKYARD_OIDC_CLIENT_ID", "DESKYARD_OIDC_ISSUER"])
def test_half_set_it_leaves_the_sign_in_with_a_password_alone(client, monkeypatch, missing):
    monkeypatch.delenv(missing)
    settings.cache_clear()
    add_user(client, "boss")
    assert client.get("/sign-in").status_code == 200
    form = {"name": "boss", "password": "a password of the tests"}
    own_page = {"Sec-Fetch-Site": "same-origin"}
    assert client.post("/sign-in", data=form, headers=own_page, follow_redirects=False).status_code == 303
    refused = client.get("/sign-in/oidc", headers={"Accept": "application/json"})
    assert (refused.status_code, missing in refused.text) == (404, True)
    (found,) = [one for one in run_checks(settings(), 1) if one.subject == "OpenID Connect"]
    assert (found.level, missing in found.text) == ("fail", True)
