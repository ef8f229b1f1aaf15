"""Challenging: the challenger is asked about each new ticket, after it was placed, beside the model in use.

In comes the journal, a batch at a time, in a thread of its own; out go rows of `deskyard.registry.challengers`. No
ticket waits for it, nothing is done with what it says, and whatever goes wrong here touches nothing else. A ticket
that it may have learnt from is left out; one that breaks it counts as answered with nothing.
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
from deskyard.desk.tickets import SELECT_TICKETS, to_desk_ticket
from deskyard.domain.decision import Action
from deskyard.domain.ticket import TARGETS, Ticket
from deskyard.errors import BundleError
from deskyard.journal.journal import DECIDED, Journal, JournalEntry
from deskyard.policy.policy import Policy
from deskyard.policy.versions import Policies
from deskyard.registry import challengers
from deskyard.registry.challengers import Challenger, ShadowAnswer

if TYPE_CHECKING:
    from deskyard.registry.bundle import Bundle

log: Final = structlog.get_logger(__name__)

INTERVAL: Final = 5.0
"""Seconds between two looks."""

BATCH_SIZE: Final = 100
"""Decisions that are looked at together."""

COMMIT_LAG: Final = timedelta(minutes=1)
"""On PostgreSQL an entry may be committed after one with a higher number: the last minute waits."""


@dataclass
class ShadowScorer:
    """The challenger of this process, and how far it was asked."""

    database: Database
    folder: Path
    _loaded: "Bundle | None" = field(default=None, init=False)

    def run(self, stop: threading.Event) -> None:
        """Ask it until told to stop."""
        while not stop.wait(INTERVAL):
            try:
                while self.score_batch() and not stop.is_set():
                    pass
            except BundleError as error:
                log.warning("challenger_refused", reason=str(error))
            except Exception:
                log.exception("challenging_failed")

    def score_batch(self) -> bool:
        """Ask about one batch; whether there may be more. Raises BundleError when the challenger can't be used."""
        with self.database.reading() as conn:
            challenger = challengers.get_challenger(conn)
            if challenger is None:
                self._loaded = None
                return False
            policy = Policies.current(conn).policy
            read_to, tickets = self._next_decisions(conn, challenger.read_to)
        if read_to == challenger.read_to:
            return False
        bundle = self._load_bundle(challenger)
        known = str(bundle.card.get("learnt_from", {}).get("last") or "")
        since = datetime.fromisoformat(known) if known else None
        new = [
            (entry, ticket)
            for entry, ticket in tickets
            if since is None or ticket.created_at is None or ticket.created_at > since
        ]
        answers = {entry.ticket_id: list(_paired_answers(bundle, policy, entry, ticket)) for entry, ticket in new}
        models = {entry.ticket_id: entry.bundle or "" for entry, _ in new}
        with self.database.writing() as conn:
            challengers.record_answers(conn, challenger, models, answers, read_to, datetime.now(UTC))
        return True

    def _next_decisions(self, conn: Connection, read_to: int) -> tuple[int, list[tuple[JournalEntry, Ticket]]]:
        """The first decisions behind that entry with their tickets, and how far the journal is read with them."""
        wanted = select(JOURNAL_ENTRIES.c.id, JOURNAL_ENTRIES.c.ticket_id).where(
            JOURNAL_ENTRIES.c.kind == DECIDED, JOURNAL_ENTRIES.c.id > read_to
        )
        if not self.database.is_sqlite:
            wanted = wanted.where(JOURNAL_ENTRIES.c.at < datetime.now(UTC) - COMMIT_LAG)
        rows = conn.execute(wanted.order_by(JOURNAL_ENTRIES.c.id).limit(BATCH_SIZE)).all()
        numbers, here = {row.ticket_id for row in rows}, {row.id for row in rows}
        firsts = Journal.first_decisions(conn, numbers)
        stand = conn.execute(SELECT_TICKETS.where(TICKETS.c.id.in_(numbers))) if numbers else ()
        tickets = {row.id: to_desk_ticket(row).ticket for row in stand}
        found = [(e, tickets[n]) for n, e in firsts.items() if e.id in here and e.bundle and n in tickets]
        return max([read_to, *here]), found

    def _load_bundle(self, challenger: Challenger) -> "Bundle":
        if self._loaded is None or self._loaded.digest != challenger.digest:
            from deskyard.errors import BundleBroken
            from deskyard.registry import bundle  # only here: without a model the service needs no learning library

            found = bundle.load_bundle(self.folder / challenger.name)
            if found.digest != challenger.digest:
                raise BundleBroken(f"{challenger.name} is another bundle by now: name the challenger anew")
            self._loaded = found
        return self._loaded


def _paired_answers(bundle: "Bundle", policy: Policy, entry: JournalEntry, ticket: Ticket) -> Iterator[ShadowAnswer]:
    """What both said of a ticket's targets."""
    decided: Mapping[str, Any] = entry.content["decisions"]
    try:
        day = entry.at.date()
        ledger, beliefs = policy.build_ledger(day, bundle.taxonomy_changes), bundle.predict([ticket])[0]
        turned = {target: ledger.translate_prediction(belief) for target, belief in beliefs.items()}
        contracts = policy.for_day(day).for_source(ticket.source).select_contracts(bundle.contracts, turned)
    except Exception:  # whatever goes wrong in a model that is only tried
        log.exception("challenger_failed", model=bundle.digest)
        beliefs, contracts, turned = {}, {}, {}
    for target in TARGETS:
        ours = decided.get(target)
        if ours is None or not ours["top"]:
            continue
        said = beliefs.get(target)
        yield ShadowAnswer(
            target=target,
            challenger_label=turned[target].label if said else "",
            challenger_routed=said is not None and contracts[target].decide(said)[0] is Action.ROUTE,
            champion_label=str(ours["top"][0]["label"]),
            champion_routed=any(reason["code"] == "contract" for reason in ours["reasons"]),
        )
