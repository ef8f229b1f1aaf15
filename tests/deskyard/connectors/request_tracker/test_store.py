"""What can be tested of the connector to Request Tracker without a server; the rest is in `tests/real/test_rt.py`."""

import json
from datetime import UTC, datetime
from importlib.resources import files

import pytest

from deskyard.connectors import open_store
from deskyard.connectors.request_tracker.history import PriorityMapping, TicketTransactions
from deskyard.errors import BadInput, BadSignature, NotFound

NOW = datetime(2026, 11, 23, tzinfo=UTC)
SECRET = {"X-Deskyard-Secret": "s3cret"}


@pytest.fixture
def store():
    opened = open_store("rt:https://Router:1-28-0aff@rt.example.test?hook_secret=s3cret")
    yield opened
    opened.close()


def test_an_address_without_a_login_is_refused_and_shows_no_token():
    with pytest.raises(BadInput, match="login") as caught:
        open_store("rt:https://:1-28-0aff@rt.example.test")
    assert "0aff" not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["https://x:1-28-0aff@rt.example.test/", "https://x:1-28-0aff@rt.example.test/REST/2.0"]
)
def test_the_address_of_the_pages_and_that_of_the_api_are_the_same_place(address):
    store = open_store(f"rt:{address}")
    assert (store.http.base, store.pages.base) == ("https://rt.example.test/REST/2.0", "https://rt.example.test")
    store.close()


@pytest.mark.parametrize(
    "text", ["", "low:0,low:5", "low:50,high:10", "huge:1", "low:0;high:9", "low:x", "high:1,high:2"]
)
def test_a_strange_scale_of_priorities_is_refused(text):
    with pytest.raises(BadInput, match="rising"):
        PriorityMapping.parse(text)


@pytest.mark.parametrize(("told", "word"), [("0", "low"), (49, "low"), ("50", "medium"), ("1000", "high"), (-3, "low")])
def test_a_number_is_the_most_urgent_priority_that_it_reaches(told, word):
    assert PriorityMapping.parse("low:0,medium:50,high:100").from_vendor(told) == word


def test_a_label_in_the_place_of_a_number_does_no_harm():
    assert [PriorityMapping.parse("low:0").from_vendor(value) for value in ("High", "On Fire", None)] == [
        "high",
        None,
        None,
    ]


@pytest.mark.parametrize("ref", ["", "abc", "1/comment", "١", "-1", "1 "])
def test_what_is_no_number_is_no_ticket_and_is_never_sent(store, ref):
    with pytest.raises(NotFound):
        store.fetch(ref)


def test_a_hook_names_its_ticket_whoever_writes_the_login_how(store):
    raw = json.dumps({"ticket": 7, "transaction": 99, "by": "router"}).encode()
    (event,) = store.parse_webhook(SECRET, raw, NOW)
    assert (event.id, event.ref, event.by_deskyard) == ("99", "7", True)


@pytest.mark.parametrize("raw", [b"", b"[]", b'"7"', b"\xff"])
def test_a_hook_that_is_no_object_is_not_believed(store, raw):
    with pytest.raises(BadSignature):
        store.parse_webhook(SECRET, raw, NOW)


def test_a_hook_without_a_ticket_is_no_news(store):
    assert store.parse_webhook(SECRET, b'{"ticket": "../1"}', NOW) == []


def test_a_ticket_without_a_history_is_nobodys():
    assert (
        TicketTransactions().version,
        TicketTransactions().is_last_ours("router"),
        TicketTransactions().filed_text({}),
    ) == ("0", False, ("", ""))


def test_the_scrip_for_the_administrator_comes_with_the_package():
    text = files("deskyard.connectors").joinpath("request_tracker", "scrip.pl").read_text()
    assert "X-Deskyard-Secret" in text
