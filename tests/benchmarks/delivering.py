"""How fast tickets of an external help desk are read and written, and how soon work resumes after a kill.

For docs/performance.md.

Run: python -m tests.benchmarks.delivering. A made-up help desk (docs/new-connector.md) on loopback, the tiny model of
the tests, and real `deskyard serve` and `deskyard work` processes. It asserts only that all work is done.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import create_engine, text

from deskyard.db.database import open_database
from deskyard.domain.actors import Actor
from deskyard.policy.policy import Mode, Policy
from deskyard.policy.versions import Policies
from deskyard.registry import bundle, promotion
from tests import conftest
from tests.acceptance.conftest import postgres_of_its_own
from tests.conftest import SUBJECTS
from tests.fakes.foreign import Deskyard
from tests.fakes.plaindesk import SECRET, TOKEN, Plaindesk
from tests.fakes.serving import served

TICKETS = 600
BACKLOG = 10_000


@contextmanager
def installed(url: str, mode: Mode, tickets: int) -> Iterator[tuple[Deskyard, Plaindesk]]:
    """A deskyard with a connection that has `tickets` tickets to read, and the help desk."""
    desk = Plaindesk()
    desk.queues = dict.fromkeys(("Inbox", *SUBJECTS), True)
    desk.agents = {"ann": list(SUBJECTS), "борис": list(SUBJECTS)}
    words = list(SUBJECTS.values())
    for n in range(tickets):
        desk.file(f"{words[n % 3]} {n}")
    with tempfile.TemporaryDirectory() as folder, served(desk.app) as base:
        home = Path(folder)
        url = url or f"sqlite:///{home}/desk.db"
        bundle.save_bundle(home / "models" / "tiny", *conftest.made.__wrapped__(), {})
        database = open_database(url)
        promotion.promote(database, home / "models", "tiny", Actor("person", "bench"))
        deskyard = Deskyard(home, url, DESKYARD_SECRET_PLAINDESK=TOKEN, DESKYARD_HOOK_SECRET_PLAINDESK=SECRET)
        since = (datetime.now(UTC) - timedelta(days=1)).isoformat()
        deskyard.run("connect", f"plaindesk:{base}", "--since", since)
        with database.writing() as conn:
            Policies.add_version(conn, Policy(mode=mode), "bench", datetime.now(UTC))
        database.close()
        deskyard.url = url
        yield deskyard, desk
        deskyard.end()


def query_row(url: str, query: str):
    engine = create_engine(url)
    with engine.connect() as connection:
        found = connection.execute(text(query)).one()
    engine.dispose()
    return found


def until(url: str, query: str, count: int) -> None:
    while query_row(url, query)[0] < count:
        time.sleep(0.2)


def moment(value) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


DONE = "SELECT count(*) FROM store_deliveries WHERE state = 'done'"


def delivering(name: str, url: str, workers: int) -> None:
    """Deliveries per second, between the first and the last."""
    with installed(url, Mode.ROUTE, TICKETS) as (deskyard, desk):
        deskyard.start("serve", "--port", "0")
        for _ in range(workers - 1):
            deskyard.start("work")
        until(deskyard.url, DONE, TICKETS)
        first, last = query_row(deskyard.url, "SELECT min(ended_at), max(ended_at) FROM store_deliveries")
        seconds = (moment(last) - moment(first)).total_seconds()
        assert sum(desk.writes.values()) == TICKETS
        print(f"| {name} | {TICKETS:,} deliveries | {TICKETS / seconds:.0f} a second |", flush=True)


def backlog(name: str, url: str) -> None:
    """Tickets of a back-fill that are read, decided on and stored per second; nothing is written (shadow mode)."""
    with installed(url, Mode.SHADOW, BACKLOG) as (deskyard, _):
        deskyard.start("serve", "--port", "0")
        until(deskyard.url, "SELECT count(*) FROM store_tickets", BACKLOG)
        first, last = query_row(deskyard.url, "SELECT min(received_at), max(received_at) FROM desk_tickets")
        seconds = (moment(last) - moment(first)).total_seconds()
        print(f"| {name} | back-fill of {BACKLOG:,} | {seconds:.0f} s, {BACKLOG / seconds:.0f} a second |", flush=True)


def recovering(name: str, url: str, *, other: bool) -> None:
    """Seconds from kill -9 in the midst of deliveries until one of those the dead process held is done."""
    with installed(url, Mode.ROUTE, TICKETS) as (deskyard, _):
        serving = deskyard.start("serve", "--port", "0")
        if other:
            deskyard.start("work")
        until(deskyard.url, DONE, TICKETS // 4)
        deskyard.kill(serving)
        killed = datetime.now(UTC)
        held = query_row(deskyard.url, "SELECT count(*) FROM store_deliveries WHERE state = 'working'")[0]
        if not other:
            deskyard.start("serve", "--port", "0")
        until(deskyard.url, DONE, TICKETS)
        late = "SELECT min(ended_at), max(ended_at) FROM store_deliveries WHERE ended_at > '%s'"
        at = killed.isoformat(timespec="microseconds") if url == "" else killed.isoformat()
        first, last = (moment(found) - killed for found in query_row(deskyard.url, late % at))
        print(
            f"| {name} | {held} in hand at the kill | next delivery after {first.total_seconds():.1f} s, "
            f"all {TICKETS:,} after {last.total_seconds():.1f} s |",
            flush=True,
        )


def main() -> None:
    """Print the rows of the table."""
    delivering("SQLite, 1 process", "", 1)
    for workers in (1, 2):
        with postgres_of_its_own() as (url, _):
            delivering(f"PostgreSQL, {workers} process{'es' * (workers > 1)}", url, workers)
    backlog("SQLite, 1 process", "")
    with postgres_of_its_own() as (url, _):
        backlog("PostgreSQL, 1 process", url)
    recovering("SQLite, killed and started again", "", other=False)
    with postgres_of_its_own() as (url, _):
        recovering("PostgreSQL, killed and started again", url, other=False)
    with postgres_of_its_own() as (url, _):
        recovering("PostgreSQL, killed, another process lives", url, other=True)


if __name__ == "__main__":
    main()
