"""Matches the columns of a desk's files with deskyard's, and turns rows into tickets.

From the columns of a table and the mapping of `--map` it makes a `ColumnMatch` (where everything is in that table) and
tickets. A row never raises; a missing column does.
"""

import difflib
from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Map
from dataclasses import dataclass
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
    parse_mapping,
)
from deskyard.tabular.records import RecordTable
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
    "to_ticket"
]  # fmt: skip

_GUESSES: Final = {
    "id": "id ticket_id ticketid issue_id issue_key key number ticket_number номер № id_заявки номер_заявки заявка код",
    "subject": "subject summary title short_description topic тема заголовок тематика тематика_обращения betreff "
    "asunto",
    "body": "body description text message content document detail описание текст текст_обращения текст_заявки "
    "обращение сообщение вопрос содержание beschreibung descripción descrição опис",
}


@dataclass(frozen=True)
class ColumnMatch:
    """Where the columns are in one table: `columns` (our name → the table's column), `custom_fields` (name and column
    of each field x_*), and `ignored` (columns that are not used)."""

    columns: Map[str, str]
    custom_fields: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = ()

    @cached_property
    def ticket_columns(self) -> tuple[str, ...]:
        """The table's columns for `TICKET_COLUMNS`, in order; "" where there is none (no column's name is empty)."""
        return tuple(self.columns.get(name, "") for name in TICKET_COLUMNS)


def match_columns(
    table: RecordTable, mapping: ColumnMapping | None = None, kind: Literal["tickets", "moves"] = "tickets"
) -> ColumnMatch:
    """Find our columns in `table`: as mapped, else under our own name; case and surrounding spaces don't matter.

    A mapped column that this table does not have is looked for under our own name (several files may differ, and a
    file to predict has no labels); `check_mapping` and `check_columns` report missing columns. Raises BadInput when a
    needed column occurs twice.

    >>> table = RecordTable("t.csv", ["№", "Body", "x_Product", "Phase"], iter([]))
    >>> match_columns(table, parse_mapping(["id=№"]))
    ColumnMatch(columns={'id': '№', 'body': 'Body'}, custom_fields=(('product', 'x_Product'),), ignored=('Phase',))
    """
    mapping = mapping or ColumnMapping()
    ours, mapped = (ALL_COLUMNS, mapping.columns) if kind == "tickets" else (MOVE_COLUMNS, mapping.moves)
    found = {name.casefold(): name for name in table.columns}
    columns: dict[str, str] = {}
    fields: dict[str, str] = {}
    for name in dict.fromkeys((*ours, *mapped)):
        theirs = mapped.get(name, name).casefold()
        theirs = theirs if theirs in found else name
        if theirs in found:
            if theirs in table.repeated:
                raise BadInput(
                    f"{table.name}: the column {found[theirs]!r} occurs more than once in the header, and {name} is "
                    f'read from it. Rename all but one, or name another with --map {name}="...".'
                )
            (fields if name.startswith("x_") else columns)[name] = found[theirs]
    used = {*columns.values(), *fields.values()}
    if kind == "tickets":
        for folded, theirs in found.items():
            if folded.startswith("x_") and len(folded) > 2 and theirs not in used:
                fields.setdefault(folded, theirs)
        used.update(fields.values())
    ignored = tuple(name for name in table.columns if name not in used)
    return ColumnMatch(columns, tuple((name[2:], theirs) for name, theirs in fields.items()), ignored)


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
        if theirs.casefold() not in found:
            similar = [found[name] for name in difflib.get_close_matches(theirs.casefold(), list(found)[:2000], 3)]
            hint = f" Did you mean {' or '.join(map(repr, similar))}?" if similar else ""
            option = ours if kind == "tickets" else f"moves.{ours}"
            files = ", ".join(table.name for table in tables)
            raise BadInput(
                f'--map {option}="{theirs}": {files} has no such column.{hint} '
                f"Columns found: {_format_names(found.values())}."
            )


def check_columns(table: RecordTable, columns: ColumnMatch) -> None:
    """Raise BadInput, with the option to add, unless a table of tickets has an id, and a subject or a body.

    >>> table = RecordTable("t.csv", ["Номер", "Описание", "Статус"], iter([]))
    >>> check_columns(table, match_columns(table))
    Traceback (most recent call last):
    deskyard.errors.BadInput: t.csv has no column 'id', and neither 'subject' nor 'body'. Columns found: 'Номер', \
'Описание', 'Статус'. Name them, for example: --map id="Номер" --map body="Описание"
    """
    problems = [] if "id" in columns.columns else ["no column 'id'"]
    if "subject" not in columns.columns and "body" not in columns.columns:
        problems.append("neither 'subject' nor 'body'")
    if problems:
        missing = [name for name in ("id", "subject", "body") if name not in columns.columns]
        guessed = {name: _guess_column(table.columns, name) for name in missing}
        lines = " ".join(f'--map {name}="{theirs}"' for name, theirs in guessed.items() if theirs)
        if not lines:
            example = _normalise_name(table.columns[0]) if table.columns else "..."
            lines = f'--map {"id" if "id" in missing else "body"}="{example}"'
        raise BadInput(
            f"{table.name} has {', and '.join(problems)}. Columns found: {_format_names(table.columns)}. "
            f"Name them, for example: {lines}"
        )


def to_ticket(values: Map[str, str], columns: ColumnMatch, *, source: str = "history", order: Order = "day") -> Ticket:
    """One row as a ticket; it never raises: missing values are empty, and a time that can't be read is None.

    The id and the short texts are trimmed; subject and body are unchanged. `order` reads 03/04/2024 (see
    `deskyard.text.dates.read_time`); with "" such a date stays None.

    >>> columns = match_columns(RecordTable("t.csv", ["id", "body", "x_product"], iter([])))
    >>> ticket = to_ticket({"id": " 7 ", "body": "no sound", "x_product": "Radio"}, columns)
    >>> ticket.id, ticket.body, dict(ticket.fields)
    ('7', 'no sound', {'product': 'Radio'})
    """
    get = values.get
    ident, created, subject, body, requester, organisation, channel, language = columns.ticket_columns
    fields = {name: text for name, theirs in columns.custom_fields if (text := get(theirs, "").strip())}
    return Ticket(
        id=get(ident, "").strip(),
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


def _guess_column(columns: Sequence[str], our_name: str) -> str:
    """The column that is most likely `our_name`, by its name; "" when there is none."""
    folded = {name.casefold().replace(" ", "_"): name for name in columns[:2000]}
    return next((folded[guess] for guess in _GUESSES[our_name].split() if guess in folded), "")


def _normalise_name(name: str) -> str:
    return name if len(name) <= 60 else name[:59] + "…"


def _format_names(names: Iterable[str]) -> str:
    """The first 20 names, quoted, and the number of others."""
    names = list(names)
    more = f" and {len(names) - 20:,} more" if len(names) > 20 else ""
    return ", ".join(repr(_normalise_name(name)) for name in names[:20]) + more if names else "none"
