"""Reads JSON lines: one object per line, every value as text."""

import json
import re
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any, Final

from deskyard.errors import BadInput
from deskyard.tabular.csv_reader import MAX_RECORD_LENGTH
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

_WHOLE: Final = re.compile(r"(-?\d+)\.0+")


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


def read_json(lines: Iterator[str], name: str) -> tuple[list[str], Iterator[Row | BrokenRow]]:
    r"""The columns of the first `LOOKAHEAD_LINES` lines, and the records; the list of columns grows if later records
    have new keys.

    Keys that differ only in case are one column. Lone surrogates and NULs become U+FFFD. Raises BadInput if the file
    is a JSON array.

    >>> columns, rows = read_json(iter(['{"id": 7, "Body": "a\\ud800"}\n', '{"id": 8.0, "body": null}\n', "{\n"]), "x")
    >>> columns, [row.values if isinstance(row, Row) else row.reason for row in rows]
    (['id', 'Body'], [{'id': '7', 'Body': 'a�'}, {'id': '8', 'Body': ''}, 'broken JSON'])
    """
    columns: list[str] = []
    rows = _to_rows(lines, columns, name)
    head = list(islice(rows, LOOKAHEAD_LINES))
    if not head:
        raise BadInput(f'{name} is empty: it needs one JSON object a line, such as {{"id": "1", "body": "..."}}.')
    return columns, chain(head, rows)


def _to_rows(lines: Iterator[str], columns: list[str], name: str) -> Iterator[Row | BrokenRow]:
    known: dict[str, str] = {}
    spelling: dict[str, str] = {}
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
        if not columns and (text == "[" or text.startswith("[{")):
            raise BadInput(f"{name} is one JSON array; write one object a line instead: jq -c '.[]' {name}")
        try:
            record: Any = _DECODER.decode(text)
        except (ValueError, RecursionError) as error:
            reason = error.msg if isinstance(error, json.JSONDecodeError) else "it is nested too deeply"
            yield BrokenRow(line, raw, BROKEN_JSON, f"it is not valid JSON: {reason}")
            continue
        if not isinstance(record, dict):
            yield BrokenRow(line, raw, BROKEN_JSON, "it is not a JSON object")
            continue
        values: dict[str, str] = {}
        for key, value in record.items():
            column = known.get(key)
            if column is None:
                stem = as_text(key).strip() or "unnamed"
                column = known[key] = spelling.setdefault(stem.casefold(), stem)
                if column not in columns:
                    columns.append(column)
            values[column] = value if type(value) is str and value.isascii() and "\0" not in value else as_text(value)
        yield Row(line, values, raw)
