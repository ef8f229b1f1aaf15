"""Reads JSON as programs write it: one object a line, an array, an object around an array, columns of values.

Every value becomes text. Members of nested objects are columns of their own: `fields.team.name`.
"""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any, Final, NamedTuple

from deskyard.errors import BadInput
from deskyard.tabular.column_names import count_known_names
from deskyard.tabular.csv_reader import MAX_RECORD_LENGTH
from deskyard.tabular.header_row import SEARCHED_ROWS, find_header_row
from deskyard.tabular.records import (
    BROKEN_JSON,
    TOO_LONG,
    UNDECODABLE,
    UNDECODABLE_DETAIL,
    BrokenRow,
    Row,
    as_text,
    is_damaged,
    replace_undecodable,
)

LOOKAHEAD_LINES: Final = 1000
"""Lines that are read before the first row is returned, to learn the columns."""

MAX_DOCUMENT_LENGTH: Final = 1 << 28
"""The most characters of a document that is not one object a line; it is read into memory as a whole."""

MAX_DEPTH: Final = 6
"""How deep members of nested objects become columns; deeper ones are JSON in one cell."""

_MAX_MEMBERS: Final = 20_000
"""The most columns that one record may have by its nested members."""

_MAX_ELEMENTS: Final = 20
"""Elements of a list of objects that are looked at for the first value of a member."""

_FIELD_NAMES: Final = ("fieldId", "label", "name", "field", "key", "code", "id")
"""Members that name a field in a list of fields with values."""

_WHOLE: Final = re.compile(r"(-?\d+)\.0+")
_SPACE: Final = re.compile(r"[ \t\r\n]*")


def _normalise_number(text: str) -> str:
    """The digits of a number as written (an id may be longer than a float can hold); 12.0 becomes 12."""
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else text


_DECODER: Final = json.JSONDecoder(
    strict=False,
    parse_int=_normalise_number,
    parse_float=_normalise_number,
    parse_constant=lambda name: "" if name == "NaN" else name,
)


class JsonTable(NamedTuple):
    """The columns (the list grows if later records have new members), what the file is, and its records."""

    columns: list[str]
    form: str
    rows: Iterator[Row | BrokenRow]


def read_json(lines: Iterator[str], name: str, records: str = "") -> JsonTable:
    r"""The table in the JSON of `lines`; `records` names the member of a document that holds the records.

    Members that differ only in case are one column. Lone surrogates and NULs become U+FFFD. Raises BadInput if the file
    is no JSON, or none with a list of records.

    >>> table = read_json(iter(['{"id": 7, "Body": "a\\ud800"}\n', '{"id": 8.0, "body": null}\n', "{\n"]), "x")
    >>> table.columns, [row.values if isinstance(row, Row) else row.reason for row in table.rows]
    (['id', 'Body'], [{'id': '7', 'Body': 'a�'}, {'id': '8', 'Body': ''}, 'broken JSON'])
    >>> table = read_json(iter(['{"total": 1, "tickets": [{"id": 7, "team": {"name": "IT"}}]}']), "x")
    >>> table.columns, table.form, [row.values for row in table.rows]
    (['id', 'team.name'], "JSON, records in 'tickets'", [{'id': '7', 'team.name': 'IT'}])
    """
    head = list(islice((line for line in lines if line.strip()), 2)) if records else _first_two(lines)
    lines = chain(head, lines)
    columns: list[str] = []
    if records or _is_document(head):
        form, found = _read_document(lines, name, records)
        rows: Iterator[Row | BrokenRow] = _document_rows(found, columns)
    else:
        form, rows = "JSON lines", _line_rows(lines, columns)
    first = list(islice(rows, LOOKAHEAD_LINES))
    if not first:
        raise BadInput(f'{name} is empty: it needs one JSON object a line, such as {{"id": "1", "body": "..."}}.')
    return JsonTable(columns, form, chain(first, rows))


def _first_two(lines: Iterator[str]) -> list[str]:
    """The lines up to the second one that is not blank."""
    head: list[str] = []
    while sum(bool(line.strip()) for line in head) < 2 and (line := next(lines, "")):
        head.append(line)
    return head


def _is_document(head: list[str]) -> bool:
    """Whether a file that begins with these lines is one document, and not one object a line."""
    first, second = ([line.strip() for line in head if line.strip()] + ["", ""])[:2]
    if first.startswith("["):
        return True
    if second:
        return not _is_object(second) and not _is_object(first)
    record = _decode(first)
    return record is None or _find_records(record) is not None


def _decode(text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError):
        return None


def _is_object(text: str) -> bool:
    return text.startswith("{") and isinstance(_decode(text), dict)


def _line_rows(lines: Iterable[str], columns: list[str]) -> Iterator[Row | BrokenRow]:
    names = _ColumnNames(columns)
    for line, raw in enumerate(lines, 1):
        text = raw.strip()
        if not text:
            continue
        if len(raw) > MAX_RECORD_LENGTH:
            yield BrokenRow(
                line, raw[:MAX_RECORD_LENGTH], TOO_LONG, f"it is longer than {MAX_RECORD_LENGTH:,} characters"
            )
            continue
        if is_damaged(raw):
            yield BrokenRow(line, replace_undecodable(raw), UNDECODABLE, UNDECODABLE_DETAIL)
            continue
        try:
            record: Any = _DECODER.decode(text)
        except (ValueError, RecursionError) as error:
            reason = error.msg if isinstance(error, json.JSONDecodeError) else "it is nested too deeply"
            yield BrokenRow(line, raw, BROKEN_JSON, f"it is not valid JSON: {reason}")
            continue
        if not isinstance(record, dict):
            yield BrokenRow(line, raw, BROKEN_JSON, "it is not a JSON object")
            continue
        yield Row(line, names.to_cells(record), raw)


class _ColumnNames:
    """Adds the members of records to a list of columns, and gives their values by column."""

    def __init__(self, columns: list[str]) -> None:
        self._columns = columns
        self._known: dict[str, str] = {}
        self._spelling: dict[str, str] = {}

    def to_cells(self, record: dict[str, Any]) -> dict[str, str]:
        cells: dict[str, str] = {}
        for key, value in record.items():
            if isinstance(value, (dict, list)) and value and key[:2].casefold() != "x_":
                for path, leaf in islice(_leaves(key, value, 1), _MAX_MEMBERS):
                    self._set(cells, path, leaf)
            else:
                self._set(cells, key, value)
        return cells

    def _set(self, cells: dict[str, str], key: str, value: Any) -> None:
        column = self._known.get(key)
        if column is None:
            stem = as_text(key).strip() or "unnamed"
            column = self._spelling.get(stem.casefold())
            if column is None:
                column = self._spelling[stem.casefold()] = stem
                self._columns.append(column)
            self._known[key] = column
        text = value if type(value) is str and value.isascii() and "\0" not in value else as_text(value)
        if text or column not in cells:
            cells[column] = text


def _leaves(path: str, value: Any, depth: int) -> Iterator[tuple[str, Any]]:
    """The members of a nested value under their paths; of a list of objects the list, and each member's first value."""
    if isinstance(value, dict) and value.get("type") == "doc" and isinstance(value.get("content"), list):
        yield path, _rich_text(value)
        return
    if isinstance(value, dict) and value and depth < MAX_DEPTH:
        for key, inner in value.items():
            yield from _leaves(f"{path}.{key}", inner, depth + 1)
        return
    if isinstance(value, list) and depth < MAX_DEPTH and (named := _named_values(value)):
        for key, inner in named.items():
            yield from _leaves(f"{path}.{key}", inner, depth + 1)
        return
    yield path, value
    if isinstance(value, list) and value and isinstance(value[0], dict) and depth < MAX_DEPTH:
        first: dict[str, Any] = {}
        for element in value[:_MAX_ELEMENTS]:
            for key, inner in element.items() if isinstance(element, dict) else ():
                if not isinstance(inner, (dict, list)) and inner not in (None, ""):
                    first.setdefault(key, inner)
        yield from ((f"{path}.{key}", inner) for key, inner in first.items())


def _named_values(elements: list[Any]) -> dict[str, Any]:
    """The values of fields that are listed as objects with a name and a value, by their names; else nothing.

    >>> _named_values([{"id": 1, "name": "Team", "value": "IT"}, {"id": 2, "name": "Room", "value": None}])
    {'Team': 'IT', 'Room': None}
    """
    if not elements or not all(isinstance(one, dict) and "value" in one for one in elements):
        return {}
    for member in _FIELD_NAMES:
        names = [one.get(member) for one in elements]
        if all(isinstance(name, str) and name for name in names) and len(set(names)) == len(names):
            return {str(name): one["value"] for name, one in zip(names, elements, strict=True)}
    return {}


def _rich_text(document: dict[str, Any]) -> str:
    """The words of a document of nested nodes, as Jira keeps descriptions, with a line for each block.

    >>> text = [{"type": "text", "text": "no "}, {"type": "text", "text": "sound"}]
    >>> _rich_text({"type": "doc", "content": [{"type": "paragraph", "content": text}]})
    'no sound'
    """
    parts: list[str] = []
    waiting: list[Any] = [document]
    while waiting:
        node = waiting.pop()
        if isinstance(node, str):
            parts.append(node)
        elif isinstance(node, dict):
            content, text = node.get("content"), node.get("text")
            if isinstance(text, str):
                parts.append(text)
            if isinstance(content, list) or node.get("type") == "hardBreak":
                waiting.append("\n")
            waiting += reversed(content) if isinstance(content, list) else ()
    return "".join(parts).strip()


def _read_document(lines: Iterable[str], name: str, records: str) -> tuple[str, list[Any]]:
    """What the form of a document is, and its records. Raises BadInput."""
    parts, size = [], 0
    for line in lines:
        size += len(line)
        if size > MAX_DOCUMENT_LENGTH:
            raise BadInput(
                f"{name} is one JSON document of more than {MAX_DOCUMENT_LENGTH:,} characters, which can't be read as "
                f"a whole: write one object a line, for example with jq -c '.[]'."
            )
        parts.append(line)
    text = "".join(parts)
    if is_damaged(text):
        text = replace_undecodable(text)
    values = _decode_values(text, name)
    document = values[0] if len(values) == 1 else values
    if records:
        inside = _member(document, records)
        found = _find_records(inside)
        if found is None:
            raise BadInput(f"{name}: --map records={records}: there is no list of objects. {_describe(document)}")
        return f"JSON, records in {records!r}", found.records
    found = _find_records(document)
    if found is None:
        raise BadInput(
            f"{name} is a JSON document without a list of objects. {_describe(document)} Write one object a line, or "
            "name the member that holds the records with --map records=NAME."
        )
    return f"JSON, {found.form}", found.records


def _decode_values(text: str, name: str) -> list[Any]:
    """All JSON values of a text, one after the other."""
    values: list[Any] = []
    start = _SPACE.match(text, 0).end()  # type: ignore[union-attr]
    try:
        while start < len(text):
            value, end = _DECODER.raw_decode(text, start)
            values.append(value)
            start = _SPACE.match(text, end).end()  # type: ignore[union-attr]
            if text[start : start + 1] == ",":
                start = _SPACE.match(text, start + 1).end()  # type: ignore[union-attr]
    except RecursionError as error:
        raise BadInput(f"{name} is JSON that is nested too deeply: write one object a line.") from error
    except json.JSONDecodeError as error:
        form = "a JSON array" if text.lstrip()[:1] == "[" else "a JSON document"
        raise BadInput(
            f"{name} is {form} that is broken in line {error.lineno} ({error.msg}): is the file complete? Write it "
            "again, or write one object a line."
        ) from error
    return values


def _member(document: Any, path: str) -> Any:
    for key in path.split("."):
        document = document.get(key) if isinstance(document, dict) else None
    return document


def _describe(document: Any) -> str:
    """What the members of a document are, in one sentence."""
    if isinstance(document, list):
        kinds = "objects" if any(isinstance(one, dict) for one in document) else "single values"
        return f"It is an array of {len(document):,} {kinds}."
    if isinstance(document, dict):
        names = [key if len(key) <= 40 else key[:39] + "…" for key in islice(document, 8)]
        more = ", …" if len(document) > 8 else ""
        return f"Its members are {', '.join(map(repr, names))}{more}." if names else "It has no members."
    return "It is a single value."


class _Found(NamedTuple):
    form: str
    records: list[Any]


def _find_records(document: Any, path: str = "", depth: int = 0) -> _Found | None:
    """The list of records in a document and its form; of several lists the one whose members are most like a ticket's,
    then the longest."""
    where = f"records in {path!r}" if path else "one array"
    if isinstance(document, list):
        objects = [one for one in document if isinstance(one, dict)]
        if objects and len(objects) * 2 > len(document):
            return _Found(where, _unwrap(document))
        if len(document) > 1 and all(isinstance(one, list) for one in document):
            rows = [[as_text(cell) for cell in one] for one in document[:SEARCHED_ROWS]]
            start, known = find_header_row(rows)
            if depth and known < 2:
                return None
            return _Found(
                where + " of rows", [dict(zip(rows[start], one, strict=False)) for one in document[start + 1 :]]
            )
        return None
    if not isinstance(document, dict) or depth > 4:
        return None
    if by_column := _by_column(document):
        return _Found("written column by column", by_column)
    if (depth == 0 or all(map(str.isdecimal, document))) and _is_by_record(list(document.values())):
        return _Found(f"one member of {path!r} a record" if path else "one member a record", list(document.values()))
    best: tuple[tuple[int, int], _Found] | None = None
    for key, value in islice(document.items(), 200):
        if isinstance(value, (dict, list)) and value:
            found = _find_records(value, f"{path}.{key}" if path else key, depth + 1)
            if found is not None:
                first = next((one for one in found.records if isinstance(one, dict)), {})
                worth = (count_known_names(islice(_ColumnNames([]).to_cells(first), 200)), len(found.records))
                if best is None or worth > best[0]:
                    best = worth, found
    return best[1] if best else None


def _unwrap(records: list[Any]) -> list[Any]:
    """The records without an object of one and the same member around each: [{"ticket": {...}}, ...]."""
    keys = {key for one in records if isinstance(one, dict) for key in one}
    if len(keys) != 1:
        return records
    inner = [one.get(next(iter(keys))) if isinstance(one, dict) else one for one in records]
    return inner if any(isinstance(one, dict) for one in inner) else records


def _is_by_record(values: list[Any]) -> bool:
    """Whether the members of an object are records: all are objects with the members of a ticket."""
    if len(values) < 2 or not all(isinstance(one, dict) for one in values):
        return False
    keys = set(values[0])
    return count_known_names(islice(keys, 200)) >= 2 and sum(len(keys & one.keys()) > 1 for one in values) == len(
        values
    )


def _by_column(document: dict[str, Any]) -> list[Any]:
    """The records of a frame that is written by column: {"id": {"0": …}}, {"id": […]}, or columns and data."""
    names, data = document.get("columns"), document.get("data")
    if isinstance(names, list) and isinstance(data, list) and data and all(isinstance(row, list) for row in data):
        return [dict(zip(map(as_text, names), row, strict=False)) for row in data]
    values = list(document.values())
    if len(values) < 2:
        return []
    if all(isinstance(one, list) for one in values) and count_known_names(islice(document, 200)) > 1:
        size = len(values[0])
        if size and all(len(one) == size and not any(isinstance(v, (dict, list)) for v in one[:5]) for one in values):
            return [dict(zip(document, cells, strict=True)) for cells in zip(*values, strict=True)]
    if all(isinstance(one, dict) and one for one in values):
        keys = values[0].keys()
        # Keys of a frame's rows are numbers, or at least many; members of records are neither.
        rows_like = all(key.isdecimal() for key in keys) or (len(keys) > 50 and count_known_names(document) > 1)
        if rows_like and all(one.keys() == keys for one in values):
            return [{name: column[key] for name, column in document.items()} for key in keys]
    return []


def _document_rows(records: list[Any], columns: list[str]) -> Iterator[Row | BrokenRow]:
    names = _ColumnNames(columns)
    for number, record in enumerate(records, 1):
        if isinstance(record, dict):
            yield Row(number, names.to_cells(record))
        else:
            yield BrokenRow(number, as_text(record)[:1000], BROKEN_JSON, "it is not a JSON object")
