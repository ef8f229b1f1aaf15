"""A desk written back as a history: what was filed, what people made of it, and nothing the machine made up."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from deskyard.db.database import open_database
from deskyard.db.tables.review import BLIND_REVIEWS
from deskyard.desk import agents, changes, queues, ticket_history, tickets
from deskyard.desk.ticket_history import HistoryStep
from deskyard.domain.actors import Actor
from deskyard.domain.catalogue import TRIAGE
from deskyard.domain.ticket import Ticket
from deskyard.errors import BadInput
from deskyard.history.export import default_moves_path, export_tickets
from deskyard.journal.journal import CONFIRMED, EntryHeader, Journal
from deskyard.review import blind_review
from training.data.load import load_history

NOW = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)
MODEL, ANN = Actor("machine", "bbbb"), Actor("person", "ann")
FORMATS = (".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".parquet")


@pytest.fixture
def desk(database):
    furnish(database)
    return database


def furnish(database):
    with database.writing() as conn:
        queues.ensure_queues(conn, ["IT", "Billing", "Кадры/Отпуск"])
        agents.ensure_agents(conn, {"ann": ["IT", "Billing"], "борис": ["IT"]})


def file(database, queue="IT", at=NOW, machine=(), **ticket):
    values = dict(machine)
    new = Ticket(**{"id": "", "subject": "VPN", "created_at": at, **ticket})
    with database.writing() as conn:
        number = tickets.file_ticket(conn, new, queue, values, at=at)
        set_ = {"queue": queue, **values}.items()
        ticket_history.add_steps(
            conn, number, [HistoryStep(at, MODEL, name, None, value, "", 1) for name, value in set_]
        )
    return number


def change(database, number, actor=ANN, at=NOW, **requested):
    with database.writing() as conn:
        changes.change_ticket(conn, number, requested, actor, at=at)


def exported(database, folder, ending=".csv"):
    out = folder / f"history{ending}"
    moves = default_moves_path(out)
    export_tickets(database, out, moves)
    return load_history([out], moves=moves)


def labels(history):
    return {
        ticket.id: {target: values[place] for target, values in history.labels.items() if values[place]}
        for place, ticket in enumerate(history.tickets)
    }


HARD = [
    Ticket(
        id="4711",
        source="mail",
        subject='Не печатает 🖨, "совсем"',
        body='строка\n\nещё; "строка"\r\nс отступом\n  ,,,\n',
        channel="mail",
        language="ru",
        requester="a@example.org",
        organisation="ООО «Ромашка», отдел 5",
        created_at=NOW,
        fields={"product": "LJ/4", "линия": "1;2,3", "note": 'a "b"\nc'},
    ),
    Ticket(id="", source="form", subject="=1+1", body="\ttab, and a back\\slash 'quoted'", created_at=NOW),
    Ticket(id="7/8", source="a/b", body=" leading and trailing ", created_at=NOW - timedelta(days=400)),
    Ticket(id="b/7/8", source="a", body="another", created_at=NOW),
    Ticket(id="", source="api", subject="{", body="x" * 1_000_000, created_at=NOW),
]


@pytest.mark.parametrize("ending", FORMATS)
def test_what_was_filed_comes_back_exactly_in_every_format(desk, tmp_path, ending):
    with desk.writing() as conn:
        numbers = [tickets.file_ticket(conn, ticket, "IT", {}, at=NOW) for ticket in HARD]
    history = exported(desk, tmp_path, ending)
    assert history.rejected == []
    names = ["mail/4711", str(numbers[1]), "a%2Fb/7/8", "a/b/7/8", str(numbers[4])]
    found = {ticket.id: ticket for ticket in history.tickets}
    assert set(found) == set(names)
    for name, file_one in zip(names, HARD, strict=True):
        back = found[name]
        for part in ("subject", "body", "channel", "language", "requester", "organisation", "created_at"):
            assert getattr(back, part) == getattr(file_one, part), part
        assert dict(back.fields) == dict(file_one.fields)


def test_a_lone_carriage_return_becomes_a_line_feed_in_csv_and_costs_no_ticket(desk, tmp_path):
    file(desk, body="one\rtwo\r\nthree")
    file(desk, body="next")
    assert [ticket.body for ticket in exported(desk, tmp_path).tickets] == ["one\ntwo\r\nthree", "next"]
    assert exported(desk, tmp_path, ".jsonl").tickets[0].body == "one\rtwo\r\nthree"


def test_what_a_person_chose_is_a_label_and_what_the_machine_set_is_none(desk, tmp_path):
    number = file(desk, machine={"category": "network", "priority": "low"})
    change(desk, number, queue="Billing")
    assert labels(exported(desk, tmp_path)) == {str(number): {"queue": "Billing"}}


def test_a_ticket_that_was_resolved_teaches_all_that_stood_there(desk, tmp_path):
    number = file(desk, machine={"category": "network", "priority": "low", "assignee": "ann"})
    change(desk, number, at=NOW + timedelta(hours=1), status="resolved")
    change(desk, number, at=NOW + timedelta(days=7), status="closed")
    history = exported(desk, tmp_path)
    assert labels(history) == {
        str(number): {"queue": "IT", "category": "network", "priority": "low", "assignee": "ann"}
    }
    assert history.resolutions == [NOW + timedelta(hours=1)]


def test_a_ticket_that_was_opened_again_is_not_resolved(desk, tmp_path):
    number = file(desk)
    for hours, status in enumerate(["resolved", "open"]):
        change(desk, number, at=NOW + timedelta(hours=hours), status=status)
    history = exported(desk, tmp_path)
    assert (labels(history), history.resolutions) == ({str(number): {}}, [None])


def test_triage_is_never_a_label(desk, tmp_path):
    moved, solved = file(desk), file(desk, TRIAGE)
    change(desk, moved, queue=TRIAGE)
    change(desk, solved, status="closed", priority="high")
    assert labels(exported(desk, tmp_path)) == {str(moved): {}, str(solved): {"priority": "high"}}


def test_a_value_that_a_rule_put_in_a_persons_place_is_no_label(desk, tmp_path):
    number = file(desk)
    change(desk, number, assignee="борис")
    change(desk, number, queue="Billing")
    with desk.reading() as conn:
        assert tickets.find_ticket(conn, number).assignee is None
    assert labels(exported(desk, tmp_path)) == {str(number): {"queue": "Billing"}}


def test_the_moves_tell_who_changed_what_when(desk, tmp_path):
    number = file(desk, id="1", source="mail", machine={"priority": "low"})
    change(desk, number, at=NOW + timedelta(minutes=5), queue="Кадры/Отпуск", priority="critical")
    moves = exported(desk, tmp_path).moves
    expected = [(move.id, move.actor, move.field, move.before, move.after) for move in moves]
    assert expected == [
        ("mail/1", "machine:bbbb", "queue", None, "IT"),
        ("mail/1", "machine:bbbb", "priority", None, "low"),
        ("mail/1", "ann", "queue", "IT", "Кадры/Отпуск"),
        ("mail/1", "ann", "priority", "low", "critical"),
    ]
    assert moves[-1].at == NOW + timedelta(minutes=5)


def test_fields_whose_names_differ_in_case_only_are_one_column(desk, tmp_path):
    file(desk, fields={"Product": "a", " ": "nothing", "empty": ""})
    file(desk, fields={"product": "b", "PRODUCT": "c"})
    assert [dict(ticket.fields) for ticket in exported(desk, tmp_path).tickets] == [{"product": "a"}, {"product": "b"}]


def test_more_tickets_than_are_read_together_are_all_written(desk, tmp_path, monkeypatch):
    from deskyard.history import export as export_history

    monkeypatch.setattr(export_history, "BATCH_SIZE", 3)
    numbers = [file(desk) for _ in range(8)]
    assert [ticket.id for ticket in exported(desk, tmp_path).tickets] == list(map(str, numbers))


def test_an_empty_desk_is_a_table_with_a_header(desk, tmp_path):
    assert len(exported(desk, tmp_path)) == 0


def test_the_command_writes_both_files_and_tells_what_is_in_them(command, home, tmp_path):
    database = open_database()
    furnish(database)
    change(database, file(database), queue="Billing")
    database.close()
    result = command("export-history", "--out", tmp_path / "h.csv.gz").err
    assert "1 tickets" in result
    assert "0 category, 0 priority, 1 queue, 0 assignee" in result
    assert "2 moves" in result
    assert (tmp_path / "h.moves.csv").exists()
    assert command("export-history", "--out", "-").out.startswith("id,created_at,subject,body")


def test_a_table_can_not_be_its_own_moves(command, home, tmp_path):
    result = command("export-history", "--out", tmp_path / "h.csv", "--moves", tmp_path / "h.csv")
    assert (result.code, "name another file" in result.err) == (2, True)
    assert "name the file" in command("export-history", "--out", tmp_path / "h.xls").err
    with pytest.raises(BadInput):
        export_tickets(open_database(), tmp_path / "nowhere" / "h.csv", None)


def test_a_model_learns_from_what_was_exported(desk, tmp_path, make_history):
    from training.data.label_sets import build_label_sets

    for number, one in enumerate(make_history(12).tickets):
        file_one = file(desk, id=one.id, source="mail", subject=one.subject, body=one.body)
        change(desk, file_one, queue=["Billing", "Кадры/Отпуск"][number % 2])
    assert build_label_sets(exported(desk, tmp_path).labels)["queue"].labels == ("Billing", "Кадры/Отпуск")


def trusted(history):
    return {ticket.id: history.trust["queue"][place] for place, ticket in enumerate(history.tickets)}


@pytest.fixture
def stood(desk):
    """Tickets that the machine placed, solved: one that nobody spoke of, and one for each way to speak."""
    silent, corrected, confirmed, blindly, led, back = (file(desk) for _ in range(6))
    change(desk, corrected, queue="Billing")
    change(desk, back, queue="Billing")
    with desk.writing() as conn:
        changes.change_ticket(conn, back, {"queue": "IT"}, ANN, at=NOW, why=ticket_history.TAKEN_BACK)
        for number in (confirmed, led):
            expected = {"field": "queue", "from": "IT", "to": "IT", "by": "ann", "kind": "person"}
            Journal.record(conn, EntryHeader(number, "h" * 64, NOW, None, None), (CONFIRMED, expected))
        for number, answer in ((blindly, "IT"), (led, "Billing")):
            conn.execute(insert(BLIND_REVIEWS), {"ticket_id": number, "decision": 1, "at": NOW})
            blind_review.record_answer(conn, number, answer, "ann", NOW)
    for number in (silent, corrected, confirmed, blindly, led, back):
        change(desk, number, at=NOW + timedelta(hours=1), status="resolved")
    return silent, corrected, confirmed, blindly, led, back


@pytest.mark.parametrize("ending", FORMATS)
def test_each_label_says_who_stands_behind_it(desk, tmp_path, stood, ending):
    result = ["unreviewed", "corrected", "confirmed", "blind", "confirmed", "unreviewed"]
    assert trusted(exported(desk, tmp_path, ending)) == dict(zip(map(str, stood), result, strict=True))


def test_what_a_rule_filled_in_was_chosen_by_nobody(desk, tmp_path):
    number = file(desk)
    with desk.writing() as conn:
        changes.change_ticket(conn, number, {"priority": "low"}, Actor("rule", "desk"), at=NOW)
    change(desk, number, status="resolved")
    assert exported(desk, tmp_path).trust["priority"] == ["unreviewed"]


def test_a_label_that_a_ticket_was_filed_with_is_as_good_as_any(desk, tmp_path):
    with desk.writing() as conn:
        number = tickets.file_ticket(conn, Ticket(id="", subject="VPN", created_at=NOW), "IT", {}, at=NOW)
    change(desk, number, status="resolved")
    history = exported(desk, tmp_path)
    assert (labels(history)[str(number)], trusted(history)[str(number)]) == ({"queue": "IT"}, "")


def test_a_ticket_that_is_open_and_was_given_back_teaches_nothing(desk, tmp_path):
    number = file(desk)
    change(desk, number, queue="Billing")
    with desk.writing() as conn:
        changes.change_ticket(conn, number, {"queue": "IT"}, ANN, at=NOW, why=ticket_history.TAKEN_BACK)
    assert labels(exported(desk, tmp_path)) == {str(number): {}}
