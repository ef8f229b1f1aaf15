"""History: a desk's files to tickets with their labels; rows that can't be learnt from are counted and kept.

What comes in: files (`deskyard.stores.files`), what `--map` said (`deskyard.columns`) and, optionally, a file of moves.
What goes out: a `History`, the same for the same content whatever the files are called. Every row of every file is a
ticket or a rejected row; no row is dropped, and no row stops the reading.
"""

import gc
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from deskyard.columns import TIMES, Columns, Mapping, check_columns, check_map, match, to_ticket
from deskyard.errors import BadInput
from deskyard.priorities import bare_number, translate
from deskyard.stores.files import read_rows
from deskyard.stores.rows import Broken, Row, Table
from deskyard.ticket import TARGETS, Target, Ticket
from deskyard.times import find_order, names_zone, read_time
from training.moves import Move, read_moves
from training.rejected import Rejected, write_rejected

LONGEST_LABEL: Final = 200
"""Characters: a longer value of a target is a text in the wrong column, not a label."""

_SHOWN: Final = 10
_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class History:
    """Tickets in order, and what became of them; every list has one entry a ticket.

    `labels`: each target's label or None. `answered` and `resolved`: the first response and the solution, where the
    files say. `moves`: the journey, oldest first. `rejected`: rows that are no tickets, by `rejected_by_reason`.
    `ignored_columns`: file → columns that nothing uses. `priority_levels`: the spellings that were understood,
    `priority_unknown`: those that were not, with how many tickets bear them. `long_labels`, `unreadable_times`: counts
    by column. `notes`: everything a person should know about the reading, as sentences. `digest`: sha256 over what a
    model can see (not over file names, formats or the moment of reading).
    """

    tickets: list[Ticket] = field(default_factory=list)
    labels: dict[Target, list[str | None]] = field(default_factory=lambda: {target: [] for target in TARGETS})
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
        reading = _Reading(history)
        for table in tables:
            reading.read(table)
    if moves is not None:
        journey = read_moves(moves, history.mapping, reading.ids)
        history.moves.extend(journey.moves)
        history.rejected.extend(journey.rejected)
        history.notes.extend(journey.notes)
    _set_priorities(history)
    if order == "time":
        _sort(history)
    history.digest = _digest(history)
    return history


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


class _Reading:
    """Rows of one table after another into a History."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.ids: set[str] = set()
        self.shared: dict[str, str] = {}
        self.zone_said = False

    def read(self, table: Table) -> None:
        """All rows of `table`."""
        history, mapping = self.history, self.history.mapping
        history.notes.extend(f"{table.name}: {note}" for note in table.notes)
        columns, width = match(table, mapping), len(table.columns)
        times = _Times(table, history)
        for row in table:
            if isinstance(row, Broken):
                history.rejected.append(Rejected.of(table.name, row, row.reason, row.detail))
                continue
            if len(table.columns) != width:
                columns, width = match(table, mapping), len(table.columns)
            ticket = to_ticket(row.values, columns, order=mapping.dates)
            if not ticket.id:
                self._reject(table, row, "no id", "the id is empty", ticket)
            elif not (_is_visible(ticket.body) or _is_visible(ticket.subject)):
                self._reject(table, row, "no text", "subject and body are empty", ticket)
            elif ticket.id in self.ids:
                self._reject(table, row, "duplicate id", "this id was read before", ticket)
            else:
                self.ids.add(ticket.id)
                times.note(row, columns, ticket)
                history.tickets.append(ticket)
                self._label(row, columns)
        times.settle()
        if ignored := list(columns.ignored):
            history.ignored_columns[table.name] = ignored
        if times.naive and not self.zone_said:
            self.zone_said = True
            history.notes.append(f"{table.name}: times without a zone (such as {times.naive!r}) are taken as UTC")

    def _reject(self, table: Table, row: Row, reason: str, detail: str, ticket: Ticket) -> None:
        self.history.rejected.append(Rejected.of(table.name, row, reason, detail, ticket.id))

    def _label(self, row: Row, columns: Columns) -> None:
        for target, labels in self.history.labels.items():
            label = row.values.get(columns.places.get(target, ""), "").strip()
            if len(label) > LONGEST_LABEL:
                self.history.long_labels[target] += 1
                if self.history.long_labels[target] == 1:
                    self.history.notes.append(
                        f"{target} of ticket {self._last()} has {len(label):,} characters: a label of more than "
                        f"{LONGEST_LABEL} is emptied (as all such labels are)"
                    )
                label = ""
            labels.append(self.shared.setdefault(label, label) or None)

    def _last(self) -> str:
        return self.history.tickets[-1].id


class _Times:
    """The times of one table; those that can be read as day first or month first wait until the table has ended."""

    def __init__(self, table: Table, history: History) -> None:
        self.table, self.history = table, history
        self.slashed: dict[str, str] = {}
        self.waiting: list[tuple[int, int, str, str]] = []
        self.naive = ""
        self.asked = False

    def note(self, row: Row, columns: Columns, ticket: Ticket) -> None:
        """The times of a row that is about to become the history's next ticket."""
        history, order = self.history, self.history.mapping.dates
        index = len(history.tickets)
        if place := columns.places.get("created_at"):
            text = row.values.get(place, "")
            if not self.asked and ticket.created_at is not None:
                self.asked, self.naive = True, "" if names_zone(text) else text.strip()
            if ticket.created_at is None and text.strip():
                self.waiting.append((index, row.line, "created_at", text))
            self._vote(text)
        for name, into in ((TIMES[0], history.answered), (TIMES[1], history.resolved)):
            text = row.values.get(columns.places.get(name, ""), "")
            moment = None
            if text:
                moment = read_time(text, order)
                self._vote(text)
                if moment is None and text.strip():
                    self.waiting.append((index, row.line, name, text))
            into.append(moment)

    def _vote(self, text: str) -> None:
        """One example for each day and month of a date such as 03/04/2024: at most about a thousand."""
        if "/" in text[1:3] or "-" in text[1:3]:
            self.slashed.setdefault(text[:5], text)

    def settle(self) -> None:
        """Read what waits, in the order that the whole table shows."""
        history = self.history
        order, sure = find_order(self.slashed.values())
        if self.slashed and not history.mapping.dates:
            read = "day" if order == "day" else "month"
            why = "as its dates show" if sure else "nothing shows the order; --map dates=month-first changes it"
            history.notes.append(f"{self.table.name}: dates such as 03/04/2024 begin with the {read} ({why})")
        failed: Counter[str] = Counter()
        examples: dict[str, list[str]] = {}
        for index, line, name, text in self.waiting:
            moment = read_time(text, history.mapping.dates or order)
            if moment is None:
                failed[name] += 1
                if failed[name] <= 3:
                    examples.setdefault(name, []).append(f"{text.strip()[:40]!r} in {self.table.unit} {line}")
            elif name == "created_at":
                history.tickets[index] = replace(history.tickets[index], created_at=moment)
            else:
                (history.answered if name == TIMES[0] else history.resolved)[index] = moment
        for name, count in failed.items():
            history.unreadable_times[name] += count
            history.notes.append(
                f"{self.table.name}: {count:,} values of {name} are no times that can be read and are left empty: "
                + ", ".join(examples[name])
            )


def _is_visible(text: str) -> bool:
    """Whether there is a character that a person can see (no space, control or zero-width character)."""
    return text[:1].isalnum() or any(c.isprintable() and not c.isspace() for c in text)


def _set_priorities(history: History) -> None:
    """Spellings to levels, once all are known; what is not understood is emptied, counted and named."""
    labels = history.labels["priority"]
    counts = Counter(label for label in labels if label is not None)
    moved = [value for move in history.moves if move.field == "priority" for value in (move.before, move.after)]
    seen = dict.fromkeys((*counts, *(value for value in moved if value)))
    levels = translate(seen, history.mapping.priority, history.mapping.numbers)
    history.priority_levels = levels
    labels[:] = [levels.get(label) or None if label else None for label in labels]
    history.moves = [
        replace(move, before=levels.get(move.before or "") or None, after=levels.get(move.after or "") or None)
        if move.field == "priority"
        else move
        for move in history.moves
    ]
    history.priority_unknown = Counter({value: count for value, count in counts.items() if value not in levels})
    numbers = [value for value in history.priority_unknown if bare_number(value) is not None]
    words = [value for value, _ in history.priority_unknown.most_common() if value not in set(numbers)]
    if numbers:
        count = sum(history.priority_unknown[value] for value in numbers)
        history.notes.append(
            f"{count:,} tickets have a bare number as priority ({', '.join(sorted(numbers)[:_SHOWN])}), which is left "
            "empty until you say which end is urgent: --map priority.numbers=1-is-urgent or highest-is-urgent"
        )
    if words:
        count = sum(history.priority_unknown[value] for value in words)
        named = ", ".join(f"{value!r} ({history.priority_unknown[value]:,})" for value in words[:_SHOWN])
        history.notes.append(
            f"{count:,} tickets have a priority that is not understood and is left empty: {named}; "
            f'say what it means, for example --map "priority.{words[0]}=medium"'
        )


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
    for column in columns:
        column[:] = [column[index] for index in order]


def _digest(history: History) -> str:
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
    for move in history.moves:
        _add(sha, [move.id, _iso(move.at), move.actor, move.field, move.before or "", move.after or ""])
    return sha.hexdigest()


def _iso(moment: datetime | None) -> str:
    return moment.isoformat() if moment is not None else ""


def _add(sha: "hashlib._Hash", parts: list[str]) -> None:
    sha.update(f"{len(parts)}\0{chr(0).join(parts)}\0".encode())
