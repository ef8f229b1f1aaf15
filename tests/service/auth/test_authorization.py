"""Who has access, what each role may do and how often, and what is logged about it."""

import re
import shutil
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
import structlog
from fastapi.routing import iter_route_contexts
from starlette.datastructures import Headers
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from deskyard.auth import api_keys
from deskyard.auth.api_keys import ROLES
from deskyard.db.database import open_database
from deskyard.registry import bundle
from deskyard.settings import Settings
from service.app import create_app
from service.auth.authorization import (
    KEY_CACHE_SECONDS,
    PERMISSIONS,
    PUBLIC_PAGES,
    REQUEST_LIMIT,
    UNAUTHENTICATED_ROUTES,
    WRONG_KEY_LIMIT,
)
from service.auth.rate_limit import MAX_NAMES, RateLimiter

NOW = datetime(2026, 1, 31, tzinfo=UTC)
TOML = {"Content-Type": "application/toml"}
WRONG = {"Authorization": "Bearer dy_" + "x" * 43}


class Clock:
    """A clock that stands still until `now` is set."""

    now = 0.0

    def __call__(self):
        return self.now


def make_key(app, name, role="admin"):
    with app.state.context.database.writing() as conn:
        return {"Authorization": "Bearer " + api_keys.create_key(conn, name, role, "ann", NOW)}


def revoke(app, name):
    with app.state.context.database.writing() as conn:
        api_keys.revoke_key(conn, name, "ann", NOW)


def stop_the_clock(app):
    app.state.access.clock = clock = Clock()
    return clock


def use_up(client, address="testclient", headers=None):
    """All requests but one that a caller may send at once, as the app counts them."""
    access, headers = client.app.state.access, Headers(headers or {})
    for _ in range(REQUEST_LIMIT[1] - 1):
        if headers:
            client.portal.call(access.authenticate, headers, address, "GET", "/v1/queues")
        else:
            access.count_request(address)


@pytest.fixture
def guarded(call, tmp_path):
    """A service with one key of each role, named like its role, and a clock that stands still."""
    client = call(Settings(home=tmp_path))
    clock = stop_the_clock(client.app)
    by_role = {role: make_key(client.app, role, role) for role in ROLES}
    return SimpleNamespace(client=client, app=client.app, clock=clock, keys=by_role)


def app_routes(app):
    """(method, path pattern) of every route of the app."""
    for route in iter_route_contexts(app.routes):
        yield from ((method, route.path) for method in (route.methods or {"GET"}) - {"HEAD"})


def ask(client, method, address, **more):
    address = address.replace("{name:path}", "triage").replace("{name}", "tiny").replace("{id}", "1")
    return client.request(method, address, **more)


def test_every_route_has_a_line_in_the_table_of_permissions_and_every_line_a_route(client):
    assert {route for route in app_routes(client.app) if route[1] not in UNAUTHENTICATED_ROUTES | PUBLIC_PAGES} == set(
        PERMISSIONS
    )


@pytest.mark.parametrize("line", PERMISSIONS, ids=" ".join)
def test_each_role_may_do_what_its_line_says_and_nobody_has_access_without_a_key(guarded, line):
    for role, key in guarded.keys.items():
        answered = ask(guarded.client, *line, headers=key)
        assert (answered.status_code == 403) == (role not in PERMISSIONS[line]), role
        assert answered.status_code not in (401, 405, 429, 500)
    for headers in ({}, WRONG):
        answered = ask(guarded.client, *line, headers=headers)
        assert answered.status_code == 401
        assert answered.headers["www-authenticate"] == "Bearer"
        assert answered.headers["content-type"] == "application/problem+json"


def test_the_table_gives_each_role_what_the_one_below_may_and_the_machine_no_more_than_an_agent():
    may = {role: {line for line, roles in PERMISSIONS.items() if role in roles} for role in ROLES}
    assert may["viewer"] < may["agent"] < may["manager"] < may["admin"] == set(PERMISSIONS)
    assert may["machine"] == may["agent"]


def test_a_refusal_says_who_may(guarded):
    answered = guarded.client.put("/v1/queues/IT", headers=guarded.keys["viewer"], json={})
    assert answered.json()["detail"] == "the role viewer may not do this: manager or admin may"


@pytest.mark.parametrize("address", sorted(address for address in UNAUTHENTICATED_ROUTES if "{" not in address))
def test_supervisors_need_no_key(guarded, address):
    assert guarded.client.get(address).status_code == 200
    assert guarded.client.get(address, headers=WRONG).status_code == 200


@pytest.mark.parametrize("address", sorted(address for address in UNAUTHENTICATED_ROUTES if "{" in address))
def test_a_webhook_needs_no_key_and_its_answer_reveals_nothing(guarded, address):
    answered = guarded.client.post(address.format(name="znuny", secret="guess"), json={})
    assert answered.status_code == 401
    assert answered.json()["detail"] == "no help desk is connected under that name, or the secret is wrong"


@pytest.mark.parametrize("address", ["/nope", "/docs", "/v1/tickets", "/v1", "//livez", "/livez/", "/LIVEZ"])
def test_a_caller_without_a_key_does_not_learn_which_addresses_exist(guarded, address):
    assert guarded.client.get(f"http://localhost{address}").status_code == 401


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [("GET", "/nope", 404), ("DELETE", "/v1/queues", 405), ("HEAD", "/openapi.json", 200)],
)
def test_a_caller_with_a_key_learns_what_does_not_exist(guarded, method, address, status):
    answered = guarded.client.request(method, address, headers=guarded.keys["viewer"])
    assert answered.status_code == status


def test_a_new_route_is_refused_to_everybody_until_it_has_a_line(blank_home):
    app = create_app(blank_home)
    app.add_api_route("/v1/new", lambda: "secret")
    with TestClient(app, base_url="http://localhost") as client:
        assert client.get("/v1/new").status_code == 403
        answered = client.get("/v1/new", headers=make_key(app, "ann"))
    assert answered.status_code == 403
    assert "secret" not in answered.text


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic ZHk6",
        "dy_x",
        "Bearer a b",
        "Bearer \xff\xfe",
        "bearer:x",
        "Bearer " + "x" * 9000,
    ],
)
def test_whatever_stands_in_the_header_the_answer_is_a_401(guarded, sent):
    assert guarded.client.get("/v1/queues", headers={"Authorization": sent.encode("latin-1")}).status_code == 401


def test_a_key_is_taken_from_the_header_only(guarded):
    secret = guarded.keys["admin"]["Authorization"].split()[1]
    for address in (f"/v1/queues?key={secret}", f"/v1/queues?access_token={secret}"):
        assert guarded.client.get(address).status_code == 401
    assert guarded.client.get("/v1/queues", headers={"Cookie": f"key={secret}"}).status_code == 401
    assert guarded.client.get("/v1/queues", headers={"Authorization": f"bearer  {secret} "}).status_code == 200


def test_a_refused_body_is_never_read(guarded):
    answered = guarded.client.post("/v1/tickets", content=b"{broken", headers={"Content-Type": "application/json"})
    assert answered.status_code == 401


def test_before_the_first_key_every_caller_on_this_machine_is_an_admin(client):
    assert client.put("/v1/queues/IT", json={}).status_code == 200
    assert client.put("/v1/policy", content="halted = true", headers=TOML).status_code == 200
    number = client.post("/v1/tickets", json={"subject": "VPN"}).json()["ticket"]["id"]
    comment = client.post(f"/v1/tickets/{number}/comments", json={"text": "x"}).json()
    assert comment["actor"] == {"kind": "person", "name": "local"}


@pytest.mark.parametrize("address", ["10.0.0.7", "192.168.1.5", "::ffff:10.0.0.7", "2001:db8::1"])
def test_before_the_first_key_no_other_machine_has_access(blank_home, address):
    app = create_app(blank_home)
    clock = stop_the_clock(app)
    with TestClient(app, base_url="http://localhost", client=(address, 1)) as client:
        assert client.get("/v1/queues").status_code == 403
        assert client.get("/livez").status_code == 200
        key = make_key(app, "ann")
        clock.now += 1
        assert client.get("/v1/queues", headers=key).status_code == 200


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_before_the_first_key_this_machine_has_access_by_any_of_its_addresses(blank_home, address):
    with TestClient(create_app(blank_home), base_url="http://localhost", client=(address, 1)) as client:
        assert client.get("/v1/queues").status_code == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:3000", "http://localhost.evil.example"]
)
def test_before_the_first_key_a_page_of_another_site_can_not_act_for_its_visitor(client, origin):
    answered = client.post("/v1/models/rollback", headers={"Origin": origin})
    assert answered.status_code == 403
    assert client.post("/v1/models/rollback", headers={"Origin": "http://localhost"}).status_code == 422


def test_a_running_service_asks_for_a_key_within_a_second_of_the_first_one(client):
    clock = stop_the_clock(client.app)
    assert client.get("/v1/queues").status_code == 200
    key = make_key(client.app, "ann")
    clock.now += 1
    assert client.get("/v1/queues").status_code == 401
    assert client.get("/v1/queues", headers=key).status_code == 200


def test_a_revoked_key_is_refused_within_a_second(guarded):
    assert guarded.client.get("/v1/queues", headers=guarded.keys["agent"]).status_code == 200
    revoke(guarded.app, "agent")
    guarded.clock.now += 1
    assert guarded.client.get("/v1/queues", headers=guarded.keys["agent"]).status_code == 401
    assert guarded.client.get("/v1/queues", headers=guarded.keys["viewer"]).status_code == 200
    assert KEY_CACHE_SECONDS < 1


def test_a_desk_whose_keys_are_all_revoked_stays_closed(guarded):
    for role in ROLES:
        revoke(guarded.app, role)
    guarded.clock.now += 1
    assert guarded.client.get("/v1/queues").status_code == 401


def test_with_keys_the_service_answers_to_any_host_name_because_browsers_never_send_a_key_by_themselves(guarded):
    headers = {**guarded.keys["viewer"], "Host": "desk.example.org", "Origin": "https://desk.example.org"}
    assert guarded.client.get("/v1/queues", headers=headers).status_code == 200


@pytest.mark.parametrize(("role", "kind"), [("machine", "machine"), ("agent", "person"), ("admin", "person")])
def test_an_action_with_a_key_is_recorded_under_its_name(guarded, role, kind):
    key = guarded.keys[role]
    number = guarded.client.post("/v1/tickets", json={"subject": "VPN"}, headers=key).json()["ticket"]["id"]
    comment = guarded.client.post(f"/v1/tickets/{number}/comments", json={"text": "x"}, headers=key).json()
    assert comment["actor"] == {"kind": kind, "name": role}


def test_a_machine_with_a_key_does_not_override_a_person(guarded):
    client, person, machine = guarded.client, guarded.keys["agent"], guarded.keys["machine"]
    number = client.post("/v1/tickets", json={"subject": "VPN"}, headers=machine).json()["ticket"]["id"]
    change = {"json": {"priority": "high"}, "headers": {**person, "If-Match": "*"}}
    assert client.patch(f"/v1/tickets/{number}", **change).status_code == 200
    change = {"json": {"priority": "low"}, "headers": {**machine, "If-Match": "*"}}
    assert client.patch(f"/v1/tickets/{number}", **change).status_code == 409


def test_a_key_with_too_many_requests_waits_and_the_others_do_not(guarded):
    rate, _ = REQUEST_LIMIT
    viewer = guarded.keys["viewer"]
    use_up(guarded.client, headers=viewer)
    statuses = [guarded.client.get("/v1/queues", headers=viewer).status_code for _ in range(2)]
    assert statuses == [200, 429]
    refused = guarded.client.get("/v1/queues", headers=viewer)
    assert refused.headers["content-type"] == "application/problem+json"
    assert int(refused.headers["retry-after"]) >= 1
    assert guarded.client.get("/v1/queues", headers=guarded.keys["agent"]).status_code == 200
    guarded.clock.now += 1.5 / rate
    assert guarded.client.get("/v1/queues", headers=viewer).status_code == 200


def test_wrong_keys_are_limited_to_ten_a_minute_and_the_right_one_is_not(guarded):
    statuses = [guarded.client.get("/v1/queues", headers=WRONG).status_code for _ in range(12)]
    assert statuses == [401] * WRONG_KEY_LIMIT[1] + [429] * 2
    assert guarded.client.get("/v1/queues", headers=guarded.keys["viewer"]).status_code == 200
    guarded.clock.now += 60
    assert [guarded.client.get("/v1/queues", headers=WRONG).status_code for _ in range(11)] == [401] * 10 + [429]


def test_another_machine_without_a_key_is_limited_too(guarded):
    with TestClient(guarded.app, base_url="http://localhost", client=("10.0.0.7", 1)) as remote:
        guarded.app.state.access.clock = Clock()
        use_up(remote, "10.0.0.7")
        assert [remote.get("/livez").status_code for _ in range(2)] == [200, 429]
        assert remote.get("/v1/queues").status_code == 429


def test_before_the_first_key_no_caller_on_this_machine_is_limited(client):
    stop_the_clock(client.app)
    use_up(client, "testclient")
    assert [client.get(address).status_code for address in ("/livez", "/v1/queues", "/livez")] == [200] * 3


def test_the_limiter_forgets_the_oldest_so_that_many_addresses_do_not_fill_the_memory():
    limit = RateLimiter(1, 2)
    for number in range(3 * MAX_NAMES):
        assert limit.wait(str(number), number / MAX_NAMES) == 0
    assert len(limit._full_at) <= MAX_NAMES


def test_addresses_of_one_ipv6_network_share_one_limit(blank_home):
    app = create_app(blank_home)
    stop_the_clock(app)
    make_key(app, "ann")
    statuses = []
    for number in range(12):
        with TestClient(app, base_url="http://localhost", client=(f"2001:db8::{number:x}", 1)) as client:
            statuses.append(client.get("/v1/queues", headers=WRONG).status_code)
    assert statuses == [401] * 10 + [429] * 2


def test_without_its_database_the_service_gives_nobody_access_and_is_still_alive(guarded):
    with guarded.app.state.context.database.writing() as conn:
        conn.exec_driver_sql("DROP TABLE access_keys")
    guarded.clock.now += 1
    answered = guarded.client.get("/v1/queues", headers=guarded.keys["admin"])
    assert (answered.status_code, answered.headers["content-type"]) == (503, "application/problem+json")
    assert guarded.client.get("/livez").status_code == 200


def test_a_websocket_is_refused(guarded):
    with pytest.raises(WebSocketDisconnect), guarded.client.websocket_connect("/v1/queues"):
        pass


def test_openapi_declares_the_refusals_of_every_endpoint(client):
    paths = client.get("/openapi.json").json()["paths"]
    assert set(paths) >= {"/v1/tickets", "/v1/queues", "/v1/policy", "/v1/audit"}
    for path, methods in paths.items():
        for method, operation in methods.items():
            assert {"401", "403", "429"} <= set(operation["responses"]), (path, method)


def audit(client, **more):
    return [(d["action"], d["subject"], d["actor"]["name"]) for d in client.get("/v1/audit", **more).json()["items"]]


def test_the_audit_log_has_only_actions_that_changed_something_newest_first(guarded):
    client, admin = guarded.client, guarded.keys["admin"]
    for _ in range(2):
        assert client.put("/v1/queues/IT", json={"open": True}, headers=guarded.keys["manager"]).status_code == 200
        assert client.put("/v1/agents/борис", json={"queues": ["IT"]}, headers=admin).status_code == 200
        assert client.put("/v1/policy", content="halted = true", headers={**admin, **TOML}).status_code == 200
    assert client.put("/v1/policy", content="halted = maybe", headers={**admin, **TOML}).status_code == 422
    assert client.put("/v1/queues/triage", json={"open": False}, headers=admin).status_code == 422
    assert audit(client, headers=guarded.keys["manager"])[:4] == [
        ("policy.put", "version 1", "admin"),
        ("agent.put", "борис", "admin"),
        ("queue.put", "IT", "manager"),
        ("key.create", "machine (machine)", "ann"),
    ]


def test_the_audit_log_is_read_in_pages(guarded):
    manager = {"headers": guarded.keys["manager"]}
    first = guarded.client.get("/v1/audit?limit=3", **manager).json()
    rest = guarded.client.get("/v1/audit", params={"cursor": first["next_cursor"]}, **manager).json()
    subjects = [entry["subject"] for entry in first["items"] + rest["items"]]
    assert subjects == [f"{role} ({role})" for role in reversed(ROLES)]
    assert rest["next_cursor"] is None


def test_who_promoted_a_model_and_rolled_it_back_is_in_the_audit_log(trained, tmp_path, champion):
    models = trained.app.state.context.models
    shutil.copytree(champion / "models", tmp_path / "models")
    models.folder = tmp_path / "models"
    other = bundle.load_bundle(tmp_path / "models" / "tiny")
    bundle.save_bundle(
        tmp_path / "models" / "other", other.scorer, other.evidence, {**other.card, "asked_precision": 0.9}, {}
    )
    assert trained.post("/v1/models/other/activate").status_code == 200
    assert trained.post("/v1/models/rollback").status_code == 200
    found = audit(trained)
    assert [(action, actor) for action, _, actor in found] == [
        ("model.rollback", "local"), ("model.activate", "local"), ("model.activate", "ann"),
    ]  # fmt: skip
    assert [re.sub(r"[0-9a-f]{16}", "#", subject) for _, subject, _ in found] == ["tiny (#)", "other (#)", "tiny (#)"]


@pytest.mark.parametrize("address", ["/livez", "/v1/queues", "/nope"])
def test_a_response_has_the_id_that_the_sender_gave_the_request(guarded, address):
    assert guarded.client.get(address, headers={"X-Request-ID": "a-1.B_2"}).headers["x-request-id"] == "a-1.B_2"


@pytest.mark.parametrize("unsafe", ["", "a b", "x" * 65, 'a"b', "a;b", "пять".encode()])
def test_an_id_that_is_not_safe_to_log_is_replaced(guarded, unsafe):
    given = guarded.client.get("/livez", headers={"X-Request-ID": unsafe}).headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{32}", given)


def test_every_log_line_about_a_request_has_its_id_even_after_a_bug(guarded):
    database = guarded.app.state.context.database
    client, machine = guarded.client, guarded.keys["machine"]
    number = client.post("/v1/tickets", json={"subject": "VPN"}, headers=machine).json()["ticket"]["id"]
    with database.writing() as conn:
        conn.exec_driver_sql("UPDATE desk_tickets SET created_at = 'never'")
    structlog.contextvars.clear_contextvars()
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as logged:
        answered = client.get(f"/v1/tickets/{number}", headers={**machine, "X-Request-ID": "seven"})
        client.put("/v1/queues/IT", json={}, headers={**machine, "X-Request-ID": "eight"})
    assert (answered.status_code, answered.headers["x-request-id"]) == (500, "seven")
    assert {(line["event"], line["request"], line["caller"]) for line in logged} == {
        ("bug", "seven", "machine"), ("refused", "eight", "machine"),
    }  # fmt: skip


def test_refusals_and_writes_are_logged_and_reads_are_not(guarded):
    client, admin = guarded.client, guarded.keys["admin"]
    with structlog.testing.capture_logs() as logged:
        client.get("/v1/queues", headers=admin)
        client.put("/v1/queues/IT", json={}, headers=admin)
        client.put("/v1/queues/IT", json={}, headers=guarded.keys["viewer"])
        client.get("/v1/queues/IT")
    assert [(line["event"], line["method"], line["route"], line["status"]) for line in logged] == [
        ("request", "PUT", "/v1/queues/{name:path}", 200),
        ("refused", "PUT", "/v1/queues/{name:path}", 403),
        ("refused", "GET", "/v1/queues/{name:path}", 401),
    ]


def test_repeated_refusals_do_not_fill_the_disk(guarded):
    with structlog.testing.capture_logs() as logged:
        for _ in range(500):
            assert guarded.client.get("/v1/queues").status_code == 401
    assert 200 <= len(logged) < 500


def test_keys_are_in_the_database_so_that_every_process_knows_them(postgres_url, tmp_path, call):
    database = open_database(postgres_url)
    with database.writing() as conn:
        secret = api_keys.create_key(conn, "ann", "viewer", "ann", NOW)
    database.close()
    for _ in range(2):
        client = call(Settings(home=tmp_path, database_url=postgres_url))
        assert client.get("/v1/queues").status_code == 401
        assert client.get("/v1/queues", headers={"Authorization": f"Bearer {secret}"}).status_code == 200
