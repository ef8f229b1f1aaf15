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
    result = command("connect", url_of(base), "--queue", "Inbox")
    assert (result.code, result.err) == (0, "")
    assert "Connected to 3.1 as 'deskyard'" in result.out
    assert "4 open queues: 'Billing', 'IT', 'Inbox', 'Кадры/Отпуск'" in result.out
    assert "2 agents: 'ann', 'борис'" in result.out
    assert "there is no model yet" in result.out
    assert "it does not report who changed what: histories have no moves" in result.out
    assert "Nothing is written there yet (shadow mode)" in result.out
    assert "/v1/hooks/plaindesk, secret " in result.out


def test_what_is_kept_begins_in_shadow_and_the_database_holds_no_secret(command, base, database, home):
    result = command("connect", url_of(base), "--name", "plain-2", "--per-minute", "30")
    assert result.code == 0
    with database.reading() as conn:
        kept = connections.find_by_name(conn, "plain-2")
        policy = Policies.current(conn).policy
        rows = conn.execute(text("SELECT * FROM store_connections")).all()
    assert (kept.kind, kept.place, kept.per_minute, kept.active) == ("plaindesk", base, 30, True)
    assert policy.stores["plain-2"].mode is Mode.SHADOW
    hook = credentials.read_secret("plain-2", credentials.HOOK_SECRET)
    assert credentials.read_secret("plain-2") == TOKEN
    assert len(hook) > 30
    assert hook in result.out
    assert TOKEN not in result.out + str(rows)
    assert hook not in str(rows)
    file = home / "secrets" / "plain-2.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_look_keeps_nothing(command, base, database):
    result = command("connect", url_of(base), "--check")
    assert "The check passed. Nothing was stored." in result.out
    with database.reading() as conn:
        assert connections.list_connections(conn) == []


def test_connecting_compares_what_is_there_with_what_the_model_knows(command, base, desk, champion, home):
    (home / "models").symlink_to(champion / "models")
    del desk.queues["IT"]
    desk.queues["BILLING"] = desk.queues.pop("Billing")
    result = command("connect", url_of(base), "--check")
    assert "queue: 2 of 3 labels of the model exist in the help desk" in result.out
    desk.queues["billing"] = True
    told = command("connect", url_of(base), "--check").out
    assert "never set, because 'Billing' may be 'BILLING' or 'billing': rename one of them" in told
    assert "never set, because the help desk has none: 'IT'" in result.out
    assert "never predicted, because the model does not know them: 'Inbox'" in result.out


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["plaindesk:{base}"], "there is no secret for 'plaindesk': set DESKYARD_SECRET_PLAINDESK"),
        (["plaindesk:{wrong}"], "the help desk can't be used yet: "),
        (["plaindesk:127.0.0.1"], "write the help desk's address with https://"),
        (["plaindesc:https://x@y"], "there is no ticket store 'plaindesc' (did you mean 'plaindesk'?)"),
        (["{url}", "--queue", "Nope"], "--queue 'Nope': there is no such queue; choose from 'Billing'"),
        (["{url}", "--since", "yesterday evening"], "--since 'yesterday evening' is not a time"),
        (["{url}", "--name", "My desk"], "'My desk' can't be the name of a connection"),
        (["{url}?colour=red"], "there is no option 'colour' for this store"),
        (["desk:"], "the built-in desk is always connected"),
    ],
)
def test_what_can_not_be_connected_is_told_in_a_sentence_without_the_secret(command, base, given, message):
    wrong = base.replace("//", "//:s3cretword@")
    result = command("connect", *(one.format(base=base, wrong=wrong, url=url_of(base)) for one in given))
    assert result.code == 2
    assert message in result.err
    assert "s3cretword" not in result.err + result.out
    assert TOKEN not in result.err


def test_a_help_desk_that_is_away_is_told_so(command):
    result = command("connect", f"plaindesk:http://:{TOKEN}@127.0.0.1:1")
    assert (result.code, "it can't be reached" in result.err) == (2, True)


def test_a_live_queue_of_the_same_name_is_warned_of(command, base):
    assert command("policy", "mode", "route", "--queue", "IT").code == 0
    assert "Routing is already on for these queues by the policy: 'IT'" in command("connect", url_of(base)).out


def test_connections_are_listed_with_how_they_do_and_left(command, base):
    assert "There are no connections yet" in command("connections").out
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
    lines = command("connectors").out.splitlines()
    names = [line.split()[0] for line in lines]
    assert names[0] == "desk"
    assert set(names) >= {"deskyard", "znuny", "rt", "roundup", "django-helpdesk", "zendesk", "jira", "zammad"}
    assert all("sets queue" in line for line in lines)


def test_a_history_is_pulled_with_bodies_and_goes_on_where_it_was_cut_off(command, base, desk, home, monkeypatch):
    from deskyard.history import pull as pull_history

    refs = [desk.file(list(SUBJECTS.values())[n % 3], f"body {n}", queue="IT") for n in range(25)]
    monkeypatch.setattr(pull_history, "PAGE_SIZE", 10)
    pull = ("pull", url_of(base), "--out", "history.csv")
    fetched = []

    class CutOff(Exception):
        pass

    record = pull_history._ticket_record

    def and_then_the_power_goes(store, seen):
        fetched.append(seen.ref)
        if len(fetched) == 15:
            raise CutOff
        return record(store, seen)

    monkeypatch.setattr(pull_history, "_ticket_record", and_then_the_power_goes)
    with pytest.raises(CutOff):
        command(*pull)
    assert not (home.parent / "work" / "history.csv").exists()
    monkeypatch.setattr(pull_history, "_ticket_record", record)
    result = command(*pull)
    assert result.code == 0
    assert "Continuing after 10 tickets" in result.err
    assert "25 tickets to history.csv; labels: 0 category, 0 priority, 25 queue, 0 assignee." in result.err
    assert "This help desk does not provide the history of changes" in result.err
    written = (home.parent / "work" / "history.csv").read_text()
    assert all(f"body {n}" in written for n in range(25))
    assert len(written.splitlines()) == 1 + len(refs)
    assert list((home.parent / "work").glob(".*pulling")) == []


def test_a_history_of_another_help_desk_is_not_mixed_in(command, base, home):
    (home.parent / "work" / ".history.csv.pulling").write_text('{"mark": "another"}\n')
    result = command("pull", url_of(base), "--out", "history.csv")
    assert (result.code, "belongs to another help desk" in result.err) == (2, True)


def test_the_shadow_report_says_what_would_have_been_and_what_people_did(command, base, desk, database, champion):
    from datetime import UTC, datetime

    from service.runtime.context import AppContext
    from service.sync import ingest
    from service.sync.store_pool import StorePool

    desk.queues["billing"] = desk.queues.pop("Billing")  # the model says "Billing"
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
    for ref, queue in {"1": "IT", "2": "IT", "3": "billing", "5": "billing"}.items():
        desk.set(ref, {"queue": queue}, by="ann")
    read_all()
    opened.close()
    result = command("shadow-report", "plaindesk")
    assert "plaindesk: in 6 of 6 tickets the model would have set the queue." in result.out
    assert "People have reviewed 4 of these and agreed in 3." in result.out
    lines = {
        line.split()[0]: line.split()[1:5] for line in result.out.splitlines() if line.startswith("  ") and "%" in line
    }
    assert lines["IT"][:3] == ["4", "3", "67%"]
    assert lines["billing"][:3] == ["2", "1", "100%"]
    with database.reading() as conn:
        assert tickets.count_by_queue(conn)["Inbox"] == 2
    assert '"would_set": 4' in command("shadow-report", "--json").out
    assert "in none of them would the model" in command("shadow-report", "plaindesk", "--target", "category").out
