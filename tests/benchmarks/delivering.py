"""How fast foreign tickets are read and written, and how soon work goes on after a kill: for docs/performance.md.

Run: python -m tests.benchmarks.delivering. A made-up help desk (docs/new-connector.md) on loopback, the tiny model of
the tests, real `deskyard serve` and `deskyard work` processes. Nothing is asserted but that all is done.
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
    """A deskyard whose connection has so many tickets to read."""
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
        context = Deskyard(home, url, DESKYARD_SECRET_PLAINDESK=TOKEN, DESKYARD_HOOK_SECRET_PLAINDESK=SECRET)
        since = (datetime.now(UTC) - timedelta(days=1)).isoformat()
        context.run("connect", f"plaindesk:{base}", "--since", since)
        with database.writing() as conn:
            Policies.add_version(conn, Policy(mode=mode), "bench", datetime.now(UTC))
        database.close()
        context.url = url
        yield context, desk
        context.end()


def asked(url: str, query: str):
    engine = create_engine(url)
    with engine.connect() as connection:
        found = connection.execute(text(query)).one()
    engine.dispose()
    return found


def until(url: str, query: str, wanted: int) -> None:
    while asked(url, query)[0] < wanted:
        time.sleep(0.2)


def moment(value) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


DONE = "SELECT count(*) FROM store_deliveries WHERE state = 'done'"


def delivering(name: str, url: str, workers: int) -> None:
    """Deliveries a second, between the first and the last."""
    with installed(url, Mode.ROUTE, TICKETS) as (context, desk):
        context.start("serve", "--port", "0")
        for _ in range(workers - 1):
            context.start("work")
        until(context.url, DONE, TICKETS)
        first, last = asked(context.url, "SELECT min(ended_at), max(ended_at) FROM store_deliveries")
        seconds = (moment(last) - moment(first)).total_seconds()
        assert sum(desk.writes.values()) == TICKETS
        print(f"| {name} | {TICKETS:,} deliveries | {TICKETS / seconds:.0f} a second |", flush=True)


def backlog(name: str, url: str) -> None:
    """Tickets of a back-fill that are read, decided on and kept a second; nothing is written there (shadow)."""
    with installed(url, Mode.SHADOW, BACKLOG) as (context, _):
        context.start("serve", "--port", "0")
        until(context.url, "SELECT count(*) FROM store_tickets", BACKLOG)
        first, last = asked(context.url, "SELECT min(received_at), max(received_at) FROM desk_tickets")
        seconds = (moment(last) - moment(first)).total_seconds()
        print(f"| {name} | back-fill of {BACKLOG:,} | {seconds:.0f} s, {BACKLOG / seconds:.0f} a second |", flush=True)


def recovering(name: str, url: str, *, other: bool) -> None:
    """Seconds from kill -9 in the midst of deliveries until one of those the dead process held is done."""
    with installed(url, Mode.ROUTE, TICKETS) as (context, _):
        serving = context.start("serve", "--port", "0")
        if other:
            context.start("work")
        until(context.url, DONE, TICKETS // 4)
        context.kill(serving)
        killed = datetime.now(UTC)
        held = asked(context.url, "SELECT count(*) FROM store_deliveries WHERE state = 'working'")[0]
        if not other:
            context.start("serve", "--port", "0")
        until(context.url, DONE, TICKETS)
        late = "SELECT min(ended_at), max(ended_at) FROM store_deliveries WHERE ended_at > '%s'"
        at = killed.isoformat(timespec="microseconds") if url == "" else killed.isoformat()
        first, last = (moment(found) - killed for found in asked(context.url, late % at))
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
