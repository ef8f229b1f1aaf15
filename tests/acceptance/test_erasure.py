"""`deskyard forget` on a simulated desk on which a model was trained."""

import io
import re
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from deskyard.db.database import open_database
from deskyard.db.tables.desk import TICKETS
from deskyard.desk import comments
from deskyard.desk.tickets import SELECT_TICKETS, to_desk_ticket
from deskyard.domain.actors import Actor
from deskyard.history.export import ticket_export_id
from deskyard.registry import bundle
from deskyard.settings import settings
from service.runtime.context import AppContext
from service.tickets import corrections
from tests.fakes.lived import live

FILED = 320
TRAIN = ("train", "--desk", "--effort", "quick", "--no-mlflow")


@pytest.fixture
def desk(home):
    """The database of a desk on which simulated people have triaged, solved and commented on simulated tickets."""
    live(home, settings().database, FILED)
    database = open_database(settings().database)
    with database.reading() as conn:
        stored = [to_desk_ticket(row) for row in conn.execute(SELECT_TICKETS)]
    context = AppContext(database, home / "models")
    for one in stored[::10]:
        by = Actor("person", one.ticket.requester or "requester")
        corrections.add_comment(context, one.id, by, f"a quokka, says {one.ticket.requester}", public=True)
    yield database
    database.close()


def every(database):
    with database.reading() as conn:
        return [to_desk_ticket(row) for row in conn.execute(SELECT_TICKETS.order_by(TICKETS.c.id))]


def holding(home, words):
    """The files, except those of bundles, that contain any of these texts."""
    files = [path for path in home.rglob("*") if path.is_file() and "models" not in path.parts]
    return {path.name for path in files for word in words if word.encode() in path.read_bytes()}


def test_a_requester_is_forgotten_everywhere_and_told_what_is_left(desk, command, home) -> None:
    before = every(desk)
    name, n = Counter(one.ticket.requester for one in before if one.ticket.requester).most_common(1)[0]
    mine = [one for one in before if one.ticket.requester == name]
    others = "\n".join(one.ticket.body for one in before if one.ticket.requester != name)
    words = [name, *(text for one in mine if (text := one.ticket.body[-60:]) and text not in others)]
    assert min(n, len(words)) > 3
    assert holding(home, words)
    assert command(*TRAIN).code == 0
    (old,) = bundle.champion_folder(home / "models").parent.glob("*/manifest.json")
    ids = {ticket_export_id(one) for one in mine}
    assert ids <= set(bundle.remembered_tickets(old.parent)[0])

    preview = command("forget", "--requester", name.upper(), "--dry-run")
    assert f"To be erased: {n} tickets" in preview.out
    assert f"Bundle {old.parent.name} was trained on {n} of these tickets" in preview.out
    assert "Nothing was changed" in preview.out
    assert every(desk) == before

    assert command("forget", "--requester", name, "--yes").code == 0
    now = every(desk)
    erased = [one for one in now if one.erased_at]
    assert [one.id for one in erased] == [one.id for one in mine]
    assert [(one.queue, one.category, one.status) for one in now] == [
        (one.queue, one.category, one.status) for one in before
    ]
    assert [one for one in now if not one.erased_at] == [one for one in before if one.ticket.requester != name]
    assert holding(home, words) == set()
    with desk.reading() as conn:
        assert {comment.text for one in erased for comment in comments.list_comments(conn, one.id)} <= {""}

    with desk.reading() as conn:
        decision = conn.exec_driver_sql(
            f"SELECT id FROM journal_entries WHERE kind = 'decided' AND ticket_id = {mine[0].id}"
        ).scalar()
    result = command("verify", decision)
    assert result.code == 1
    assert re.search(rf"ticket {mine[0].id} was erased on \d{{4}}-\d\d-\d\d, so nothing can be computed", result.out)

    again = command("forget", "--requester", name, "--yes")
    assert (again.code, "nothing to erase" in again.out) == (0, True)
    exported = command("export-history", "--out", home / "history.csv")
    assert f"{n} erased tickets are left out" in exported.err
    assert holding(home, words) == set()

    assert f"{n} erased tickets are left out" in command(*TRAIN).err
    (new,) = set(bundle.champion_folder(home / "models").parent.glob("*/manifest.json")) - {old}
    assert not ids & set(bundle.remembered_tickets(new.parent)[0])


def test_texts_of_tickets_solved_long_ago_are_erased_and_no_others(desk, command, home) -> None:
    before, cutoff = every(desk), datetime.now(UTC) - timedelta(days=30)
    solved = [one for one in before if one.status in ("resolved", "closed")]
    old = [one for one in solved if one.updated_at < cutoff and one.received_at < cutoff]
    assert 10 < len(old) < len(solved)
    assert f"To be erased: {len(old)} tickets" in command("forget", "--older-than", "30d", "--dry-run").out
    assert command("forget", "--older-than", "30d", "--yes").code == 0
    assert [one.id for one in every(desk) if one.erased_at] == [one.id for one in old]
    texts = [one.ticket.body[-60:] for one in old if len(one.ticket.body) > 60]
    kept = "\n".join(one.ticket.body for one in every(desk))
    assert holding(home, [text for text in texts if text not in kept]) == set()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give either --requester or --older-than"),
        (("--requester", "a", "--older-than", "9d"), "give either --requester or --older-than"),
        (("--older-than", "12h"), "write days or weeks"),
        (("--older-than", "soon"), "write days or weeks"),
        (("--requester", " "), "say whose tickets"),
    ],
)
def test_what_can_not_be_meant_is_refused_in_a_sentence(command, arguments, message) -> None:
    result = command("forget", *arguments)
    assert (result.code, message in result.err) == (2, True)


def test_nothing_is_erased_without_a_yes(desk, command, monkeypatch) -> None:
    name = next(one.ticket.requester for one in every(desk) if one.ticket.requester)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{name}\nno\n"))
    result = command("forget", "--requester", "-")
    assert (result.code, "To be erased" in result.out) == (1, True)
    assert not any(one.erased_at for one in every(desk))
