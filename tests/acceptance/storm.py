"""A storm of failures over a deskyard that is connected to an external help desk.

Webhooks are doubled and out of order, workers are killed, the database is restarted, the help desk fails in every way,
and people change tickets that deskyard is about to write. Afterwards `count` checks on both sides that each ticket has
one row, one decision, at most one write and one note, and that people's values are kept.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import create_engine, text

from tests.conftest import SUBJECTS
from tests.fakes.foreign import Deskyard, post
from tests.fakes.plaindesk import Plaindesk
from tests.fakes.serving import Faults

DOUBLED = 0.2
UNSENT = 0.1
FAULTS = ("too many", "broken", "hang", "cut")
PERSON = "Billing"


@dataclass
class Storm:
    """The failures to cause. `kills` and `restarts` are spread over the filing of the tickets; a person changes `races`
    of the tickets within `quick` seconds of their filing."""

    desk: Plaindesk
    faults: Faults
    deskyard: Deskyard
    url: str
    restart: Callable[[], None]
    tickets: int = 500
    kills: int = 3
    restarts: int = 1
    failures: int = 10
    races: int = 0
    quick: float = 3.0
    pause: float = 0.01
    seed: int = 11
    refs: list[str] = field(default_factory=list)
    raced: set[str] = field(default_factory=set)

    def blow(self, patience: float) -> None:
        """File all tickets amid the failures, then wait at most `patience` seconds until all deliveries are done."""
        dice = random.Random(self.seed)
        self.serving = self.deskyard.start("serve", "--port", "0")
        self.port = int(self.serving.first_line.rpartition(":")[2].partition("/")[0])
        self.workers = [self.deskyard.start("work")] if self.url.startswith("postgresql") else []
        failing = [*FAULTS] * self.failures
        dice.shuffle(failing)
        self.faults.waiting = failing
        self.hooks, self.waiting, self.all_filed = [], [], threading.Event()
        threads = [threading.Thread(target=work) for work in (self._tell, self._people)]
        for thread in threads:
            thread.start()
        self._file(dice)
        self.all_filed.set()
        for thread in threads:
            thread.join()
        until = time.monotonic() + patience
        while time.monotonic() < until and not self._is_over():
            time.sleep(0.5)
        self.deskyard.end()

    def _file(self, dice: random.Random) -> None:
        words = list(SUBJECTS.values())
        middle = range(self.tickets // 10, self.tickets - self.tickets // 10)
        kills = set(dice.sample(middle, self.kills))
        restarts = set(dice.sample(middle, self.restarts))
        self.to_race = set(dice.sample(range(self.tickets), self.races))
        for n in range(self.tickets):
            ref = self.desk.file(f"{words[n % len(words)]} {n}")
            self.refs.append(ref)
            if n in self.to_race:
                self.waiting.append((time.monotonic() + dice.random() * self.quick, ref))
            if dice.random() >= UNSENT:
                self.hooks.append(self.desk.hook(ref))
            if n in kills:
                self._kill(dice)
            if n in restarts:
                self.restart()
            time.sleep(self.pause)

    def _kill(self, dice: random.Random) -> None:
        if self.workers and dice.random() < 0.5:
            self.deskyard.kill(self.workers.pop())
            self.workers.append(self.deskyard.start("work"))
        else:
            self.deskyard.kill(self.serving)
            self.serving = self.deskyard.start("serve", "--port", str(self.port))

    def _tell(self) -> None:
        """Send webhooks in random order, one in five of them twice."""
        dice = random.Random(self.seed + 1)
        while self.hooks or not self.all_filed.is_set():
            if len(self.hooks) < 20 and not self.all_filed.is_set():
                time.sleep(0.01)
                continue
            headers, raw = self.hooks.pop(dice.randrange(len(self.hooks)))
            for _ in range(1 + (dice.random() < DOUBLED)):
                post(self.port, "/v1/hooks/plaindesk", headers, raw)

    def _people(self) -> None:
        """Change tickets that deskyard is about to write."""
        while not self.all_filed.is_set() or self.waiting:
            for due, ref in [*self.waiting]:
                if time.monotonic() >= due:
                    self.waiting.remove((due, ref))
                    self.desk.set(ref, {"queue": PERSON}, by="ann")
                    self.raced.add(ref)
            time.sleep(0.01)

    def _is_over(self) -> bool:
        moved = all(self.desk.tickets[ref]["queue"] != "Inbox" for ref in self.refs)
        known = self.counted("SELECT count(*) FROM store_tickets") == [(self.tickets,)]
        return moved and known and self.counted("SELECT count(*) FROM store_deliveries WHERE state <> 'done'") == [(0,)]

    def counted(self, query: str) -> list[tuple]:
        """The rows of a query."""
        engine = create_engine(self.url)
        try:
            with engine.connect() as connection:
                return [tuple(row) for row in connection.execute(text(query))]
        finally:
            engine.dispose()

    def count(self) -> dict[str, object]:
        """Assert that nothing is missing, doubled or overwritten; returns a summary for people."""
        results = dict(self.counted("SELECT state || ' ' || result, count(*) FROM store_deliveries GROUP BY 1"))
        assert {name.split()[0] for name in results} == {"done"}, results
        left = Counter(self.faults.waiting)
        assert not left, f"faults that hit no request: {left}"
        calm = [ref for ref in self.refs if ref not in self.raced]
        assert {ref: self.desk.writes[ref, "deskyard"] for ref in calm} == dict.fromkeys(calm, 1)
        assert {ref: len(self.desk.notes[ref]) for ref in calm} == dict.fromkeys(calm, 1)
        for ref in self.raced:
            assert self.desk.tickets[ref]["queue"] == PERSON, (ref, self.desk.tickets[ref]["log"])
            assert self.desk.writes[ref, "deskyard"] <= 1
            assert len(self.desk.notes[ref]) <= 1
        all_of = (self.tickets, self.tickets)
        for query in (
            "SELECT count(*), count(DISTINCT external_id) FROM desk_tickets WHERE source = 'plaindesk'",
            "SELECT count(*), count(DISTINCT ref) FROM store_tickets",
            "SELECT count(*), count(DISTINCT ticket_id) FROM journal_entries WHERE kind = 'decided'",
        ):
            assert self.counted(query) == [all_of], query
        for query in (
            "SELECT count(*) - count(DISTINCT ticket_id) FROM store_deliveries",
            "SELECT count(*) - count(DISTINCT ticket_id) FROM journal_entries WHERE kind = 'delivered'",
        ):
            assert self.counted(query) == [(0,)], query
        corrected = self.counted("SELECT count(DISTINCT ticket_id) FROM journal_entries WHERE kind = 'corrected'")[0][0]
        assert corrected <= len(self.raced)
        mirrored = "SELECT t.external_id, q.name FROM desk_tickets t JOIN desk_queues q ON q.id = t.queue_id"
        assert dict(self.counted(mirrored)) == {ref: self.desk.tickets[ref]["queue"] for ref in self.refs}
        return {"results": results, "raced": len(self.raced), "corrected": corrected, "faults": dict(self.faults.met)}
