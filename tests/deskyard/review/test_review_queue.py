"""The review desk's parts: who looks at what, what is asked blindly, in which order tickets wait."""

from datetime import UTC, datetime, timedelta

import pytest

from deskyard.desk import changes, tickets
from deskyard.desk.tickets import TicketFilter
from deskyard.domain.actors import Actor
from deskyard.domain.ticket import Ticket
from deskyard.journal.journal import DECIDED, EntryHeader, Journal
from deskyard.review import blind_review, ticket_leases
from deskyard.review.review_queue import ReviewQueue

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
ANN = Actor("person", "ann")


def file(conn, queue="triage", priority=None, predicted=None, **expected):
    """A ticket in a queue, and a decision that predicted its priority."""
    ticket = Ticket(**{"id": "", "subject": "VPN", **expected})
    number = tickets.file_ticket(conn, ticket, queue, {"priority": priority} if priority else {}, at=NOW)
    decisions = {"priority": {"label": predicted, "action": "suggest"}} if predicted else {}
    content = {"decisions": decisions, "placement": {"queue": queue, "reason": {"code": "triage", "text": ""}}}
    Journal.record(conn, EntryHeader(number, "0" * 64, NOW, None, "p"), (DECIDED, content))
    return number


def line(conn, visible=None, fallback="triage"):
    return [one.number for one in ReviewQueue().list_waiting(conn, fallback, visible)]


def test_a_lease_is_one_persons_until_it_ends_or_is_given_back(database):
    with database.writing() as conn:
        number = file(conn)
        assert ticket_leases.acquire_lease(conn, number, "ann", NOW)
        assert ticket_leases.acquire_lease(conn, number, "ann", NOW)
        assert not ticket_leases.acquire_lease(conn, number, "bob", NOW)
        assert ticket_leases.list_holders(conn, NOW) == {number: "ann"}
        assert ticket_leases.acquire_lease(conn, number, "bob", NOW + ticket_leases.LEASE_DURATION)
        ticket_leases.release_leases(conn, "ann")
        assert ticket_leases.list_holders(conn, NOW + ticket_leases.LEASE_DURATION) == {number: "bob"}
        ticket_leases.release_leases(conn, "bob", kept=[number])
        assert ticket_leases.list_holders(conn, NOW + ticket_leases.LEASE_DURATION) == {number: "bob"}
        ticket_leases.release_leases(conn, "bob")
        assert ticket_leases.list_holders(conn, NOW + ticket_leases.LEASE_DURATION) == {}


def test_a_blind_answer_is_kept_and_can_be_taken_back(database):
    with database.writing() as conn:
        number, other = file(conn), file(conn)
        blind_review.request_reviews(conn, {number: 7}, NOW)
        assert blind_review.find_review(conn, other) is None
        blind_review.record_answer(conn, number, "IT", "ann", NOW)
        found = blind_review.find_review(conn, number, for_update=True)
        assert (found.decision, found.answer, found.answered_by, found.answered_at) == (7, "IT", "ann", NOW)
        blind_review.record_answer(conn, number, None, None, None)
        assert blind_review.find_review(conn, number).answer is None


@pytest.mark.parametrize(("share", "least", "most"), [(0.0, 0, 0), (0.02, 10, 30), (1.0, 1000, 1000)])
def test_the_share_that_is_asked_about_is_the_one_that_was_wished(share, least, most):
    import hashlib

    hashes = [hashlib.sha256(str(n).encode()).hexdigest() for n in range(1000)]
    chosen = [one for one in hashes if blind_review.is_sampled(one, share)]
    assert least <= len(chosen) <= most
    assert chosen == [one for one in hashes if blind_review.is_sampled(one, share)]


def test_the_priority_that_stands_counts_before_the_one_predicted_and_age_decides_the_rest(database):
    with database.writing() as conn:
        plain, predicted = file(conn), file(conn, predicted="critical")
        set_low, high = file(conn, priority="low", predicted="critical"), file(conn, priority="high")
        young = file(conn, predicted="medium")
        assert line(conn) == [predicted, high, plain, young, set_low]


def test_what_stands_in_the_fallback_queue_waits_and_what_was_sorted_does_not(database):
    with database.writing() as conn:
        triage, fallback, elsewhere = file(conn), file(conn, "IT"), file(conn)
        changes.change_ticket(conn, elsewhere, {"status": "resolved"}, ANN, at=NOW)
        assert line(conn) == [triage]
        assert line(conn, fallback="IT") == [triage, fallback]
        assert line(conn, ["IT"], fallback="IT") == [fallback]


def test_a_changed_priority_is_seen_by_a_line_that_looked_before(database):
    looked = ReviewQueue()
    with database.writing() as conn:
        first, second = file(conn), file(conn)
        assert [one.number for one in looked.list_waiting(conn, "triage", None)] == [first, second]
        changes.change_ticket(conn, second, {"priority": "critical"}, ANN, at=NOW)
        assert [one.number for one in looked.list_waiting(conn, "triage", None)] == [second, first]


def test_blind_tickets_come_whatever_became_of_them_and_only_to_who_sees_every_queue(database):
    with database.writing() as conn:
        solved, fresh = file(conn, "IT", predicted="critical"), file(conn, "IT")
        blind_review.request_reviews(conn, {solved: 1, fresh: 2}, NOW)
        changes.change_ticket(conn, solved, {"status": "resolved"}, ANN, at=NOW)
        assert line(conn) == [fresh, solved]
        assert [one.is_blind for one in ReviewQueue().list_waiting(conn, "triage", None)] == [True, True]
        assert line(conn, ["IT", "triage"]) == []
        blind_review.record_answer(conn, fresh, "IT", "ann", NOW)
        assert line(conn) == [solved]


def test_a_requesters_other_tickets_are_the_newest_that_may_be_seen(database):
    with database.writing() as conn:
        mine = [file(conn, "IT", requester="kim@example.org") for _ in range(3)]
        hidden = file(conn, requester="kim@example.org")
        file(conn, requester="lee@example.org")
        nobody = file(conn)
        found = [one.id for one in tickets.list_by_requester(conn, "kim@example.org", mine[0], None)]
        assert found == [hidden, mine[2], mine[1]]
        seen = [one.id for one in tickets.list_by_requester(conn, "kim@example.org", mine[0], {"IT"}, limit=1)]
        assert seen == [mine[2]]
        assert tickets.list_by_requester(conn, "", nobody, None) == []


def test_a_word_of_a_subject_is_found_in_whatever_case_and_alphabet(database):
    from deskyard.desk import queues

    with database.writing() as conn:
        number = file(conn, "IT", subject="ПРИНТЕР 50% off_line")
        file(conn, "IT", subject="printer")
        there = queues.find_queue(conn, "IT")
        for text in ("принтер", "50%", "OFF_LINE"):
            found = tickets.list_tickets(conn, there, ticket_filter=TicketFilter(text=text)).items
            assert [one.id for one in found] == [number], text


def test_a_lease_outlives_a_look_and_no_longer(database):
    assert timedelta(minutes=1) < ticket_leases.LEASE_DURATION < timedelta(minutes=10)
