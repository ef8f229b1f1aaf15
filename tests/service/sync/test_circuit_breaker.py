"""Corrections of routed tickets open the circuit breaker for their queue alone, and a person closes it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from deskyard.analytics import rollups
from deskyard.breaker import circuit_breaker
from deskyard.db.tables.notifications import NOTIFICATIONS
from deskyard.domain.actors import Actor
from deskyard.errors import NotFound
from deskyard.policy.versions import Policies
from deskyard.registry import active_model
from deskyard.review import blind_review
from deskyard.sync import notifications
from service.background import rollups_worker
from service.tickets import replay
from tests.conftest import SUBJECTS

ANN = Actor("person", "ann")


@pytest.fixture
def desk(trained):
    """A client, and the application context behind it."""
    trained.context = trained.app.state.context
    return trained


def arrive(client, queue):
    """A new ticket about a queue's topic; its number, and the queue in which it was placed."""
    answer = client.post("/v1/tickets", json={"subject": SUBJECTS[queue]}).json()
    return answer["ticket"]["id"], answer["placement"]["queue"]


def corrected(client, queue, to):
    number, placed = arrive(client, queue)
    assert placed == queue
    assert client.patch(f"/v1/tickets/{number}", json={"queue": to}, headers={"If-Match": "*"}).status_code == 200
    return int(number)


def check(context):
    """Update the rollups and check the breaker, as the service does every few seconds; the present openings."""
    rollups.refresh_rollups(context.database, ZoneInfo("UTC"))
    rollups_worker.check_breaker(context)
    with context.database.reading() as conn:
        return circuit_breaker.list_current_openings(conn)


def test_a_queue_whose_tickets_people_move_is_taken_out_and_no_other(desk):
    for _ in range(4):
        arrive(desk, "Billing")
    assert check(desk.context) == []
    last = [corrected(desk, "IT", "Billing") for _ in range(4)][-1]
    (held,) = check(desk.context)
    assert (held.target, held.label, held.ticket, held.wrong, held.total) == ("queue", "IT", last, 4, 4)
    assert [placed for _, placed in (arrive(desk, "IT"), arrive(desk, "Billing"))] == ["triage", "Billing"]
    with desk.context.database.reading() as conn:
        version = Policies.current(conn)
    assert (version.actor, dict(version.policy.tripped)) == ("machine: breaker", {"queue": ("IT",)})
    assert check(desk.context) == [held]


def test_every_decision_before_and_after_it_is_computed_again_to_the_byte(desk, champion):
    for _ in range(4):
        corrected(desk, "IT", "Billing")
    check(desk.context)
    arrive(desk, "IT")
    with desk.context.database.reading() as conn:
        from deskyard.journal.journal import Journal

        numbers = Journal.newest_decisions(conn, 5)
    assert {replay.replay(desk.context.database, champion / "models", number).finding for number in numbers} == {"same"}


def test_what_nobody_touched_is_no_reason_to_trip(desk):
    for _ in range(30):
        arrive(desk, "IT")
    assert check(desk.context) == []


def test_moved_and_moved_back_was_right(desk):
    for _ in range(6):
        number = corrected(desk, "IT", "Billing")
        desk.patch(f"/v1/tickets/{number}", json={"queue": "IT"}, headers={"If-Match": "*"})
    assert check(desk.context) == []


def test_blind_answers_alone_are_enough(desk):
    numbers = [int(arrive(desk, "IT")[0]) for _ in range(40)]
    now = datetime.now(UTC)
    with desk.context.database.writing() as conn:
        blind_review.request_reviews(
            conn, {n: 1 for n in numbers[:4] if blind_review.find_review(conn, n) is None}, now
        )
        for number in numbers[:4]:
            blind_review.record_answer(conn, number, "Billing", "ann", now)
    assert [one.label for one in check(desk.context)] == ["IT"]


def test_whoever_wants_to_know_is_told_once_by_the_last_ticket(desk):
    with desk.context.changing_settings() as conn:
        notifications.save_target(conn, "all", "webhook:https://hooks.example.test", [], "en")
        notifications.save_target(conn, "network", "webhook:https://hooks.example.test", ["IT"], "en")
        notifications.save_target(conn, "money", "webhook:https://hooks.example.test", ["Billing"], "en")
    desk.context.notifier.create_tables()
    last = [corrected(desk, "IT", "Billing") for _ in range(4)][-1]
    check(desk.context)
    check(desk.context)
    with desk.context.database.reading() as conn:
        rows = conn.execute(NOTIFICATIONS.select().where(NOTIFICATIONS.c.event == notifications.EVENT_TRIPPED)).all()
        names = {notifications.get_target(conn, row.target_id).name for row in rows}
    assert (names, len(rows)) == ({"all", "network"}, 2)
    assert {(row.ticket_id, row.queue) for row in rows} == {(last, "IT")}


def test_a_person_lets_it_go_and_only_new_tickets_count_from_then_on(desk):
    for _ in range(4):
        corrected(desk, "IT", "Billing")
    check(desk.context)
    page = desk.get("/models/policy").text
    assert "Stopped by the circuit breaker" in page
    sent = {"target": "queue", "label": "IT"}
    assert desk.post("/models/policy/breaker", data=sent, follow_redirects=False).status_code == 303
    assert check(desk.context) == []
    assert arrive(desk, "IT")[1] == "IT"
    assert "Stopped by the circuit breaker" not in desk.get("/models/policy").text
    for _ in range(4):
        corrected(desk, "IT", "Billing")
    assert [one.label for one in check(desk.context)] == ["IT"]


def test_what_is_not_held_back_can_not_be_let_go(desk):
    with desk.context.changing_settings() as conn, pytest.raises(NotFound, match="does not hold queue 'IT'"):
        circuit_breaker.close_breaker(conn, "queue", "IT", ANN, datetime.now(UTC))


def test_another_model_ends_it(desk):
    for _ in range(4):
        corrected(desk, "IT", "Billing")
    check(desk.context)
    later = datetime.now(UTC) + timedelta(seconds=1)
    with desk.context.changing_settings() as conn:
        active_model.set_active(conn, "another", "0" * 64, "ann", later)
    assert check(desk.context) == []
    with desk.context.database.reading() as conn:
        assert Policies.current(conn).policy.tripped == {}
        (ended,) = circuit_breaker.list_recent_openings(conn, 5)
    assert ended.closed_by == "machine: breaker"


def test_a_policy_that_a_person_writes_without_it_ends_it_too(desk, command):
    for _ in range(4):
        corrected(desk, "IT", "Billing")
    check(desk.context)
    desk.post("/models/policy/text", data={"text": 'mode = "route"', "version": "2"})
    assert check(desk.context) == []
