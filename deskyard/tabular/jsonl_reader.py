"""Lines of text to JSON records: one object a line, every value as text."""

import json
import re
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any, Final

from deskyard.errors import BadInput
from deskyard.tabular.csv_reader import LONGEST
from deskyard.tabular.records import BYTES, JSON, TOO_LONG, UNDECODABLE, Broken, Row, as_text, is_damaged, repaired

AHEAD: Final = 1000
"""Lines read before the first row is given out, to know the columns."""

_WHOLE: Final = re.compile(r"(-?\d+)\.0+")


def _number(text: str) -> str:
    """A number keeps its digits (an id may be longer than a float can hold); 12.0 is 12."""
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else text


_DECODER: Final = json.JSONDecoder(
    strict=False, parse_int=_number, parse_float=_number, parse_constant=lambda name: "" if name == "NaN" else name
)


def read_json(lines: Iterator[str], name: str) -> tuple[list[str], Iterator[Row | Broken]]:
    r"""The columns seen in the first `AHEAD` lines and the records; the list grows while records with new keys come.

    Keys that differ only in case are one column. Lone surrogates and NULs become U+FFFD. Raises BadInput when the file
    is one JSON array.

    >>> columns, rows = read_json(iter(['{"id": 7, "Body": "a\\ud800"}\n', '{"id": 8.0, "body": null}\n', "{\n"]), "x")
    >>> columns, [row.values if isinstance(row, Row) else row.reason for row in rows]
    (['id', 'Body'], [{'id': '7', 'Body': 'a�'}, {'id': '8', 'Body': ''}, 'broken JSON'])
    """
    columns: list[str] = []
    rows = _rows(lines, columns, name)
    head = list(islice(rows, AHEAD))
    if not head:
        raise BadInput(f'{name} is empty: it needs one JSON object a line, such as {{"id": "1", "body": "..."}}.')
    return columns, chain(head, rows)


def _rows(lines: Iterator[str], columns: list[str], name: str) -> Iterator[Row | Broken]:
    known: dict[str, str] = {}
    spelling: dict[str, str] = {}
    for line, raw in enumerate(lines, 1):
        text = raw.strip()
        if not text:
            continue
        if len(raw) > LONGEST:
            yield Broken(line, raw[:LONGEST], TOO_LONG, f"it is longer than {LONGEST:,} characters")
            continue
        if is_damaged(raw):
            yield Broken(line, repaired(raw), UNDECODABLE, BYTES)
            continue
        if not columns and (text == "[" or text.startswith("[{")):
            raise BadInput(f"{name} is one JSON array; write one object a line instead: jq -c '.[]' {name}")
        try:
            record: Any = _DECODER.decode(text)
        except (ValueError, RecursionError) as error:
            why = error.msg if isinstance(error, json.JSONDecodeError) else "it is nested too deep"
            yield Broken(line, raw, JSON, f"it is not valid JSON: {why}")
            continue
        if not isinstance(record, dict):
            yield Broken(line, raw, JSON, "it is not a JSON object")
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
