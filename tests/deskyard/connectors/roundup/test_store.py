"""What can be tested of the connector to Roundup without a server; the rest is in `tests/real/test_roundup.py`."""

import ast
import json
from datetime import UTC, datetime
from importlib.resources import files

import pytest

from deskyard.connectors import open_store
from deskyard.connectors.roundup import field_mapping as words
from deskyard.connectors.roundup.field_mapping import FieldMapping, LinkedProperty, PriorityMapping
from deskyard.errors import BadInput, BadSignature, NotFound

NOW = datetime(2026, 11, 23, tzinfo=UTC)
SECRET = {"X-Deskyard-Secret": "s3cret"}
CLASSIC = ["critical", "urgent", "bug", "feature", "wish"]


@pytest.fixture
def store():
    opened = open_store("roundup:https://router:pw@bugs.example.test/tracker?hook_secret=s3cret")
    yield opened
    opened.close()


@pytest.mark.parametrize(
    "place", ["https://:pw@x.test/t", "https://a:pw@x.test/t?notes=maybe", "https://a:pw@x.test?x=1"]
)
def test_a_strange_address_is_refused_and_shows_no_password(place):
    with pytest.raises(BadInput) as caught:
        open_store(f"roundup:{place}")
    assert "pw" not in str(caught.value)


def test_notes_are_left_only_where_the_address_asks_for_them(store):
    noting = open_store("roundup:https://router:pw@bugs.example.test/tracker?notes=on")
    assert (store.caps.notes, noting.caps.notes) == (False, True)
    noting.close()


@pytest.mark.parametrize("text", ["huge:wish", "low", "low:"])
def test_a_strange_list_of_priorities_is_refused(text):
    with pytest.raises(BadInput, match="priorities="):
        words.parse_priorities(text)


def test_the_classic_priorities_are_ours_and_what_lies_between_is_the_less_urgent():
    scale = PriorityMapping.build({}, CLASSIC)
    assert scale.to_vendor == {"low": "wish", "medium": "bug", "high": "urgent", "critical": "critical"}
    assert [scale.from_vendor[name] for name in CLASSIC] == ["critical", "high", "medium", "low", "low"]


def test_a_tracker_with_other_words_has_those_priorities_that_it_names():
    scale = PriorityMapping.build({}, ["high", "normal"])
    assert (scale.to_vendor, scale.from_vendor) == (
        {"medium": "normal", "high": "high"},
        {"normal": "medium", "high": "high"},
    )
    assert PriorityMapping.build({}, ["rot", "grün"]).from_vendor == {}


def test_an_issue_of_a_bare_tracker_is_read():
    found = {"attributes": {"title": None, "creation": "2026-11-23.04:12:34", "activity": "2026-11-23.04:12:34"}}
    mapping = FieldMapping(
        LinkedProperty("keyword", "keyword"), None, None, PriorityMapping.build({}, []), ("router", "3")
    )
    one = words.to_stored_ticket("1", found, {}, mapping)
    assert (one.queue, one.priority, one.assignee, one.status, one.last_change_by_deskyard) == (
        None,
        None,
        None,
        "new",
        False,
    )
    assert (one.ticket.subject, one.ticket.body, one.ticket.requester) == ("", "", "")


def test_another_name_for_the_same_thing_is_no_change_and_another_thing_is():
    parts = {"queue": {"id": "1", "link": "x", "name": "IT"}, "title": "t"}
    renamed = {"queue": {"id": "1", "link": "x", "name": "Helpdesk"}, "title": "t"}
    assert words.issue_version(parts) == words.issue_version(renamed)
    assert words.issue_version(parts) != words.issue_version({**parts, "queue": {"id": "2", "link": "x", "name": "IT"}})


@pytest.mark.parametrize("ref", ["", "abc", "1/messages", "١"])
def test_what_is_no_number_is_no_issue_and_is_never_sent(store, ref):
    with pytest.raises(NotFound):
        store.fetch(ref)


def test_a_hook_names_its_issue(store):
    raw = json.dumps({"issue": "7", "by": "router", "at": "1.5"}).encode()
    (event,) = store.parse_webhook(SECRET, raw, NOW)
    assert (event.ref, event.by_deskyard) == ("7", True)
    assert store.parse_webhook(SECRET, b'{"issue": "../1"}', NOW) == []
    with pytest.raises(BadSignature):
        store.parse_webhook(SECRET, b"[]", NOW)


def test_the_detector_for_the_administrator_comes_with_the_package_and_is_python():
    text = files("deskyard.connectors").joinpath("roundup", "detector.py.txt").read_text()
    assert {"notify", "post", "init"} <= {
        node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)
    }
