"""`/v1/changes`, `/v1/catalogue`, `/v1/me`: every change once and in order, as the caller sees it."""

from datetime import UTC, datetime, timedelta

import pytest

from deskyard.auth import api_keys
from deskyard.connectors.builtin import changes
from deskyard.settings import Settings
from deskyard.version import __version__


@pytest.fixture
def keys(client):
    """Headers of a machine's key, of another machine's, and of a person's."""
    with client.app.state.context.database.writing() as conn:
        made = {
            name: api_keys.create_key(conn, name, role, "test", datetime.now(UTC))
            for name, role in (("router", "machine"), ("gateway", "machine"), ("ann", "agent"), ("boss", "admin"))
        }
    return {name: {"Authorization": f"Bearer {secret}"} for name, secret in made.items()}


@pytest.fixture
def ask(client, keys):
    def one(method, address, by="router", **options):
        headers = {**keys[by], **options.pop("headers", {})}
        answered = client.request(method, address, headers=headers, **options)
        assert answered.status_code < 300, answered.text
        return answered.json()

    return one


def create(ask, n=1, **members):
    return [ask("POST", "/v1/tickets", json={"subject": "VPN", **members})["ticket"]["id"] for _ in range(n)]


def all_changes(ask, limit, cursor=None):
    found = []
    while True:
        page = ask("GET", "/v1/changes", params={"limit": limit, **({"cursor": cursor} if cursor else {})})
        assert len(page["items"]) <= limit
        found += page["items"]
        cursor = page["cursor"]
        if not page["more"]:
            return found, cursor


def test_all_tickets_come_in_pages_in_the_order_of_their_changes(ask):
    refs = create(ask, 5)
    ask("POST", f"/v1/tickets/{refs[0]}/comments", json={"text": "Still broken."})
    found, _ = all_changes(ask, 2)
    assert [one["id"] for one in found] == [*refs[1:], refs[0]]
    assert [one["updated_at"] for one in found] == sorted(one["updated_at"] for one in found)


def test_a_later_read_returns_what_changed_since(ask):
    old = create(ask, 3)
    _, cursor = all_changes(ask, 2)
    (new,) = create(ask)
    ids = [one["id"] for one in all_changes(ask, 2, cursor)[0]]
    assert new in ids
    assert set(ids) <= {*old, new}


def test_since_leaves_out_tickets_that_did_not_change(ask):
    create(ask, 2)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    page = ask("GET", "/v1/changes", params={"since": tomorrow})
    assert (page["items"], page["more"]) == ([], False)
    yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    assert len(ask("GET", "/v1/changes", params={"since": yesterday})["items"]) == 2


def test_a_change_has_the_ticket_as_received_and_its_current_values(ask):
    sent = {
        "source": "mail",
        "external_id": "7",
        "subject": "Не печатает",
        "body": "<p>Принтер 🖨</p>",
        "channel": "mail",
        "requester": "a@example.org",
        "created_at": "2026-01-31T12:00:00+03:00",
        "fields": {"product": "LJ"},
    }
    (ref,) = create(ask, **sent)
    found = ask("GET", f"/v1/changes/{ref}")
    assert found == ask("GET", "/v1/changes")["items"][0]
    assert {name: found[name] for name in sent if name != "created_at"} == {
        name: value for name, value in sent.items() if name != "created_at"
    }
    assert found["created_at"] == "2026-01-31T09:00:00Z"
    assert (found["queue"], found["status"], found["version"], found["ours"]) == ("triage", "new", 1, False)


def test_ours_is_relative_to_the_caller(ask):
    (ref,) = create(ask)
    ask("PUT", "/v1/queues/IT", "boss", json={})
    ask("PATCH", f"/v1/tickets/{ref}", json={"queue": "IT"}, headers={"If-Match": "*"})
    seen = {by: ask("GET", f"/v1/changes/{ref}", by) for by in ("router", "gateway", "ann")}
    assert {by: one["ours"] for by, one in seen.items()} == {"router": True, "gateway": False, "ann": False}
    assert seen["router"]["by_people"] == []
    ask("PATCH", f"/v1/tickets/{ref}", "ann", json={"priority": "high"}, headers={"If-Match": "*"})
    now = ask("GET", f"/v1/changes/{ref}")
    assert (now["ours"], now["by_people"]) == (False, ["priority"])
    assert ask("GET", f"/v1/changes/{ref}", "ann")["ours"]


def test_a_note_with_the_key_of_a_machine_is_a_marker_and_a_persons_is_not(ask):
    (ref,) = create(ask)
    name = {"Idempotency-Key": changes.note_key("d1-aa")}
    forged = {"Idempotency-Key": changes.note_key("d2-bb")}
    for _ in range(2):
        ask("POST", f"/v1/tickets/{ref}/comments", json={"text": "Sorted.\n\n[d1-aa]"}, headers=name)
    ask("POST", f"/v1/tickets/{ref}/comments", "ann", json={"text": "[d2-bb]"}, headers=forged)
    ask("POST", f"/v1/tickets/{ref}/comments", json={"text": "[d3-cc]"})
    assert ask("GET", f"/v1/changes/{ref}")["markers"] == ["d1-aa"]
    assert ask("GET", f"/v1/changes/{ref}", "gateway")["markers"] == ["d1-aa"]


def test_the_catalogue_has_open_queues_and_present_agents(ask):
    ask("PUT", "/v1/queues/IT", "boss", json={"default_priority": "high"})
    ask("PUT", "/v1/queues/Old", "boss", json={"open": False})
    ask("PUT", "/v1/agents/ann", "boss", json={"queues": ["IT", "Old"]})
    ask("PUT", "/v1/agents/bob", "boss", json={"present": False, "queues": ["IT"]})
    assert ask("GET", "/v1/catalogue") == {
        "queues": {"IT": {"priority": "high"}, "triage": {}},
        "agents": {"ann": ["IT", "Old"]},
        "priorities": ["low", "medium", "high", "critical"],
        "categories": None,
    }


def test_each_caller_learns_its_name_and_role(ask):
    assert ask("GET", "/v1/me") == {
        "actor": {"kind": "machine", "name": "router"},
        "role": "machine",
        "version": __version__,
    }
    assert ask("GET", "/v1/me", "ann")["actor"] == {"kind": "person", "name": "ann"}


def test_without_keys_the_caller_on_this_machine_is_the_local_person(call, tmp_path):
    me = call(Settings(home=tmp_path)).get("/v1/me").json()
    assert me["actor"] == {"kind": "person", "name": "local"}


@pytest.mark.parametrize(
    "params",
    [
        {"cursor": "certainly not one"},
        {"cursor": ""},
        {"since": "yesterday"},
        {"since": "2026-01-01T00:00:00"},
        {"since": "0001-01-01T00:00:00+14:00"},
        {"cursor": changes.start_cursor(datetime(2026, 1, 1, tzinfo=UTC)), "since": "2026-01-01T00:00:00Z"},
        {"limit": 0},
        {"limit": 1001},
    ],
)
def test_invalid_parameters_get_a_sentence(client, params):
    answered = client.get("/v1/changes", params=params)
    assert answered.status_code == 422
    assert answered.json()["detail"]


@pytest.mark.parametrize("ref", ["0", "x", "9" * 30, "99"])
def test_a_ticket_that_does_not_exist_is_not_found(client, ref):
    assert client.get(f"/v1/changes/{ref}").status_code == 404


def test_a_cursor_is_short_enough_for_the_mirror_of_another_desk(ask):
    create(ask, 2)
    page = ask("GET", "/v1/changes", params={"limit": 1})
    assert page["more"]
    assert len(page["cursor"]) < 300
