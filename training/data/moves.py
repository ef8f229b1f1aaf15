"""Reads the moves of tickets (who changed which field, and when) from a table, oldest first.

The table has the columns id, at, actor, field, from, to. Moves of unknown tickets are counted and skipped; a row
without an id, a time or a field is rejected with its line.
"""

from collections import Counter
from collections.abc import Container
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from deskyard.errors import BadInput
from deskyard.history.columns import MOVE_COLUMNS, ColumnMapping, ColumnMatch, check_mapping, match_columns
from deskyard.tabular.readers import open_table
from deskyard.tabular.records import BrokenRow, RecordTable, Row
from deskyard.text.dates import detect_date_order, read_time
from training.data.rejected_rows import RejectedRow

_REQUIRED_COLUMNS: Final = ("id", "at", "field", "to")


@dataclass(frozen=True, slots=True)
class Move:
    """One change of a ticket: its id, time, actor, field (the target's name if it is a target), old and new value."""

    id: str
    at: datetime
    actor: str
    field: str
    before: str | None
    after: str | None


@dataclass(slots=True)
class MoveTable:
    """The content of a file of moves: moves in order of time, rejected rows, and counts of unknown ticket ids."""

    moves: list[Move] = field(default_factory=list)
    rejected: list[RejectedRow] = field(default_factory=list)
    unknown_ids: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)


def read_moves(path: Path | str, mapping: ColumnMapping, ids: Container[str]) -> MoveTable:
    """Read the moves in `path` of the tickets in `ids`; columns by the mapping's `moves`, fields by its `columns`.

    Raises BadInput when the file can't be read or lacks one of id, at, field, to.
    """
    found = MoveTable()
    with open_table(path) as table:
        check_mapping(mapping, [table], "moves")
        columns = match_columns(table, mapping, "moves")
        if missing := [name for name in _REQUIRED_COLUMNS if name not in columns.columns]:
            listed = ", ".join(map(repr, table.columns[:20]))
            raise BadInput(
                f"{table.name} has no column {', '.join(map(repr, missing))}; moves need {', '.join(MOVE_COLUMNS)}. "
                f'Columns found: {listed}. Say which they are, for example: --map moves.{missing[0]}="..."'
            )
        found.notes.extend(f"{table.name}: {note}" for note in table.notes)
        _collect_moves(table, columns, mapping, ids, found)
    if found.unknown_ids:
        first = ", ".join(list(found.unknown_ids)[:5])
        found.notes.append(
            f"{table.name}: {found.unknown_ids.total():,} moves are of {len(found.unknown_ids):,} tickets that are "
            f"not in the history ({first}); they are left out"
        )
    found.moves.sort(key=lambda move: move.at)
    return found


def _collect_moves(
    table: RecordTable, columns: ColumnMatch, mapping: ColumnMapping, ids: Container[str], found: MoveTable
) -> None:
    rows: list[tuple[Row, dict[str, str]]] = []
    for row in table:
        if isinstance(row, BrokenRow):
            found.rejected.append(RejectedRow.from_row(table.name, row, row.reason, row.detail))
            continue
        joined = columns.join_repeated(row.values)
        values = {name: joined.get(theirs, "").strip() for name, theirs in columns.columns.items()}
        if not values["id"]:
            found.rejected.append(RejectedRow.from_row(table.name, row, "no id", "a move needs the id of its ticket"))
        elif not values["field"]:
            found.rejected.append(
                RejectedRow.from_row(table.name, row, "no field", "a move needs a field", values["id"])
            )
        elif values["id"] not in ids:
            found.unknown_ids[values["id"]] += 1
        else:
            rows.append((row, values))
    order = mapping.dates or detect_date_order(values["at"] for _, values in rows)[0]
    ours = {theirs.casefold(): name for name, theirs in mapping.columns.items()}
    for row, values in rows:
        at = read_time(values["at"], order)
        if at is None:
            detail = f"{values['at'][:60]!r} is no time that can be read"
            found.rejected.append(RejectedRow.from_row(table.name, row, "no time", detail, values["id"]))
            continue
        name = values["field"].casefold()
        before, after = values.get("from") or None, values["to"] or None
        found.moves.append(Move(values["id"], at, values.get("actor", ""), ours.get(name, name), before, after))
