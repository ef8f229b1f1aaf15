"""History: a desk's files to tickets with their labels; rows that can't be learnt from are counted and kept.

What comes in: files (`deskyard.tabular.readers`), what `--map` said (`deskyard.history.columns`) and, optionally, a file of moves.
What goes out: a `History`, the same for the same content whatever the files are called. Every row of every file is a
ticket or a rejected row; no row is dropped, and no row stops the reading.
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

from deskyard.domain.taxonomy import Turn
from deskyard.domain.ticket import TARGETS, Target, Ticket
from deskyard.errors import BadInput
from deskyard.history.columns import Mapping, check_columns, check_map, match
from deskyard.tabular.readers import read_rows
from training.data.moves import Move, read_moves
from training.data.rejected_rows import Rejected, write_rejected
from training.data.table_reader import Reading, set_priorities

FORGOTTEN: Final = Ticket(id="")
"""Stands for a ticket that takes no part in a run."""

_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class History:
    """Tickets in order, and what became of them; every list has one entry a ticket.

    `labels`: each target's label or None. `trust`: who stands behind each, as `deskyard.domain.label_trust` calls it, "" where
    nothing is said (no entries at all in a history that was not read from files). `answered` and `resolved`: the first
    response and the solution, where the files say. `moves`: the journey, oldest first. `rejected`: rows that are no
    tickets, by `rejected_by_reason`. `ignored_columns`: file → columns that nothing uses. `priority_levels`: the
    spellings that were understood, `priority_unknown`: those that were not, with how many tickets bear them.
    `long_labels`, `unreadable_times`: counts by column. `notes`: everything a person should know about the reading, as
    sentences. `digest`: sha256 over what a model can see (not over file names, formats or the moment of reading).
    `turns`: those of the taxonomy after which the labels are called (`training.data.taxonomy`).
    """

    tickets: list[Ticket] = field(default_factory=list)
    labels: dict[Target, list[str | None]] = field(default_factory=lambda: {target: [] for target in TARGETS})
    trust: dict[Target, list[str]] = field(default_factory=lambda: {target: [] for target in TARGETS})
    answered: list[datetime | None] = field(default_factory=list)
    resolved: list[datetime | None] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    ignored_columns: dict[str, list[str]] = field(default_factory=dict)
    priority_levels: dict[str, str] = field(default_factory=dict)
    priority_unknown: Counter[str] = field(default_factory=Counter)
    long_labels: Counter[str] = field(default_factory=Counter)
    unreadable_times: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    mapping: Mapping = field(default_factory=Mapping)
    digest: str = ""
    turns: tuple[Turn, ...] = ()

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

    def keep_only(self, positions: Iterable[int]) -> None:
        """Forget what all other tickets said, and give their memory back; their labels stay.

        Those that are kept are copied first: Python gives memory back in large pieces, and one string holds a piece.
        """
        kept = {i: _copied(self.tickets[i]) for i in positions}
        self.tickets[:] = [kept.get(i, FORGOTTEN) for i in range(len(self.tickets))]

    def part(self, positions: Iterable[int]) -> "History":
        """The tickets at these positions, in that order, as a history of their own, without moves and rejected rows."""
        chosen = list(positions)
        return replace(
            self,
            tickets=[self.tickets[i] for i in chosen],
            labels={target: [values[i] for i in chosen] for target, values in self.labels.items()},
            trust={target: [said[i] for i in chosen] if said else [] for target, said in self.trust.items()},
            answered=[self.answered[i] for i in chosen] if self.answered else [],
            resolved=[self.resolved[i] for i in chosen] if self.resolved else [],
            moves=[],
            rejected=[],
            notes=[],
            digest=hashlib.sha256(f"{self.digest} {chosen}".encode()).hexdigest(),
        )

    def write_rejected(self, path: Path | str) -> int:
        """Write the rejected rows to `path` (CSV), when there are any; returns how many."""
        return write_rejected(self.rejected, path)


def load(
    paths: Sequence[Path | str],
    mapping: Mapping | None = None,
    *,
    moves: Path | str | None = None,
    order: Literal["time", "file"] = "time",
) -> History:
    """Read the history in `paths` (CSV, JSON lines, XLSX, Parquet; "-" is standard input).

    Rejected are rows with no id, no visible text in subject and body, an id that was there before (in any of the
    files), and rows that can't be read. A label longer than 200 characters, a priority that is not understood and a
    time that can't be read are emptied, counted and named. `order` is "time" (by `created_at`; tickets without one
    come first, since they may be of any age; equal times keep the order of the files) or "file".

    Raises BadInput when a file can't be used at all: see `read_rows`, `check_map`, `check_columns`. A history may well
    be empty: whether anything can be learnt is for the training to say.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "h.csv"
    >>> rows = ["id,created_at,body,queue,phase", "2,2024-01-02,no sound,Radio,x", "1,2024-01-01,rain,Roof,x", "2,,,,"]
    >>> _ = path.write_text("\\n".join(rows))
    >>> history = load([path])
    >>> [ticket.id for ticket in history.tickets], history.labels["queue"], dict(history.rejected_by_reason)
    (['1', '2'], ['Roof', 'Radio'], {'no text': 1})
    >>> list(history.ignored_columns.values()), history.time_range[0].isoformat()
    ([['phase']], '2024-01-01T00:00:00+00:00')
    """
    if not paths:
        raise BadInput("name at least one file of tickets.")
    history = History(mapping=mapping or Mapping())
    with ExitStack() as stack:
        stack.enter_context(_uncollected())
        tables = [stack.enter_context(read_rows(path)) for path in paths]
        check_map(history.mapping, tables)
        for table in tables:
            check_columns(table, match(table, history.mapping))
        reading = Reading(history)
        for table in tables:
            reading.read(table)
    if moves is not None:
        journey = read_moves(moves, history.mapping, reading.ids)
        history.moves.extend(journey.moves)
        history.rejected.extend(journey.rejected)
        history.notes.extend(journey.notes)
    set_priorities(history)
    if order == "time":
        _sort(history)
    history.digest = digest_of(history)
    return history


def _copied(ticket: Ticket) -> Ticket:
    return Ticket(**{part.name: _copy(getattr(ticket, part.name)) for part in fields(ticket)})


def _copy(value: Any) -> Any:
    if isinstance(value, str):
        return "".join(list(value))
    if isinstance(value, datetime):
        return value.replace()
    return {_copy(name): _copy(one) for name, one in value.items()} if value else value


@contextmanager
def _uncollected() -> Iterator[None]:
    """No garbage collection: tickets make no cycles, and looking at a million of them again and again costs a quarter
    of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _sort(history: History) -> None:
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
    columns: list[list[object]] = [tickets, history.answered, history.resolved, *history.labels.values()]  # type: ignore[list-item]
    columns += history.trust.values()  # type: ignore[arg-type]
    for column in columns:
        column[:] = [column[index] for index in order]


def digest_of(history: History) -> str:
    """sha256 over tickets, labels, times and moves, in order; no two contents meet, since no text holds a NUL."""
    sha = hashlib.sha256(b"deskyard history 1\n")
    labels = list(zip(*history.labels.values(), strict=True))
    for ticket, targets, answered, resolved in zip(
        history.tickets, labels, history.answered, history.resolved, strict=True
    ):
        parts = [
            ticket.id, ticket.subject, ticket.body, ticket.channel, ticket.language, ticket.requester,
            ticket.organisation, _iso(ticket.created_at), _iso(answered), _iso(resolved),
            *(label or "" for label in targets),
        ]  # fmt: skip
        for name in sorted(ticket.fields):
            parts += (name, ticket.fields[name])
        _add(sha, parts)
    for target, said in history.trust.items():
        if any(said):
            _add(sha, [target, *said])
    for move in history.moves:
        _add(sha, [move.id, _iso(move.at), move.actor, move.field, move.before or "", move.after or ""])
    return sha.hexdigest()


def _iso(moment: datetime | None) -> str:
    return moment.isoformat() if moment is not None else ""


def _add(sha: "hashlib._Hash", parts: list[str]) -> None:
    sha.update(f"{len(parts)}\0{chr(0).join(parts)}\0".encode())
