"""`deskyard connect` looks before it keeps anything, and what it keeps holds no secret."""

import stat

import pytest
from sqlalchemy import text

from deskyard.db.database import open_database
from deskyard.desk import tickets
from deskyard.policy.policy import Mode
from deskyard.policy.versions import Policies
from deskyard.settings import settings
from deskyard.sync import connections, credentials
from tests.conftest import SUBJECTS
from tests.fakes.plaindesk import TOKEN
from tests.fakes.serving import Faults, served
from tests.service.foreign import known, plaindesk


@pytest.fixture(autouse=True)
def page_store(home):
    with known(home / "path"):
        yield


@pytest.fixture
def desk():
    return plaindesk()


@pytest.fixture
def base(desk):
    with served(Faults(desk.app)) as url:
        yield url


@pytest.fixture
def database(home):
    opened = open_database(settings().database)
    yield opened
    opened.close()


def url_of(base):
    return "plaindesk:" + base.replace("//", f"//:{TOKEN}@")


def test_connecting_says_what_is_there_what_can_not_be_done_and_what_comes_next(command, base):
    said = command("connect", url_of(base), "--queue", "Inbox")
    assert (said.code, said.err) == (0, "")
    assert "It answers: 3.1, we are 'deskyard' there" in said.out
    assert "4 open queues: 'Billing', 'IT', 'Inbox', 'Кадры/Отпуск'" in said.out
    assert "2 agents: 'ann', 'борис'" in said.out
    assert "there is no model yet" in said.out
    assert "it does not tell who changed what: histories come without moves" in said.out
    assert "Nothing is written there yet (shadow)" in said.out
    assert "/v1/hooks/plaindesk, secret " in said.out


def test_what_is_kept_begins_in_shadow_and_the_database_holds_no_secret(command, base, database, home):
    said = command("connect", url_of(base), "--name", "plain-2", "--per-minute", "30")
    assert said.code == 0
    with database.reading() as conn:
        kept = connections.find_by_name(conn, "plain-2")
        policy = Policies.current(conn).policy
        rows = conn.execute(text("SELECT * FROM store_connections")).all()
    assert (kept.kind, kept.place, kept.per_minute, kept.active) == ("plaindesk", base, 30, True)
    assert policy.stores["plain-2"].mode is Mode.SHADOW
    hook = credentials.read_secret("plain-2", credentials.HOOK_SECRET)
    assert credentials.read_secret("plain-2") == TOKEN
    assert len(hook) > 30
    assert hook in said.out
    assert TOKEN not in said.out + str(rows)
    assert hook not in str(rows)
    file = home / "secrets" / "plain-2.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_look_keeps_nothing(command, base, database):
    said = command("connect", url_of(base), "--check")
    assert "It can be worked with. Nothing was kept." in said.out
    with database.reading() as conn:
        assert connections.list_connections(conn) == []


def test_connecting_compares_what_is_there_with_what_the_model_knows(command, base, desk, champion, home):
    (home / "models").symlink_to(champion / "models")
    del desk.queues["IT"]
    said = command("connect", url_of(base), "--check")
    assert "queue: 2 of the 3 that the model knows are there" in said.out
    assert "never set, for want of them there: 'IT'" in said.out
    assert "never chosen, for the model does not know them: 'Inbox'" in said.out


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["plaindesk:{base}"], "there is no secret for 'plaindesk': put it into DESKYARD_SECRET_PLAINDESK"),
        (["plaindesk:{wrong}"], "it can't be worked with yet: "),
        (["plaindesk:127.0.0.1"], "write the help desk's address with https://"),
        (["plaindesc:https://x@y"], "there is no ticket store 'plaindesc' (did you mean 'plaindesk'?)"),
        (["{url}", "--queue", "Nope"], "--queue 'Nope': there is no such queue; there are 'Billing'"),
        (["{url}", "--since", "yesterday evening"], "--since 'yesterday evening' is no time"),
        (["{url}", "--name", "My desk"], "'My desk' is no name for a connection"),
        (["{url}?colour=red"], "there is no option 'colour' for this store"),
        (["desk:"], "the built-in desk is always connected"),
    ],
)
def test_what_can_not_be_connected_is_told_in_a_sentence_without_the_secret(command, base, given, words):
    wrong = base.replace("//", "//:s3cretword@")
    said = command("connect", *(one.format(base=base, wrong=wrong, url=url_of(base)) for one in given))
    assert said.code == 2
    assert words in said.err
    assert "s3cretword" not in said.err + said.out
    assert TOKEN not in said.err


def test_a_help_desk_that_is_away_is_told_so(command):
    said = command("connect", f"plaindesk:http://:{TOKEN}@127.0.0.1:1")
    assert (said.code, "it can't be reached" in said.err) == (2, True)


def test_a_live_queue_of_the_same_name_is_warned_of(command, base):
    assert command("policy", "mode", "route", "--queue", "IT").code == 0
    assert "live already, by rules of the policy: 'IT'" in command("connect", url_of(base)).out


def test_connections_are_listed_with_how_they_do_and_left(command, base):
    assert "Nothing is connected" in command("connections").out
    command("connect", url_of(base))
    assert command("connections").out.startswith(
        f"plaindesk        plaindesk:{base}; not read yet; nothing delivered yet"
    )
    assert command("disconnect", "plaindesk").code == 0
    assert "disconnected" in command("connections").out
    assert credentials.read_secret("plaindesk") == ""
    assert "there is no connection 'nope'" in command("disconnect", "nope").err
    assert command("connect", url_of(base)).code == 0
    assert "disconnected" not in command("connections").out


def test_stores_are_listed_one_line_each_name_first(command):
    lines = command("stores").out.splitlines()
    names = [line.split()[0] for line in lines]
    assert names[0] == "desk"
    assert set(names) >= {"deskyard", "znuny", "rt", "roundup", "django-helpdesk", "zendesk", "jira", "zammad"}
    assert all("sets queue" in line for line in lines)


def test_a_history_is_pulled_with_bodies_and_goes_on_where_it_was_cut_off(command, base, desk, home, monkeypatch):
    from deskyard.history import pull as pull_history

    refs = [desk.file(list(SUBJECTS.values())[n % 3], f"body {n}", queue="IT") for n in range(25)]
    monkeypatch.setattr(pull_history, "PAGE_SIZE", 10)
    pull = ("pull", url_of(base), "--out", "history.csv")
    asked = []

    class CutOff(Exception):
        pass

    record = pull_history._ticket_record

    def and_then_the_power_goes(store, seen):
        asked.append(seen.ref)
        if len(asked) == 15:
            raise CutOff
        return record(store, seen)

    monkeypatch.setattr(pull_history, "_ticket_record", and_then_the_power_goes)
    with pytest.raises(CutOff):
        command(*pull)
    assert not (home.parent / "work" / "history.csv").exists()
    monkeypatch.setattr(pull_history, "_ticket_record", record)
    said = command(*pull)
    assert said.code == 0
    assert "Going on after 10 tickets" in said.err
    assert "25 tickets to history.csv; labels: 0 category, 0 priority, 25 queue, 0 assignee." in said.err
    assert "This help desk does not tell who changed what" in said.err
    written = (home.parent / "work" / "history.csv").read_text()
    assert all(f"body {n}" in written for n in range(25))
    assert len(written.splitlines()) == 1 + len(refs)
    assert list((home.parent / "work").glob(".*pulling")) == []


def test_a_history_of_another_help_desk_is_not_mixed_in(command, base, home):
    (home.parent / "work" / ".history.csv.pulling").write_text('{"mark": "another"}\n')
    said = command("pull", url_of(base), "--out", "history.csv")
    assert (said.code, "belongs to another help desk" in said.err) == (2, True)


def test_the_shadow_report_says_what_would_have_been_and_what_people_did(command, base, desk, database, champion):
    from datetime import UTC, datetime

    from service.runtime.context import AppContext
    from service.sync import ingest
    from service.sync.store_pool import StorePool

    for n, topic in enumerate(["IT", "IT", "Billing", "Billing", "IT", "IT"]):
        desk.file(f"{SUBJECTS[topic]} {n}")
    command("connect", url_of(base), "--since", "2020-01-01")
    context = AppContext(database, champion / "models")
    opened = StorePool(database)

    def read_all():
        with database.reading() as conn:
            connection = connections.find_by_name(conn, "plaindesk")
        store = opened.get(connection)
        seen = [store.fetch(ref) for ref in desk.tickets]
        ingest.ingest(context, None, connection, store.caps, store.catalogue(), seen, datetime.now(UTC))

    read_all()
    for ref, queue in {"1": "IT", "2": "IT", "3": "Billing", "5": "Billing"}.items():
        desk.set(ref, {"queue": queue}, by="ann")
    read_all()
    opened.close()
    said = command("shadow-report", "plaindesk")
    assert "plaindesk: of 6 tickets the queue would have been set in 6." in said.out
    assert "People have spoken on 4 of these, and agreed on 3." in said.out
    lines = {
        line.split()[0]: line.split()[1:5] for line in said.out.splitlines() if line.startswith("  ") and "%" in line
    }
    assert lines["IT"][:3] == ["4", "3", "67%"]
    assert lines["Billing"][:3] == ["2", "1", "100%"]
    with database.reading() as conn:
        assert tickets.count_by_queue(conn)["Inbox"] == 2
    assert '"would": 4' in command("shadow-report", "--json").out
    assert "for none the evidence" in command("shadow-report", "plaindesk", "--target", "category").out
