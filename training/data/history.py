"""History: a desk's files to tickets with their labels; rows that can't be learnt from are counted and kept.

What comes in: files (`deskyard.tabular.readers`), what `--map` said (`deskyard.history.columns`) and, optionally, a
file of moves. What goes out: a `History`, the same for the same content whatever the files are called. Every row of
every file is a ticket or a rejected row; no row is dropped, and no row stops the reading.
"""

import gc
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from deskyard.domain.taxonomy import TaxonomyChange
from deskyard.domain.ticket import TARGETS, Target, Ticket
from deskyard.errors import BadInput
from deskyard.history.columns import ColumnMapping, check_columns, check_mapping, match_columns
from deskyard.tabular.readers import open_table
from training.data.moves import Move, read_moves
from training.data.rejected_rows import RejectedRow, write_rejected
from training.data.table_reader import HistoryReader, set_priorities

DROPPED_TICKET: Final = Ticket(id="")
"""Stands for a ticket that takes no part in a run."""

_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class History:
    """Tickets in order, and what became of them; every list has one entry a ticket.

    `labels`: each target's label or None. `trust`: who stands behind each, as `deskyard.domain.label_trust` calls it,
    "" where nothing is said (no entries at all in a history that was not read from files). `answered` and `resolved`:
    the first response and the solution, where the files say. `moves`: the journey, oldest first. `rejected`: rows that
    are no tickets, by `rejected_by_reason`. `ignored_columns`: file → columns that nothing uses. `priority_levels`: the
    spellings that were understood, `priority_unknown`: those that were not, with how many tickets bear them.
    `long_labels`, `unreadable_times`: counts by column. `notes`: everything a person should know about the reading, as
    sentences. `digest`: sha256 over what a model can see (not over file names, formats or the moment of reading).
    `turns`: those of the taxonomy after which the labels are called (`training.data.taxonomy`).
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
        """Forget what all other tickets said, and give their memory back; their labels stay.

        Those that are kept are copied first: Python gives memory back in large pieces, and one string holds a piece.
        """
        kept = {i: _copy_ticket(self.tickets[i]) for i in positions}
        self.tickets[:] = [kept.get(i, DROPPED_TICKET) for i in range(len(self.tickets))]

    def select(self, positions: Iterable[int]) -> "History":
        """The tickets at these positions, in that order, as a history of their own, without moves and rejected rows."""
        chosen = list(positions)
        return replace(
            self,
            tickets=[self.tickets[i] for i in chosen],
            labels={target: [values[i] for i in chosen] for target, values in self.labels.items()},
            trust={target: [said[i] for i in chosen] if said else [] for target, said in self.trust.items()},
            first_responses=[self.first_responses[i] for i in chosen] if self.first_responses else [],
            resolutions=[self.resolutions[i] for i in chosen] if self.resolutions else [],
            moves=[],
            rejected=[],
            notes=[],
            digest=hashlib.sha256(f"{self.digest} {chosen}".encode()).hexdigest(),
        )

    def write_rejected(self, path: Path | str) -> int:
        """Write the rejected rows to `path` (CSV), when there are any; returns how many."""
        return write_rejected(self.rejected, path)


def load_history(
    paths: Sequence[Path | str],
    mapping: ColumnMapping | None = None,
    *,
    moves: Path | str | None = None,
    order: Literal["time", "file"] = "time",
) -> History:
    """Read the history in `paths` (CSV, JSON lines, XLSX, Parquet; "-" is standard input).

    Rejected are rows with no id, no visible text in subject and body, an id that was there before (in any of the
    files), and rows that can't be read. A label longer than 200 characters, a priority that is not understood and a
    time that can't be read are emptied, counted and named. `order` is "time" (by `created_at`; tickets without one
    come first, since they may be of any age; equal times keep the order of the files) or "file".

    Raises BadInput when a file can't be used at all: see `open_table`, `check_mapping`, `check_columns`. A history may
    well be empty: whether anything can be learnt is for the training to say.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "h.csv"
    >>> rows = ["id,created_at,body,queue,phase", "2,2024-01-02,no sound,Radio,x", "1,2024-01-01,rain,Roof,x", "2,,,,"]
    >>> _ = path.write_text("\\n".join(rows))
    >>> history = load_history([path])
    >>> [ticket.id for ticket in history.tickets], history.labels["queue"], dict(history.rejected_by_reason)
    (['1', '2'], ['Roof', 'Radio'], {'no text': 1})
    >>> list(history.ignored_columns.values()), history.time_range[0].isoformat()
    ([['phase']], '2024-01-01T00:00:00+00:00')
    """
    if not paths:
        raise BadInput("name at least one file of tickets.")
    history = History(mapping=mapping or ColumnMapping())
    with ExitStack() as stack:
        stack.enter_context(_gc_paused())
        tables = [stack.enter_context(open_table(path)) for path in paths]
        check_mapping(history.mapping, tables)
        for table in tables:
            check_columns(table, match_columns(table, history.mapping))
        reading = HistoryReader(history)
        for table in tables:
            reading.read(table)
    if moves is not None:
        journey = read_moves(moves, history.mapping, reading.ids)
        history.moves.extend(journey.moves)
        history.rejected.extend(journey.rejected)
        history.notes.extend(journey.notes)
    set_priorities(history)
    if order == "time":
        _sort_by_time(history)
    history.digest = history_digest(history)
    return history


def _copy_ticket(ticket: Ticket) -> Ticket:
    return Ticket(**{part.name: _copy_value(getattr(ticket, part.name)) for part in fields(ticket)})


def _copy_value(value: Any) -> Any:
    if isinstance(value, str):
        return "".join(list(value))
    if isinstance(value, datetime):
        return value.replace()
    return {_copy_value(name): _copy_value(one) for name, one in value.items()} if value else value


@contextmanager
def _gc_paused() -> Iterator[None]:
    """No garbage collection: tickets make no cycles, and looking at a million of them again and again costs a quarter
    of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _sort_by_time(history: History) -> None:
    """By time, in place."""
    tickets = history.tickets
    undated = sum(ticket.created_at is None for ticket in tickets)
    if undated:
        history.notes.append(
            f"{undated:,} of {len(tickets):,} tickets have no created_at"
            + ("; they keep the order of the files" if undated == len(tickets) else "; they are taken as the oldest")
        )
    times = [ticket.created_at for ticket in tickets]
    order = sorted(range(len(tickets)), key=lambda index: (times[index] is not None, times[index] or _EARLIEST))
    columns: list[list[object]] = [tickets, history.first_responses, history.resolutions, *history.labels.values()]  # type: ignore[list-item]
    columns += history.trust.values()  # type: ignore[arg-type]
    for column in columns:
        column[:] = [column[index] for index in order]


def history_digest(history: History) -> str:
    """sha256 over tickets, labels, times and moves, in order; no two contents meet, since no text holds a NUL."""
    sha = hashlib.sha256(b"deskyard history 1\n")
    labels = list(zip(*history.labels.values(), strict=True))
    for ticket, targets, answered, resolved in zip(
        history.tickets, labels, history.first_responses, history.resolutions, strict=True
    ):
        parts = [
            ticket.id, ticket.subject, ticket.body, ticket.channel, ticket.language, ticket.requester,
            ticket.organisation, _iso_or_empty(ticket.created_at), _iso_or_empty(answered), _iso_or_empty(resolved),
            *(label or "" for label in targets),
        ]  # fmt: skip
        for name in sorted(ticket.fields):
            parts += (name, ticket.fields[name])
        _update_digest(sha, parts)
    for target, said in history.trust.items():
        if any(said):
            _update_digest(sha, [target, *said])
    for move in history.moves:
        _update_digest(
            sha, [move.id, _iso_or_empty(move.at), move.actor, move.field, move.before or "", move.after or ""]
        )
    return sha.hexdigest()


def _iso_or_empty(moment: datetime | None) -> str:
    return moment.isoformat() if moment is not None else ""


def _update_digest(sha: "hashlib._Hash", parts: list[str]) -> None:
    sha.update(f"{len(parts)}\0{chr(0).join(parts)}\0".encode())
