"""A desk's columns and words to ours: which column is the body, which spelling is a high priority.

What comes in: the names of a table's columns and what the person said with `--map`. What goes out: a `ColumnMapping`
(what was said), `ColumnMatch` (where things are in one table) and tickets. A row never raises; a column that is not
there
does.
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
    """Where things are in one table: `places` (our name → the table's column), `fields` (the field's name and its
    column, for x_*), and `ignored` (the columns that nothing uses)."""

    columns: Map[str, str]
    custom_fields: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = ()

    @cached_property
    def ticket_columns(self) -> tuple[str, ...]:
        """The columns of `TICKET_COLUMNS`, in its order; empty where there is none (no column's name is empty)."""
        return tuple(self.columns.get(name, "") for name in TICKET_COLUMNS)


def match_columns(
    table: RecordTable, mapping: ColumnMapping | None = None, kind: Literal["tickets", "moves"] = "tickets"
) -> ColumnMatch:
    """Where our columns are in `table`: where the mapping says, else under our own name; case and edges don't matter.

    A mapped column that this table does not have is looked for under our own name (several files may differ, and a
    file to predict has no labels); `check_mapping` and `check_columns` say what is missing. Raises BadInput when a
    column that is needed occurs twice.

    >>> table = RecordTable("t.csv", ["№", "Body", "x_Product", "Phase"], iter([]))
    >>> match_columns(table, parse_mapping(["id=№"]))
    Columns(places={'id': '№', 'body': 'Body'}, fields=(('product', 'x_Product'),), ignored=('Phase',))
    """
    mapping = mapping or ColumnMapping()
    ours, said = (ALL_COLUMNS, mapping.columns) if kind == "tickets" else (MOVE_COLUMNS, mapping.moves)
    found = {name.casefold(): name for name in table.columns}
    places: dict[str, str] = {}
    fields: dict[str, str] = {}
    for name in dict.fromkeys((*ours, *said)):
        theirs = said.get(name, name).casefold()
        theirs = theirs if theirs in found else name
        if theirs in found:
            if theirs in table.repeated:
                raise BadInput(
                    f"{table.name}: the column {found[theirs]!r} occurs more than once in the header, and {name} is "
                    f'read from it. Rename all but one, or name another with --map {name}="...".'
                )
            (fields if name.startswith("x_") else places)[name] = found[theirs]
    used = {*places.values(), *fields.values()}
    if kind == "tickets":
        for fold, theirs in found.items():
            if fold.startswith("x_") and len(fold) > 2 and theirs not in used:
                fields.setdefault(fold, theirs)
        used.update(fields.values())
    ignored = tuple(name for name in table.columns if name not in used)
    return ColumnMatch(places, tuple((name[2:], theirs) for name, theirs in fields.items()), ignored)


def check_mapping(
    mapping: ColumnMapping, tables: Sequence[RecordTable], kind: Literal["tickets", "moves"] = "tickets"
) -> None:
    """Every column that the mapping names is in at least one of the tables; else BadInput with the nearest names.

    >>> check_mapping(parse_mapping(["body=Текст обращений"]), [RecordTable("t.csv", ["№", "Текст обращения"], iter([]))])
    Traceback (most recent call last):
    deskyard.errors.BadInput: --map body="Текст обращений": t.csv has no such column. Did you mean 'Текст обращения'? \
Columns found: '№', 'Текст обращения'.
    """
    found = {name.casefold(): name for table in tables for name in table.columns}
    for ours, theirs in (mapping.columns if kind == "tickets" else mapping.moves).items():
        if theirs.casefold() not in found:
            near = [found[name] for name in difflib.get_close_matches(theirs.casefold(), list(found)[:2000], 3)]
            hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
            option = ours if kind == "tickets" else f"moves.{ours}"
            files = ", ".join(table.name for table in tables)
            raise BadInput(
                f'--map {option}="{theirs}": {files} has no such column.{hint} '
                f"Columns found: {_format_names(found.values())}."
            )


def check_columns(table: RecordTable, columns: ColumnMatch) -> None:
    """A table of tickets has an id, and a subject or a body; else BadInput with what was found and the line to add.

    >>> table = RecordTable("t.csv", ["Номер", "Описание", "Статус"], iter([]))
    >>> check_columns(table, match_columns(table))
    Traceback (most recent call last):
    deskyard.errors.BadInput: t.csv has no column 'id', and neither 'subject' nor 'body'. Columns found: 'Номер', \
'Описание', 'Статус'. Say which they are, for example: --map id="Номер" --map body="Описание"
    """
    lacks = [] if "id" in columns.columns else ["no column 'id'"]
    if "subject" not in columns.columns and "body" not in columns.columns:
        lacks.append("neither 'subject' nor 'body'")
    if lacks:
        missing = [name for name in ("id", "subject", "body") if name not in columns.columns]
        guesses = {name: _guess_column(table.columns, name) for name in missing}
        lines = " ".join(f'--map {name}="{theirs}"' for name, theirs in guesses.items() if theirs)
        if not lines:
            lines = f'--map {"id" if "id" in missing else "body"}="{_normalise_name(table.columns[0]) if table.columns else "..."}"'
        raise BadInput(
            f"{table.name} has {', and '.join(lacks)}. Columns found: {_format_names(table.columns)}. "
            f"Say which they are, for example: {lines}"
        )


def to_ticket(values: Map[str, str], columns: ColumnMatch, *, source: str = "history", order: Order = "day") -> Ticket:
    """One row as a ticket; it never raises: what is not there is empty, a time that can't be read is None.

    The id and the short texts are trimmed; subject and body stay as they are. `order` reads 03/04/2024 (see
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
    """The column that most likely is `ours`, by its name; empty when none looks like it."""
    folded = {name.casefold().replace(" ", "_"): name for name in columns[:2000]}
    return next((folded[guess] for guess in _GUESSES[our_name].split() if guess in folded), "")


def _normalise_name(name: str) -> str:
    return name if len(name) <= 60 else name[:59] + "…"


def _format_names(names: Iterable[str]) -> str:
    """The first 20 names, quoted, and how many more there are."""
    names = list(names)
    more = f" and {len(names) - 20:,} more" if len(names) > 20 else ""
    return ", ".join(repr(_normalise_name(name)) for name in names[:20]) + more if names else "none"
