"""Loads a history from files: reads, checks and sorts the tickets by time."""

import gc
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from deskyard.errors import BadInput
from deskyard.history.columns import ColumnMapping, check_mapping, resolve_columns
from deskyard.tabular.readers import open_table
from training.data.history import History, history_digest
from training.data.label_cleaning import NO_NAMES, KnownLabels, clean_history_labels
from training.data.moves import read_moves
from training.data.table_reader import HistoryReader, set_priorities

_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)


def load_history(
    paths: Sequence[Path | str],
    mapping: ColumnMapping | None = None,
    *,
    moves: Path | str | None = None,
    order: Literal["time", "file"] = "time",
    known_labels: KnownLabels = NO_NAMES,
    stored_columns: Mapping[str, Any] | None = None,
) -> History:
    """Read the history in `paths` (CSV, JSON, XLSX, XLS, ODS, Parquet, HTML tables; "-" is standard input).

    Columns that `mapping` does not name are those of `stored_columns` (what a model's bundle keeps), else recognised,
    and rows of a file without ids are numbered. Rows without an id, without visible text in subject and body, with an
    id that occurred before (in any file), and unreadable rows are rejected. Cells become labels as in
    `training.data.label_cleaning`, where the spellings in `known_labels` (of a catalogue, or of the history that a test
    file belongs to) win. A label longer than 200 characters, a priority that is not understood and an unreadable time
    are emptied, counted and noted. `order` is "time" (by `created_at`; tickets without one come first,
    since they may be of any age; equal times keep the order of the files) or "file".

    Raises BadInput when a file can't be used at all: see `open_table`, `check_mapping`, `resolve_columns`. A history
    may be empty; whether it can be learnt from is checked by the training.

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
    given = mapping or ColumnMapping()
    known = replace(given.with_stored(stored_columns or {}), dates=given.dates)
    history = History(mapping=known)
    with ExitStack() as stack:
        stack.enter_context(_gc_paused())
        tables = [stack.enter_context(open_table(path, given.location)) for path in paths]
        check_mapping(given, tables)
        resolved = [resolve_columns(table, known, timed=order == "time") for table in tables]
        columns: dict[str, str] = {}
        for table, (own, notes) in zip(tables, resolved, strict=True):
            columns = {**own.columns, **columns}
            history.notes.extend(f"{table.name}: {note}" for note in notes)
        history.mapping = replace(known, columns={**columns, **given.columns})
        reading = HistoryReader(history)
        for table, (own, _) in zip(tables, resolved, strict=True):
            reading.read(table, own, timed=order == "time")
    if reading.date_orders == {"month"} and not given.dates:
        history.mapping = replace(history.mapping, dates="month")
    if moves is not None:
        move_table = read_moves(moves, history.mapping, reading.ids)
        history.moves.extend(move_table.moves)
        history.rejected.extend(move_table.rejected)
        history.notes.extend(move_table.notes)
    clean_history_labels(history, known_labels)
    set_priorities(history)
    _note_single_labels(history)
    if order == "time":
        _sort_by_time(history)
    history.digest = history_digest(history)
    return history


def _note_single_labels(history: History) -> None:
    """Note the targets that all tickets have the same label of."""
    for target, labels in history.labels.items():
        counts = Counter(label for label in labels if label)
        if len(counts) == 1 and len(labels) > 1:
            label, count = counts.popitem()
            history.notes.append(f"{target} is not learnt: it has one label only, {label[:60]!r} ({count:,} tickets)")


@contextmanager
def _gc_paused() -> Iterator[None]:
    """Pause garbage collection: tickets form no cycles, and scanning a million of them repeatedly costs 25 % of the
    time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _sort_by_time(history: History) -> None:
    """Sort the history by time, in place."""
    tickets = history.tickets
    undated = sum(ticket.created_at is None for ticket in tickets)
    if undated:
        history.notes.append(
            f"{undated:,} of {len(tickets):,} tickets have no created_at"
            + ("; they keep the order of the files" if undated == len(tickets) else "; they are taken as the oldest")
            + (
                ", and the model is tested on random tickets, which is too optimistic (--order file, if the rows are "
                "in order of time)"
                if undated * 2 >= len(tickets)
                else ""
            )
        )
    times = [ticket.created_at for ticket in tickets]
    order = sorted(range(len(tickets)), key=lambda index: (times[index] is not None, times[index] or _EARLIEST))
    columns: list[list[object]] = [tickets, history.first_responses, history.resolutions, *history.labels.values()]  # type: ignore[list-item]
    columns += history.trust.values()  # type: ignore[arg-type]
    for column in columns:
        column[:] = [column[index] for index in order]
