"""Headers that every response has, also one that is an error."""

import pytest

from deskyard.settings import settings


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"), ("GET", "/v1/queues"), ("GET", "/v1/tickets/99"), ("POST", "/v1/tickets"), ("GET", "/nowhere"),
        ("GET", "/livez"), ("GET", "/metrics"), ("GET", "/openapi.json"), ("GET", "/docs"), ("GET", "/submit"),
        ("GET", "/static/../x"), ("BREW", "/"), ("GET", "/v1/labels"),
    ],
)  # fmt: skip
def test_no_response_is_kept_or_guessed_at(client, method, path):
    client.app.state.context.label_plans = None  # so that the last of these is a bug: 500
    answered = client.request(method, path)
    assert answered.headers.get_list("X-Content-Type-Options") == ["nosniff"]
    assert answered.headers.get_list("Cache-Control") == ["no-store"]
    assert "Strict-Transport-Security" not in answered.headers


def test_a_refused_host_gets_them_too(client):
    answered = client.get("/v1/queues", headers={"Host": "evil.example"})
    assert answered.status_code == 400
    assert answered.headers["Cache-Control"] == "no-store"


def test_static_files_are_kept_and_asked_for_again(client):
    page = client.get("/").text
    style = next(part for part in page.split('"') if part.startswith("/static/") and ".css" in part)
    first = client.get(style)
    assert first.status_code == 200
    assert first.headers["Cache-Control"] != "no-store"
    assert client.get(style, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304


@pytest.mark.usefixtures("home")
def test_behind_tls_browsers_come_by_tls_from_then_on(client, monkeypatch):
    assert "Strict-Transport-Security" in client.get("https://testserver/livez").headers
    monkeypatch.setenv("DESKYARD_PUBLIC_URL", "https://desk.example.org")
    settings.cache_clear()
    assert client.get("/v1/queues").headers["Strict-Transport-Security"] == "max-age=31536000"
