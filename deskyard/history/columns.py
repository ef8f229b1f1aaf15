"""Matches the columns of a desk's files with deskyard's, and turns rows into tickets.

From the columns of a table and the mapping of `--map` it makes a `ColumnMatch` (where everything is in that table) and
tickets. A row never raises; a missing column does.
"""

import difflib
from collections.abc import Mapping as Map
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Final, Literal

from deskyard.domain.ticket import Ticket
from deskyard.errors import BadInput
from deskyard.history.column_mapping import (
    ALL_COLUMNS,
    MOVE_COLUMNS,
    TICKET_COLUMNS,
    TIME_COLUMNS,
    ColumnMapping,
    is_none,
    parse_mapping,
)
from deskyard.history.column_recognition import Use, format_map_line, list_names, recognise_columns
from deskyard.tabular.records import RecordTable, Row
from deskyard.text.dates import Order, read_time

__all__ = [
    "MOVE_COLUMNS",
    "TICKET_COLUMNS",
    "TIME_COLUMNS",
    "ColumnMapping",
    "ColumnMatch",
    "check_columns",
    "check_mapping",
    "match_columns",
    "parse_mapping",
    "resolve_columns",
    "to_ticket"
]  # fmt: skip
NUMBERED_ID: Final = "row-{}"
"""The id of a ticket whose file has no ids, by the number of its row among the tickets of all such files."""


@dataclass(frozen=True)
class ColumnMatch:
    """Where the columns are in one table: `columns` (our name → the table's column), `custom_fields` (name and column
    of each field x_*), `ignored` (columns that are not used), and `repeated` (a column that the table has several
    times, and the others of its name)."""

    columns: Map[str, str]
    custom_fields: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = ()
    repeated: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @cached_property
    def ticket_columns(self) -> tuple[str, ...]:
        """The table's columns for `TICKET_COLUMNS`, in order; "" where there is none (no column's name is empty)."""
        return tuple(self.columns.get(name, "") for name in TICKET_COLUMNS)

    def join_repeated(self, values: dict[str, str]) -> dict[str, str]:
        """A row whose repeated columns have the first value that is not empty.

        >>> table = RecordTable("t.csv", ["id", "queue", "queue (2)"], iter([]), repeated=frozenset(["queue"]))
        >>> match_columns(table).join_repeated({"id": "7", "queue": " ", "queue (2)": "Network"})["queue"]
        'Network'
        """
        if not self.repeated:
            return values
        joined = dict(values)
        for name, others in self.repeated:
            if not joined.get(name, "").strip():
                joined[name] = next((text for other in others if (text := values.get(other, "")).strip()), "")
        return joined


def match_columns(
    table: RecordTable, mapping: ColumnMapping | None = None, kind: Literal["tickets", "moves"] = "tickets"
) -> ColumnMatch:
    """Find our columns in `table`: as mapped, else under our own name; case and surrounding spaces don't matter.

    A mapped column that this table does not have is looked for under our own name (several files may differ, and a
    file to predict has no labels); `check_mapping` and `check_columns` report missing columns. Of a column that occurs
    several times the first value that is not empty counts; "Component (1)" and "Component (2)" name one of them.

    >>> table = RecordTable("t.csv", ["№", "Body", "x_Product", "Phase"], iter([]))
    >>> match = match_columns(table, parse_mapping(["id=№"]))
    >>> match.columns, match.custom_fields, match.ignored
    ({'id': '№', 'body': 'Body'}, (('product', 'x_Product'),), ('Phase',))
    """
    mapping = mapping or ColumnMapping()
    ours, mapped = (ALL_COLUMNS, mapping.columns) if kind == "tickets" else (MOVE_COLUMNS, mapping.moves)
    found = {name.casefold(): name for name in table.columns}
    columns: dict[str, str] = {}
    fields: dict[str, str] = {}
    repeated: dict[str, tuple[str, ...]] = {}
    for name in dict.fromkeys((*ours, *mapped)):
        theirs = mapped.get(name, name).casefold()
        if theirs not in found and is_none(theirs):
            continue
        if theirs not in found and theirs.endswith(" (1)") and theirs.removesuffix(" (1)") in table.repeated:
            (fields if name.startswith("x_") else columns)[name] = found[theirs.removesuffix(" (1)")]
            continue
        theirs = theirs if theirs in found else name
        if theirs in found:
            (fields if name.startswith("x_") else columns)[name] = found[theirs]
            if theirs in table.repeated:
                repeated[found[theirs]] = tuple(
                    other for folded, other in found.items() if _is_repetition(folded, theirs)
                )
    used = {*columns.values(), *fields.values(), *(other for others in repeated.values() for other in others)}
    if kind == "tickets":
        for folded, theirs in found.items():
            if folded.startswith("x_") and len(folded) > 2 and theirs not in used:
                fields.setdefault(folded, theirs)
        used.update(fields.values())
    ignored = tuple(name for name in table.columns if name not in used)
    return ColumnMatch(
        columns, tuple((name[2:], theirs) for name, theirs in fields.items()), ignored, tuple(repeated.items())
    )


def _is_repetition(folded: str, name: str) -> bool:
    """Whether a column is the second or a later one of its name: "component (2)"."""
    number = folded[len(name) :].removeprefix(" (").removesuffix(")") if folded.startswith(f"{name} (") else ""
    return number.isdecimal()


def resolve_columns(
    table: RecordTable, mapping: ColumnMapping, *, use: Use = "train", timed: bool = True
) -> tuple[ColumnMapping, list[str]]:
    """The mapping with the columns that were recognised in this table, and sentences about them.

    Raises BadInput, with a `--map` line to paste, where it is not sure which column is which, or there is no text; see
    `deskyard.history.column_recognition`.

    >>> table = RecordTable("t.csv", ["Номер", "Описание", "Группа"], iter([]))
    >>> resolve_columns(table, ColumnMapping())[0].columns
    {'id': 'Номер', 'body': 'Описание', 'queue': 'Группа'}
    """
    match = match_columns(table, mapping)
    settled = dict(match.columns)
    for ours, name in match.custom_fields:
        settled[f"x_{ours}"] = name
    for name, others in match.repeated:
        settled |= {f"{name} {other}": other for other in others}
    found = recognise_columns(table, settled, mapping.columns, use=use, timed=timed)
    # A mapped column that this table does not have gives way to the one that was recognised.
    resolved = replace(mapping, columns={**mapping.columns, **found.columns})
    match = match_columns(table, resolved)
    check_columns(table, match)
    notes = list(found.notes)
    for name, others in match.repeated:
        ours = next((ours for ours, theirs in match.columns.items() if theirs == name), "")
        notes.append(
            f"{name[:60]!r} occurs {len(others) + 1} times: the first value that is not empty is the {ours}; "
            f"'{name[:60]} (2)' names the second one"
        )
    if "id" not in match.columns:
        notes.append(f"no column holds an id: rows are numbered ({NUMBERED_ID.format(1)}, {NUMBERED_ID.format(2)}, …)")
    return resolved, notes


def check_mapping(
    mapping: ColumnMapping, tables: Sequence[RecordTable], kind: Literal["tickets", "moves"] = "tickets"
) -> None:
    """Raise BadInput, with similar names, unless every mapped column is in at least one of the tables.

    >>> table = RecordTable("t.csv", ["№", "Текст обращения"], iter([]))
    >>> check_mapping(parse_mapping(["body=Текст обращений"]), [table])
    Traceback (most recent call last):
    deskyard.errors.BadInput: --map body="Текст обращений": t.csv has no such column. Did you mean 'Текст обращения'? \
Columns found: '№', 'Текст обращения'.
    """
    found = {name.casefold(): name for table in tables for name in table.columns}
    for ours, theirs in (mapping.columns if kind == "tickets" else mapping.moves).items():
        folded = theirs.casefold().removesuffix(" (1)")
        if folded not in found and not is_none(theirs):
            similar = [found[name] for name in difflib.get_close_matches(theirs.casefold(), list(found)[:2000], 3)]
            hint = f" Did you mean {' or '.join(repr(name[:100]) for name in similar)}?" if similar else ""
            option = ours if kind == "tickets" else f"moves.{ours}"
            files = ", ".join(table.name for table in tables)
            raise BadInput(
                f'--map {option}="{theirs}": {files} has no such column.{hint} '
                f"Columns found: {list_names(found.values())}."
            )


def check_columns(table: RecordTable, columns: ColumnMatch) -> None:
    """Raise BadInput, with the option to add, unless a table of tickets has a subject or a body.

    >>> table = RecordTable("t.csv", ["Номер", "Инфо", "Статус"], iter([]))
    >>> check_columns(table, match_columns(table))
    Traceback (most recent call last):
    deskyard.errors.BadInput: t.csv has neither 'subject' nor 'body'. Columns found: 'Номер', 'Инфо', 'Статус'. Name \
the one that holds the text, for example: --map body="Номер"
    """
    if "subject" in columns.columns or "body" in columns.columns:
        return
    cells = [row.values for row in table.peek(100) if isinstance(row, Row)]
    free = [name for name in table.columns[:200] if name not in columns.columns.values()] or table.columns[:1]
    best = max(free, key=lambda name: sum(len(values.get(name, "")) for values in cells), default="...")
    raise BadInput(
        f"{table.name} has neither 'subject' nor 'body'. Columns found: {list_names(table.columns)}. Name the one that "
        f"holds the text, for example: {format_map_line({'body': best})}"
    )


def to_ticket(
    values: Map[str, str], columns: ColumnMatch, *, source: str = "history", order: Order = "day", number: int = 0
) -> Ticket:
    """One row as a ticket; it never raises: missing values are empty, and a time that can't be read is None.

    The id and the short texts are trimmed; subject and body are unchanged. `order` reads 03/04/2024 (see
    `deskyard.text.dates.read_time`); with "" such a date stays None. `number` makes the id where the table has none.

    >>> columns = match_columns(RecordTable("t.csv", ["id", "body", "x_product"], iter([])))
    >>> ticket = to_ticket({"id": " 7 ", "body": "no sound", "x_product": "Radio"}, columns)
    >>> ticket.id, ticket.body, dict(ticket.fields)
    ('7', 'no sound', {'product': 'Radio'})
    """
    get = values.get
    ident, created, subject, body, requester, organisation, channel, language = columns.ticket_columns
    fields = {name: text for name, theirs in columns.custom_fields if (text := get(theirs, "").strip())}
    return Ticket(
        id=get(ident, "").strip() if ident else NUMBERED_ID.format(number) if number else "",
        source=source,
        subject=get(subject, ""),
        body=get(body, ""),
        channel=get(channel, "").strip(),
        language=get(language, "").strip(),
        requester=get(requester, "").strip(),
        organisation=get(organisation, "").strip(),
        created_at=read_time(get(created, ""), order),
        fields=fields or _NO_FIELDS,
    )


_NO_FIELDS: Final[Map[str, str]] = MappingProxyType({})
