"""The journal: entries in order, exact decisions, no texts."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskyard.domain.decision import Action, Decision, Reason
from deskyard.domain.ticket import Ticket
from deskyard.journal.journal import (
    DECIDED,
    PLACED,
    RECEIVED,
    EntryHeader,
    Journal,
    decisions_to_dict,
    fingerprint_ticket,
)

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def stamp(number=1):
    return EntryHeader(number, fingerprint_ticket(Ticket(id="7", subject="VPN")), NOW, "b" * 64, "p" * 16)


def test_entries_come_back_in_order_as_they_were_written(database):
    with database.writing() as conn:
        written = Journal.record(conn, stamp(), (RECEIVED, {"source": "api"}), (DECIDED, {"n": 0.1}), (PLACED, {}))
        Journal.record(conn, stamp(2), (RECEIVED, {}))
    with database.reading() as conn:
        assert Journal.list_entries(conn, 1) == written
        assert [entry.kind for entry in written] == [RECEIVED, DECIDED, PLACED]
        assert written[0].at == NOW


def test_the_first_decision_stays_the_first(database):
    with database.writing() as conn:
        for n in range(3):
            Journal.record(conn, stamp(), (RECEIVED, {}), (DECIDED, {"n": n}))
    with database.reading() as conn:
        assert Journal.first_decision(conn, 1).content == {"n": 0}
        assert Journal.first_decision(conn, 2) is None


def test_the_journal_offers_no_way_to_change_or_remove_an_entry_but_to_take_names_out():
    assert {name for name in vars(Journal) if not name.startswith("_")} == {
        "record",
        "record_all",
        "redact",
        "last_decisions",
        "iter_confirmed",
        "first_decision",
        "find_decision",
        "first_decisions",
        "newest_decisions",
        "make_header",
        "list_entries",
        "iter_entries",
        "iter_since",
    }


@given(st.lists(st.tuples(st.text(), st.floats(0, 1)), max_size=5), st.floats(0, 1))
def test_a_decision_survives_its_way_through_json_bit_for_bit(top, confidence):
    decision = Decision("queue", Action.ROUTE, "IT", confidence, tuple(top), (Reason("contract", "sure"),))
    plain = decisions_to_dict({"queue": decision})
    assert json.loads(json.dumps(plain)) == plain
    assert plain["queue"]["confidence"] == confidence
    assert plain["queue"]["action"] == "route"


@pytest.mark.parametrize(
    "other",
    [
        {"subject": "vpn"},
        {"subject": "VPN", "body": "now"},
        {"subject": "VPN", "source": "mail"},
        {"subject": "VPN", "fields": {"product": "x"}},
        {"subject": "VPN", "created_at": NOW},
    ],
)
def test_the_hash_changes_with_anything_a_decision_was_made_from(other):
    assert fingerprint_ticket(Ticket(id="1", subject="VPN")) != fingerprint_ticket(Ticket(id="1", **other))


def test_the_hash_does_not_depend_on_the_order_of_fields_or_the_zone_of_the_time():
    east = NOW.astimezone(tz=datetime.fromisoformat("2026-01-01T00:00+03:00").tzinfo)
    one = Ticket(id="1", created_at=NOW, fields={"a": "1", "b": "2"})
    two = Ticket(id="1", created_at=east, fields={"b": "2", "a": "1"})
    assert fingerprint_ticket(one) == fingerprint_ticket(two)
