"""The history that a model is trained on: tickets with labels, and the rows that could not be used.

`training.data.load` reads it from files. Every row of every file becomes a ticket or a rejected row. The same content
gives the same history, whatever the files are called.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from deskyard.domain.taxonomy import TaxonomyChange
from deskyard.domain.ticket import TARGETS, Target, Ticket
from deskyard.history.columns import ColumnMapping
from training.data.moves import Move
from training.data.rejected_rows import RejectedRow, write_rejected

DROPPED_TICKET: Final = Ticket(id="")
"""Replaces a ticket that takes no part in a run."""


@dataclass(frozen=True, slots=True)
class LabelCleaning:
    """What reading the cells of one target did (`training.data.label_cleaning`); counters hold numbers of tickets.

    `missing`: words for nothing, which are no labels. `kept`: words that are labels although they may mean nothing →
    the label beside them that shows it, or "". `merged`: label → its spellings as written, for labels that are not
    always written as they are read. `similar`: label → labels
    that may be spellings of it and were not merged. `several`: cells that hold several labels; `first_taken`: whether
    the first one was taken as the label, else the whole cell is. `from_catalogue`: names of the catalogue that decided
    a spelling. `ambiguous`: label → the names of the catalogue of which it may be a spelling.
    """

    missing: Counter[str] = field(default_factory=Counter)
    kept: dict[str, str] = field(default_factory=dict)
    merged: dict[str, Counter[str]] = field(default_factory=dict)
    similar: dict[str, Counter[str]] = field(default_factory=dict)
    several: Counter[str] = field(default_factory=Counter)
    first_taken: bool = False
    from_catalogue: tuple[str, ...] = ()
    ambiguous: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(slots=True)
class History:
    """Tickets in order with their labels and times; the first five lists have one entry per ticket.

    `labels`: each target's label or None. `trust`: who confirmed each label, as in `deskyard.domain.label_trust`, ""
    where the files do not say (no entries in a history that was not read from files). `first_responses` and
    `resolutions`: times, where the files give them. `moves`: changes of tickets, oldest first. `rejected`: rows that
    are no tickets. `ignored_columns`: file → unused columns. `priority_levels`: spellings of priorities → levels;
    `priority_unknown`: spellings that were not understood, with their number of tickets. `label_cleaning`: what was
    done with the cells of each target that has labels. `long_labels`,
    `unreadable_times`: counts by column. `notes`: sentences for the user about the reading. `digest`: sha256 over what
    a model can see (not over file names, formats or the time of reading). `taxonomy_changes`: the changes that have
    been applied to the labels (`training.data.taxonomy`).
    """

    tickets: list[Ticket] = field(default_factory=list)
    labels: dict[Target, list[str | None]] = field(default_factory=lambda: {target: [] for target in TARGETS})
    trust: dict[Target, list[str]] = field(default_factory=lambda: {target: [] for target in TARGETS})
    first_responses: list[datetime | None] = field(default_factory=list)
    resolutions: list[datetime | None] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    rejected: list[RejectedRow] = field(default_factory=list)
    ignored_columns: dict[str, list[str]] = field(default_factory=dict)
    priority_levels: dict[str, str] = field(default_factory=dict)
    priority_unknown: Counter[str] = field(default_factory=Counter)
    label_cleaning: dict[Target, LabelCleaning] = field(default_factory=dict)
    long_labels: Counter[str] = field(default_factory=Counter)
    unreadable_times: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    mapping: ColumnMapping = field(default_factory=ColumnMapping)
    digest: str = ""
    taxonomy_changes: tuple[TaxonomyChange, ...] = ()

    def __len__(self) -> int:
        """The number of tickets."""
        return len(self.tickets)

    @property
    def dated(self) -> int:
        """How many tickets have a `created_at`."""
        return sum(ticket.created_at is not None for ticket in self.tickets)

    @property
    def rejected_by_reason(self) -> Counter[str]:
        """How many rows were rejected, by reason."""
        return Counter(row.reason for row in self.rejected)

    @property
    def time_range(self) -> tuple[datetime, datetime] | None:
        """The earliest and the latest `created_at`; None when no ticket has one."""
        times = [ticket.created_at for ticket in self.tickets if ticket.created_at is not None]
        return (min(times), max(times)) if times else None

    def drop_other_texts(self, positions: Iterable[int]) -> None:
        """Drop the texts of all other tickets and free their memory; their labels stay.

        The kept tickets are copied first, as Python frees memory only in large blocks.
        """
        kept = {i: _copy_ticket(self.tickets[i]) for i in positions}
        self.tickets[:] = [kept.get(i, DROPPED_TICKET) for i in range(len(self.tickets))]

    def select(self, positions: Iterable[int]) -> "History":
        """A history of the tickets at these positions, in that order, without moves and rejected rows."""
        chosen = list(positions)
        return replace(
            self,
            tickets=[self.tickets[i] for i in chosen],
            labels={target: [values[i] for i in chosen] for target, values in self.labels.items()},
            trust={target: [codes[i] for i in chosen] if codes else [] for target, codes in self.trust.items()},
            first_responses=[self.first_responses[i] for i in chosen] if self.first_responses else [],
            resolutions=[self.resolutions[i] for i in chosen] if self.resolutions else [],
            moves=[],
            rejected=[],
            notes=[],
            digest=hashlib.sha256(f"{self.digest} {chosen}".encode()).hexdigest(),
        )

    def write_rejected(self, path: Path | str) -> int:
        """Write the rejected rows to `path` (CSV), if there are any; returns their number."""
        return write_rejected(self.rejected, path)


def _copy_ticket(ticket: Ticket) -> Ticket:
    return Ticket(**{part.name: _copy_value(getattr(ticket, part.name)) for part in fields(ticket)})


def _copy_value(value: Any) -> Any:
    if isinstance(value, str):
        return "".join(list(value))
    if isinstance(value, datetime):
        return value.replace()
    return {_copy_value(name): _copy_value(one) for name, one in value.items()} if value else value


def history_digest(history: History) -> str:
    """sha256 over tickets, labels, times and moves, in order; parts are separated by NUL, which no text contains."""
    sha = hashlib.sha256(b"deskyard history 1\n")
    labels = list(zip(*history.labels.values(), strict=True))
    for ticket, targets, first_response, resolution in zip(
        history.tickets, labels, history.first_responses, history.resolutions, strict=True
    ):
        parts = [
            ticket.id, ticket.subject, ticket.body, ticket.channel, ticket.language, ticket.requester,
            ticket.organisation, _iso_or_empty(ticket.created_at), _iso_or_empty(first_response),
            _iso_or_empty(resolution),
            *(label or "" for label in targets),
        ]  # fmt: skip
        for name in sorted(ticket.fields):
            parts += (name, ticket.fields[name])
        _update_digest(sha, parts)
    for target, codes in history.trust.items():
        if any(codes):
            _update_digest(sha, [target, *codes])
    for move in history.moves:
        _update_digest(
            sha, [move.id, _iso_or_empty(move.at), move.actor, move.field, move.before or "", move.after or ""]
        )
    return sha.hexdigest()


def _iso_or_empty(moment: datetime | None) -> str:
    return moment.isoformat() if moment is not None else ""


def _update_digest(sha: "hashlib._Hash", parts: list[str]) -> None:
    sha.update(f"{len(parts)}\0{chr(0).join(parts)}\0".encode())
