"""Errors are problems (RFC 9457) whatever is sent, and the limits on requests."""

import json

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from deskyard.settings import Settings
from service.app import create_app
from service.http.guard_middleware import MAX_BODY_BYTES

JSON = {"Content-Type": "application/json"}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = ("source", "external_id", "subject", "body", "channel", "language", "requester", "created_at", "fields")


@pytest.fixture(scope="module")
def steady(tmp_path_factory):
    app = create_app(Settings(home=tmp_path_factory.mktemp("home")))
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        yield client


@hypothesis_settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(FIELDS), ANYTHING) | ANYTHING)
def test_whatever_json_is_sent_the_answer_is_never_a_5xx(steady, body):
    answered = steady.post("/v1/tickets", content=json.dumps(body).encode(), headers=JSON)
    assert answered.status_code in (200, 201, 400, 422)
    assert answered.is_success or len(answered.json()["detail"].split()) > 2


@hypothesis_settings(max_examples=60)
@given(st.binary(max_size=200), st.sampled_from(["application/json", "text/plain", "x", ""]))
def test_whatever_bytes_are_sent_the_answer_is_never_a_5xx(steady, body, kind):
    for address in ("/v1/tickets", "/v1/score"):
        answered = steady.post(address, content=body, headers={"Content-Type": kind})
        assert answered.status_code in (201, 400, 415, 422)


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("GET", "/nope", 404),
        ("GET", "/redoc", 404),
        ("GET", "/v1/tickets", 405),
        ("DELETE", "/v1/queues", 405),
        ("POST", "/livez", 405),
        ("GET", "/v1/queues/", 404),
        ("GET", "/v1/queues/Nowhere", 404),
    ],
)
def test_every_refusal_is_a_problem_with_a_sentence(steady, method, address, status):
    answered = steady.request(method, address)
    assert answered.status_code == status
    assert answered.headers["content-type"] == "application/problem+json"
    assert answered.json()["status"] == status
    assert len(answered.json()["detail"].split()) > 4
    assert ("allow" in answered.headers) == (status == 405)


@pytest.mark.parametrize(("language", "heading"), [("en", "Page not found"), ("ru", "Страница не найдена")])
def test_a_browser_gets_the_problem_as_a_page_in_its_language(steady, language, heading):
    answered = steady.get("/nope", headers={"Accept": "text/html", "Accept-Language": language})
    assert answered.status_code == 404
    assert f"<h1>{heading}" in answered.text
    assert "Not Found" not in answered.text


def test_a_body_with_another_content_type_is_refused_with_the_header_to_send(steady):
    answered = steady.post("/v1/tickets", content=b'{"subject": "VPN"}', headers={"Content-Type": "text/plain"})
    assert answered.status_code == 415
    assert "Content-Type: application/json" in answered.json()["detail"]


def test_a_request_of_exactly_the_limit_is_accepted_and_one_byte_more_is_not(steady):
    frame = len(b'{"body": ""}')
    assert steady.post(
        "/v1/tickets", content=b'{"body": "%s"}' % (b"x" * (MAX_BODY_BYTES - frame)), headers=JSON
    ).is_success
    answered = steady.post(
        "/v1/tickets", content=b'{"body": "%s"}' % (b"x" * (MAX_BODY_BYTES - frame + 1)), headers=JSON
    )
    assert answered.status_code == 413
    assert "2,000,000" in answered.json()["detail"]


def test_the_limit_counts_the_bytes_that_arrive_whatever_the_headers_say(steady):
    answered = steady.post("/v1/tickets", content=(b" " * 100_000 for _ in range(30)), headers=JSON)
    assert answered.status_code == 413
    assert answered.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST:1"])
def test_the_service_answers_to_its_own_names(steady, host):
    assert steady.get("/livez", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "localhost@evil.example", "", "127.0.0.1:x"]
)
def test_another_host_name_is_refused_so_that_a_web_page_can_not_read_tickets(steady, host):
    answered = steady.get("/v1/queues", headers={"Host": host})
    assert answered.status_code == 400
    assert answered.headers["content-type"] == "application/problem+json"


def test_a_database_that_fails_is_a_503_that_asks_to_send_again(call, tmp_path):
    client = call(Settings(home=tmp_path))
    with client.app.state.context.database.writing() as conn:
        conn.exec_driver_sql("DROP TABLE journal_entries")
    answered = client.post("/v1/tickets", json={"subject": "VPN"})
    assert (answered.status_code, answered.headers["retry-after"]) == (503, "1")
    assert answered.headers["content-type"] == "application/problem+json"
    assert client.get("/v1/queues/triage/tickets").json()["items"] == []


def test_openapi_declares_every_error_and_loads_nothing_from_elsewhere(steady):
    described = steady.get("/openapi.json").json()
    assert len(described["paths"]) > 20
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            refusals = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
            assert "400" in refusals, (path, method)
            for answer in refusals.values():
                assert list(answer["content"]) == ["application/problem+json"], (path, method)
    assert {"200", "201", "400", "401", "403", "413", "415", "422", "429", "503"} == set(
        described["paths"]["/v1/tickets"]["post"]["responses"]
    )
