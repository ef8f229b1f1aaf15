"""Loads a history from files: reads, checks and sorts the tickets by time."""

import gc
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from deskyard.errors import BadInput
from deskyard.history.columns import ColumnMapping, check_columns, check_mapping, match_columns
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
) -> History:
    """Read the history in `paths` (CSV, JSON lines, XLSX, Parquet; "-" is standard input).

    Rows without an id, without visible text in subject and body, with an id that occurred before (in any file), and
    unreadable rows are rejected. Cells become labels as in `training.data.label_cleaning`, where the spellings in
    `known_labels` (of a catalogue, or of the history that a test file belongs to) win. A label longer than 200
    characters, a priority that is not understood and an unreadable time are emptied, counted and noted. `order` is
    "time" (by `created_at`; tickets without one come first, since they may be of any age; equal times keep the order of
    the files) or "file".

    Raises BadInput when a file can't be used at all: see `open_table`, `check_mapping`, `check_columns`. A history may
    be empty; whether it can be learnt from is checked by the training.

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
        move_table = read_moves(moves, history.mapping, reading.ids)
        history.moves.extend(move_table.moves)
        history.rejected.extend(move_table.rejected)
        history.notes.extend(move_table.notes)
    clean_history_labels(history, known_labels)
    set_priorities(history)
    if order == "time":
        _sort_by_time(history)
    history.digest = history_digest(history)
    return history


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
        )
    times = [ticket.created_at for ticket in tickets]
    order = sorted(range(len(tickets)), key=lambda index: (times[index] is not None, times[index] or _EARLIEST))
    columns: list[list[object]] = [tickets, history.first_responses, history.resolutions, *history.labels.values()]  # type: ignore[list-item]
    columns += history.trust.values()  # type: ignore[arg-type]
    for column in columns:
        column[:] = [column[index] for index in order]
