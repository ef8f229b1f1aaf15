"""Shadow scoring: the challenger scores each new ticket after it was routed by the model in use.

A thread reads the journal in batches and stores the answers (`deskyard.registry.challengers`). Tickets never wait for
it, its answers change no ticket, and its errors affect nothing else. Tickets that the challenger may have been trained
on are left out; a ticket on which it fails counts as one without an answer.
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
"""Seconds between two batches, unless decisions are left."""

BATCH_SIZE: Final = 100
"""Most decisions in a batch."""

COMMIT_LAG: Final = timedelta(minutes=1)
"""On PostgreSQL an entry may be committed after one with a higher number, so entries of the last minute are left."""


@dataclass
class ShadowScorer:
    """Scores new tickets with the challenger, which is loaded once."""

    database: Database
    folder: Path
    _loaded: "Bundle | None" = field(default=None, init=False)

    def run(self, stop: threading.Event) -> None:
        """Score new tickets until `stop` is set."""
        while not stop.wait(INTERVAL):
            try:
                while self.score_batch() and not stop.is_set():
                    pass
            except BundleError as error:
                log.warning("challenger_refused", reason=str(error))
            except Exception:
                log.exception("shadow_scoring_failed")

    def score_batch(self) -> bool:
        """Score one batch; returns whether there may be more. Raises BundleError if the challenger can't be used."""
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
        last_learnt = str(bundle.card.get("learnt_from", {}).get("last") or "")
        since = datetime.fromisoformat(last_learnt) if last_learnt else None
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
        """The next first decisions after entry `read_to` with their tickets, and the entry up to which they reach."""
        query = select(JOURNAL_ENTRIES.c.id, JOURNAL_ENTRIES.c.ticket_id).where(
            JOURNAL_ENTRIES.c.kind == DECIDED, JOURNAL_ENTRIES.c.id > read_to
        )
        if not self.database.is_sqlite:
            query = query.where(JOURNAL_ENTRIES.c.at < datetime.now(UTC) - COMMIT_LAG)
        rows = conn.execute(query.order_by(JOURNAL_ENTRIES.c.id).limit(BATCH_SIZE)).all()
        numbers, here = {row.ticket_id for row in rows}, {row.id for row in rows}
        firsts = Journal.first_decisions(conn, numbers)
        ticket_rows = conn.execute(SELECT_TICKETS.where(TICKETS.c.id.in_(numbers))) if numbers else ()
        tickets = {row.id: to_desk_ticket(row).ticket for row in ticket_rows}
        found = [(e, tickets[n]) for n, e in firsts.items() if e.id in here and e.bundle and n in tickets]
        return max([read_to, *here]), found

    def _load_bundle(self, challenger: Challenger) -> "Bundle":
        if self._loaded is None or self._loaded.digest != challenger.digest:
            from deskyard.errors import BundleBroken
            from deskyard.registry import (
                bundle,
            )  # imported here, so that the service starts without machine-learning libraries

            loaded = bundle.load_bundle(self.folder / challenger.name)
            if loaded.digest != challenger.digest:
                raise BundleBroken(f"{challenger.name} was replaced by another bundle: set the challenger again")
            self._loaded = loaded
        return self._loaded


def _paired_answers(bundle: "Bundle", policy: Policy, entry: JournalEntry, ticket: Ticket) -> Iterator[ShadowAnswer]:
    """The answers of both models for each target of a ticket that the model in use predicted."""
    decided: Mapping[str, Any] = entry.content["decisions"]
    try:
        day = entry.at.date()
        ledger, predictions = policy.build_ledger(day, bundle.taxonomy_changes), bundle.predict([ticket])[0]
        translated = {target: ledger.translate_prediction(one) for target, one in predictions.items()}
        contracts = policy.for_day(day).for_source(ticket.source).select_contracts(bundle.contracts, translated)
    except Exception:  # any failure of a model that is only being tried
        log.exception("challenger_failed", model=bundle.digest)
        predictions, contracts, translated = {}, {}, {}
    for target in TARGETS:
        champion = decided.get(target)
        if champion is None or not champion["top"]:
            continue
        prediction = predictions.get(target)
        yield ShadowAnswer(
            target=target,
            challenger_label=translated[target].label if prediction else "",
            challenger_routed=prediction is not None and contracts[target].decide(prediction)[0] is Action.ROUTE,
            champion_label=str(champion["top"][0]["label"]),
            champion_routed=any(reason["code"] == "contract" for reason in champion["reasons"]),
        )
