"""Challenging: the challenger is asked about each new ticket, after it was placed, beside the model in use.

In comes the journal, a batch at a time, in a thread of its own; out go rows of `deskyard.registry.challengers`. No ticket waits
for it, nothing is done with what it says, and whatever goes wrong here touches nothing else. A ticket that it may have
learnt from is left out; one that breaks it counts as answered with nothing.
"""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import structlog
from sqlalchemy import Connection, select

from deskyard.db.database import Database
from deskyard.db.tables.desk import TICKETS
from deskyard.db.tables.journal import JOURNAL_ENTRIES
from deskyard.desk.tickets import READ, filed
from deskyard.domain.decision import Action
from deskyard.domain.ticket import TARGETS, Ticket
from deskyard.errors import BundleError
from deskyard.journal.journal import DECIDED, Entry, Journal
from deskyard.policy.policy import Policy
from deskyard.policy.versions import Policies
from deskyard.registry import challengers
from deskyard.registry.challengers import Answered, Challenger

if TYPE_CHECKING:
    from deskyard.registry.bundle import Bundle

log: Final = structlog.get_logger(__name__)

EVERY: Final = 5.0
"""Seconds between two looks."""

BATCH: Final = 100
"""Decisions that are looked at together."""

LATE: Final = timedelta(minutes=1)
"""On PostgreSQL an entry may be committed after one with a higher number: the last minute waits."""


@dataclass
class Challenging:
    """The challenger of this process, and how far it was asked."""

    database: Database
    folder: Path
    _opened: "Bundle | None" = field(default=None, init=False)

    def keep(self, stop: threading.Event) -> None:
        """Ask it until told to stop."""
        while not stop.wait(EVERY):
            try:
                while self.step() and not stop.is_set():
                    pass
            except BundleError as error:
                log.warning("challenger_refused", reason=str(error))
            except Exception:
                log.exception("challenging_failed")

    def step(self) -> bool:
        """Ask about one batch; whether there may be more. Raises BundleError when the challenger can't be used."""
        with self.database.reading() as conn:
            challenger = challengers.now(conn)
            if challenger is None:
                self._opened = None
                return False
            policy = Policies.current(conn).policy
            read_to, tickets = self._new(conn, challenger.read_to)
        if read_to == challenger.read_to:
            return False
        bundle = self._bundle(challenger)
        known = str(bundle.card.get("learnt_from", {}).get("last") or "")
        since = datetime.fromisoformat(known) if known else None
        new = [
            (entry, ticket)
            for entry, ticket in tickets
            if since is None or ticket.created_at is None or ticket.created_at > since
        ]
        answers = {entry.ticket_id: list(_answers(bundle, policy, entry, ticket)) for entry, ticket in new}
        models = {entry.ticket_id: entry.bundle or "" for entry, _ in new}
        with self.database.writing() as conn:
            challengers.keep(conn, challenger, models, answers, read_to, datetime.now(UTC))
        return True

    def _new(self, conn: Connection, read_to: int) -> tuple[int, list[tuple[Entry, Ticket]]]:
        """The first decisions behind that entry with their tickets, and how far the journal is read with them."""
        wanted = select(JOURNAL_ENTRIES.c.id, JOURNAL_ENTRIES.c.ticket_id).where(
            JOURNAL_ENTRIES.c.kind == DECIDED, JOURNAL_ENTRIES.c.id > read_to
        )
        if not self.database.is_sqlite:
            wanted = wanted.where(JOURNAL_ENTRIES.c.at < datetime.now(UTC) - LATE)
        rows = conn.execute(wanted.order_by(JOURNAL_ENTRIES.c.id).limit(BATCH)).all()
        numbers, here = {row.ticket_id for row in rows}, {row.id for row in rows}
        firsts = Journal.first_decisions(conn, numbers)
        stand = conn.execute(READ.where(TICKETS.c.id.in_(numbers))) if numbers else ()
        tickets = {row.id: filed(row).ticket for row in stand}
        found = [(e, tickets[n]) for n, e in firsts.items() if e.id in here and e.bundle and n in tickets]
        return max([read_to, *here]), found

    def _bundle(self, challenger: Challenger) -> "Bundle":
        if self._opened is None or self._opened.digest != challenger.digest:
            from deskyard.errors import BundleBroken
            from deskyard.registry import bundle  # only here: without a model the service needs no learning library

            found = bundle.load(self.folder / challenger.name)
            if found.digest != challenger.digest:
                raise BundleBroken(f"{challenger.name} is another bundle by now: name the challenger anew")
            self._opened = found
        return self._opened


def _answers(bundle: "Bundle", policy: Policy, entry: Entry, ticket: Ticket) -> Iterator[Answered]:
    """What both said of a ticket's targets."""
    decided: Mapping[str, Any] = entry.content["decisions"]
    try:
        day = entry.at.date()
        ledger, beliefs = policy.ledger(day, bundle.turns), bundle.predict([ticket])[0]
        turned = {target: ledger.prediction(belief) for target, belief in beliefs.items()}
        contracts = policy.on(day).of(ticket.source).contracts(bundle.contracts, turned)
    except Exception:  # whatever goes wrong in a model that is only tried
        log.exception("challenger_failed", model=bundle.digest)
        beliefs, contracts, turned = {}, {}, {}
    for target in TARGETS:
        ours = decided.get(target)
        if ours is None or not ours["top"]:
            continue
        said = beliefs.get(target)
        yield Answered(
            target=target,
            said=turned[target].label if said else "",
            said_routed=said is not None and contracts[target].allows(said)[0] is Action.ROUTE,
            ours=str(ours["top"][0]["label"]),
            ours_routed=any(reason["code"] == "contract" for reason in ours["reasons"]),
        )
