"""Reads CSV records with their line numbers; a broken record never spoils the rest of the file.

Python's `csv` splits the cells, but on its own it swallows the rest of a file after one unclosed quote. Here a quoted
cell may span lines; if its closing quote is missing or in the wrong place, only the line that opened it is rejected,
and reading resumes at the next line.
"""

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, NamedTuple

from deskyard.errors import BadInput
from deskyard.tabular.records import (
    BROKEN_QUOTING,
    TOO_LONG,
    UNDECODABLE,
    UNDECODABLE_DETAIL,
    WRONG_CELL_COUNT,
    BrokenRow,
    Row,
    is_damaged,
    replace_undecodable,
    unique_columns,
)

DELIMITERS: Final = (",;\t|", "^~\x1f\x01¦")
"""Delimiters that are tried on the header: the usual ones, and the rare ones only if none of those is found."""

MAX_RECORD_LENGTH: Final = 1 << 24
"""The most characters of a record: a longer one is rejected, and a closing quote is searched no further than this."""

# The default limit (131,072 characters, for the whole process) is too small: a body of 1 MB is one cell.
csv.field_size_limit(max(csv.field_size_limit(), 2 * MAX_RECORD_LENGTH))

_SEPARATOR_LINE: Final = re.compile(r'"?sep=([^"\w\r\n ])"?\s*$', re.IGNORECASE)
_DELIMITER_NAMES: Final = {",": "','", ";": "';'", "\t": "tab", "|": "'|'"}


class CsvRecord(NamedTuple):
    """A record: its first line, its cells (none if it is broken), its raw text, and what is wrong with it."""

    line: int
    cells: list[str]
    raw: str
    reason: str = ""
    detail: str = ""


def split_records(lines: Iterable[str], delimiter: str, width: int = 0, line: int = 0) -> Iterator[CsvRecord]:
    r"""The records of `lines` (each with its line end), in order; blank lines are skipped.

    `width` is the header's number of cells (0: not known yet); it distinguishes a quoted field that spans lines from
    one whose quote was never closed. `line` is the number of the line before the first. Quotes are doubled inside a
    quoted field; a quote inside an unquoted field stands for itself.

    >>> text = ['1,"two\n', 'lines"\n', '2,"never closed\n', '3,a "b" c\n', '4,"a"b\n']
    >>> [(record.line, record.cells, record.reason) for record in split_records(text, ",", width=2)]
    [(1, ['1', 'two\nlines'], ''), (3, [], 'broken quoting'), (4, ['3', 'a "b" c'], ''), (5, [], 'broken quoting')]
    """
    feed = _LineFeed(iter(lines))
    source, waiting = feed.source, feed.waiting
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    while True:
        raw = waiting.popleft() if waiting else next(source, "")
        if not raw:
            return
        line += 1
        if '"' not in raw:
            text = raw.rstrip("\r\n")
            if text and (not text.isspace() or delimiter in text):
                yield CsvRecord(line, text.split(delimiter), raw)
            continue
        waiting.appendleft(raw)
        feed.taken, feed.size, problem = [], 0, ""
        try:
            cells = next(reader)
        except csv.Error:
            problem = "a quote opens here and is not closed, or its cell continues after the closing quote"
        taken = feed.taken
        if not problem and len(taken) > 1 and not _is_single_record(taken, cells, width, delimiter):
            problem = "a quote opens here and closes in another record"
        if problem:
            waiting.extendleft(reversed(taken[1:]))
            yield CsvRecord(line, [], raw, BROKEN_QUOTING, problem)
        else:
            yield CsvRecord(line, cells, raw if len(taken) == 1 else "".join(taken))
            line += len(taken) - 1


class _LineFeed:
    """Lines for `csv.reader`; `taken` are those of the current record, at most `MAX_RECORD_LENGTH` characters."""

    def __init__(self, source: Iterator[str]) -> None:
        self.source = source
        self.waiting: deque[str] = deque()
        self.taken: list[str] = []
        self.size = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.size > MAX_RECORD_LENGTH:
            raise StopIteration
        text = self.waiting.popleft() if self.waiting else next(self.source)
        self.taken.append(text)
        self.size += len(text)
        return text


def _is_single_record(taken: list[str], cells: list[str], width: int, delimiter: str) -> bool:
    """Whether lines joined by a quote are one record: it has the right width, or none of the lines is a record."""
    return width in (0, len(cells)) or not any(_count_cells(text, delimiter) == width for text in taken[1:])


def _count_cells(text: str, delimiter: str) -> int:
    """The number of cells of a single line; 0 if its quotes are broken."""
    try:
        return len(next(csv.reader([text], delimiter=delimiter, strict=True)))
    except csv.Error:
        return 0


def detect_delimiter(lines: list[str]) -> str:
    """The delimiter of a file that begins with `lines`: it is in the header, and most records are as wide as that.

    >>> detect_delimiter(["id;body, or text;queue\\n", "1;a, b, c;x\\n"])
    ';'
    """
    for group in DELIMITERS:
        best, found = (0.0, 0), ""
        for delimiter in group:
            records = islice(split_records(lines, delimiter), 200)
            widths = [len(record.cells) for record in records]
            if widths and widths[0] > 1:
                score = (widths.count(widths[0]) / len(widths), widths[0])
                if score > best:
                    best, found = score, delimiter
        if found:
            return found
    return ","


def read_csv(
    lines: Iterator[str], head: list[str], name: str
) -> tuple[list[str], frozenset[str], str, Iterator[Row | BrokenRow]]:
    """Columns, repeated names, the delimiter's name and the records of the CSV in `lines`, which begins with `head`.

    `name` is the file's, for errors. Raises BadInput if there is no header or its quotes are broken.
    """
    separator = _SEPARATOR_LINE.match(head[0]) if head else None
    before = 0
    if separator:
        next(lines)
        before = 1
    delimiter = separator[1] if separator else detect_delimiter(head)
    buffered = _CountedLines(lines)
    header = next(split_records(buffered, delimiter, line=before), None)
    if header is None:
        raise BadInput(f"{name} is empty: it needs a header line that names its columns, and a line for each ticket.")
    if header.reason:
        raise BadInput(f"{name}, line {header.line}: the header can't be read, {header.detail}.")
    if is_damaged(header.raw):
        raise BadInput(f"{name}, line {header.line}: the header can't be decoded. Save the file as UTF-8.")
    columns, repeated = unique_columns(header.cells)
    rows = _to_rows(split_records(lines, delimiter, len(columns), before + buffered.count), columns)
    return columns, repeated, _DELIMITER_NAMES.get(delimiter, repr(delimiter)), rows


class _CountedLines:
    """Counts the lines of the header, so that the records after it are numbered correctly."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines, self.count = lines, 0

    def __iter__(self) -> Iterator[str]:
        for text in self._lines:
            self.count += 1
            yield text


def _to_rows(records: Iterator[CsvRecord], columns: list[str]) -> Iterator[Row | BrokenRow]:
    """Records as rows by column name; a record that does not fit the header is broken."""
    width = len(columns)
    for line, cells, raw, reason, detail in records:
        if len(raw) > MAX_RECORD_LENGTH:
            yield BrokenRow(
                line, raw[:MAX_RECORD_LENGTH], TOO_LONG, f"it is longer than {MAX_RECORD_LENGTH:,} characters"
            )
        elif is_damaged(raw):
            yield BrokenRow(line, replace_undecodable(raw), UNDECODABLE, UNDECODABLE_DETAIL)
        elif reason:
            yield BrokenRow(line, raw, reason, detail)
        elif len(cells) != width:
            yield BrokenRow(line, raw, WRONG_CELL_COUNT, f"it has {len(cells)} cells, the header has {width}")
        else:
            yield Row(line, dict(zip(columns, cells, strict=True)), raw)
