"""Reads CSV records with their line numbers; a broken record never spoils the rest of the file.

Python's `csv` splits the cells, but on its own it swallows the rest of a file after one unclosed quote. Here a quoted
cell may span lines; if its closing quote is missing or in the wrong place, only the line that opened it is rejected,
and reading resumes at the next line. Quotes may also be escaped by a backslash, as databases write them.

clevercsv was tried for the dialect. It found the same delimiters, ten times slower (0.2 to 0.4 s for 60 kB), and it
gives a file one way of escaping, where here each record that is broken is read both ways.
"""

import csv
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

from deskyard.errors import BadInput
from deskyard.tabular.column_names import count_known_names
from deskyard.tabular.header_row import SEARCHED_ROWS, find_header_row
from deskyard.tabular.records import (
    BROKEN_QUOTING,
    ESCAPED_QUOTES,
    EXTRA_CELLS,
    NO_TICKET,
    SHORT_ROW,
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
"""Delimiters that are tried on the header: the usual ones, and the rare ones only if none of those fits well. After
them any other character of the header is tried that is no letter, digit, space, quote or bracket."""

MAX_RECORD_LENGTH: Final = 1 << 24
"""The most characters of a record: a longer one is rejected, and a closing quote is searched no further than this."""

# The default limit (131,072 characters, for the whole process) is too small: a body of 1 MB is one cell.
csv.field_size_limit(max(csv.field_size_limit(), 2 * MAX_RECORD_LENGTH))

_SEPARATOR_LINE: Final = re.compile(r'"?sep=([^"\w\r\n ])"?\s*$', re.IGNORECASE)
_DELIMITER_NAMES: Final = {",": "','", ";": "';'", "\t": "tab", "|": "'|'"}
_NEVER_DELIMITERS: Final = frozenset("\"'`()[]{}<>\\_.-/?!№°’“”«»…\ufeff\ufffd")
_SEPARATOR: Final = re.compile(r"[^\w\s\"]{1,3}| {2,}")
_WRAPPED_LINE: Final = re.compile(r'"((?:[^"\r\n]|"")*)"[;,\t ]*([\r\n]*)')
_RULE: Final = re.compile(r"[-=+:_\s]*")
_FORMULA: Final = re.compile(r'="([^"]*)"')
_GOOD_FIT: Final = 0.9
"""The share of fitting records at which rarer delimiters are not tried."""
_ESCAPE: Final = re.compile(r'\\(["\\])')
_PROBED_RECORDS: Final = 200


class CsvRecord(NamedTuple):
    """A record: its first line, its cells (none if it is broken), its raw text, what is wrong with it, and whether its
    quotes are escaped by backslashes."""

    line: int
    cells: list[str]
    raw: str
    reason: str = ""
    detail: str = ""
    escaped: bool = False


def split_records(
    lines: Iterable[str], delimiter: str, width: int = 0, line: int = 0, spaced: bool = False
) -> Iterator[CsvRecord]:
    r"""The records of `lines` (each with its line end), in order; blank lines are skipped.

    `width` is the header's number of cells (0: not known yet); it distinguishes a quoted field that spans lines from
    one whose quote was never closed. `line` is the number of the line before the first. `spaced`: quotes may stand
    behind spaces. Quotes are doubled inside a quoted field; a record that is broken so is read again with quotes
    escaped by a backslash. A quote inside an unquoted field stands for itself.

    >>> text = ['1,"two\n', 'lines"\n', '2,"never closed\n', '3,a "b" c\n', '4,"a"b\n', '5,"a \\"b\\""\n']
    >>> [(record.line, record.cells or record.reason) for record in split_records(text, ",", width=2)]
    [(1, ['1', 'two\nlines']), (3, 'broken quoting'), (4, ['3', 'a "b" c']), (5, 'broken quoting'), (6, ['5', 'a "b"'])]
    """
    feed = _LineFeed(iter(lines))
    source, waiting = feed.source, feed.waiting
    reader = csv.reader(feed, delimiter=delimiter, strict=True, skipinitialspace=spaced)
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
        cells, problem = feed.read_record(reader, width, delimiter)
        escaped = False
        if problem and any('\\"' in text for text in feed.taken):
            feed.put_back()
            feed.unescape = True
            cells, still = feed.read_record(reader, width, delimiter)
            feed.unescape = False
            if not still and _has_width(cells, width):
                problem, escaped = "", True
        taken = feed.taken
        if problem:
            waiting.extendleft(reversed(taken[1:]))
            yield CsvRecord(line, [], raw, BROKEN_QUOTING, problem)
        else:
            yield CsvRecord(line, cells, raw if len(taken) == 1 else "".join(taken), escaped=escaped)
            line += len(taken) - 1


class _LineFeed:
    """Lines for `csv.reader`; `taken` are those of the current record, at most `MAX_RECORD_LENGTH` characters.

    With `unescape` the reader gets quotes that are escaped by a backslash as doubled ones.
    """

    def __init__(self, source: Iterator[str]) -> None:
        self.source = source
        self.waiting: deque[str] = deque()
        self.taken: list[str] = []
        self.size = 0
        self.unescape = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.size > MAX_RECORD_LENGTH:
            raise StopIteration
        text = self.waiting.popleft() if self.waiting else next(self.source)
        self.taken.append(text)
        self.size += len(text)
        return _ESCAPE.sub(_double_quote, text) if self.unescape else text

    def put_back(self) -> None:
        """Let the lines of the current record wait to be read again."""
        self.waiting.extendleft(reversed(self.taken))
        self.taken = []

    def read_record(self, reader: Iterator[list[str]], width: int, delimiter: str) -> tuple[list[str], str]:
        """The cells of the next record, and what is wrong with it."""
        self.taken, self.size = [], 0
        try:
            cells = next(reader)
        except csv.Error:
            return [], "a quote opens here and is not closed, or its cell continues after the closing quote"
        except StopIteration:
            return [], "a quote opens here and is not closed"
        if len(self.taken) > 1 and not self.unescape and not _is_single_record(self.taken, cells, width, delimiter):
            return [], "a quote opens here and closes in another record"
        return cells, ""


def _double_quote(found: re.Match[str]) -> str:
    return '""' if found[1] == '"' else "\\"


def _is_single_record(taken: list[str], cells: list[str], width: int, delimiter: str) -> bool:
    """Whether lines joined by a quote are one record: it has the right width, or none of the lines is a record."""
    return _has_width(cells, width) or not any(_count_cells(text, delimiter) == width for text in taken[1:])


def _has_width(cells: list[str], width: int) -> bool:
    """Whether a record has `width` cells (0: any number), aside from empty ones behind them."""
    return width in (0, len(cells)) or (len(cells) > width and not any(cells[width:]))


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
    >>> detect_delimiter(["id¤body, or text\\n", "1¤a, b, c\\n", "2¤d, e\\n"])
    '¤'
    >>> detect_delimiter(["Report of March\\n", "\\n", "Number;Subject;Description\\n", "1;a, b;c\\n", "2;d;e\\n"])
    ';'
    """
    head = "".join(lines[:SEARCHED_ROWS])
    others = dict.fromkeys(
        c
        for c in head[:20_000]
        if not (c.isalnum() or c.isspace() or c in _NEVER_DELIMITERS or c in "".join(DELIMITERS))
    )
    best, found = 0.0, ","
    for group, needed, margin in ((DELIMITERS[0], 0.0, 0.0), (DELIMITERS[1], 0.0, 0.1), (list(others)[:20], 0.9, 0.2)):
        fits = {delimiter: _fit(lines, delimiter) for delimiter in group if delimiter in head}
        delimiter = max(fits, key=lambda one: fits[one], default="")
        fit = fits.get(delimiter, (0.0, 0))[0]
        if fit > max(needed, best + margin):
            best, found = fit, delimiter
        if best >= _GOOD_FIT:
            break
    return found


def _fit(lines: list[str], delimiter: str) -> tuple[float, int]:
    """How well records fit the width of the header for this delimiter (0..1), and that width."""
    records = [record.cells for record in islice(split_records(lines, delimiter), _PROBED_RECORDS)]
    if not records:
        return 0.0, 0
    start, known = find_header_row(records[:SEARCHED_ROWS])
    start = start if known >= 2 else 0  # titles are passed over only if what follows names columns
    width = len(records[start])
    if width < 2:
        return 0.0, 0
    widths = [len(cells) for cells in records[start:]]
    shorter = sum(1 < each < width for each in widths)
    return (widths.count(width) + 0.7 * shorter) / len(widths), width


def read_csv(
    lines: Iterator[str], head: list[str], name: str, repairs: Counter[str], delimiter: str = ""
) -> tuple[list[str], frozenset[str], list[str], Iterator[Row | BrokenRow]]:
    """Columns, repeated names, notes (the delimiter's name first) and the records of the CSV in `lines`, which begins
    with `head`.

    `name` is the file's, for errors; mended rows are counted in `repairs`. Raises BadInput if there is no header or its
    quotes are broken.
    """
    separator = _SEPARATOR_LINE.match(head[0]) if head else None
    before = 0
    if separator:
        next(lines)
        before, head = 1, head[1:]
    delimiter = delimiter or (separator[1] if separator else "")
    if not delimiter and len(head) > 1 and all(map(_WRAPPED_LINE.fullmatch, head[:SEARCHED_ROWS])):
        unwrapped = list(_unwrap_lines(head))
        if _fit(unwrapped, detect_delimiter(unwrapped)) > _fit(head, detect_delimiter(head)):
            head, lines = unwrapped, _unwrap_lines(lines)
    if not delimiter:
        delimiter = detect_delimiter(head)
        if head and delimiter not in head[0] and (found := _find_separator(head[0])):
            if len(found) > 1:
                found = "spaces" if found.isspace() else repr(found)
                raise BadInput(
                    f"{name}: {found} seem to stand between its columns, and only a single character can be read as "
                    "a delimiter: write the file with ';' or as XLSX."
                )
            delimiter = found
    notes = [_DELIMITER_NAMES.get(delimiter, repr(delimiter))]
    spaced = _has_spaced_quotes(head, delimiter)
    titles = _count_title_lines(head, delimiter)
    if titles:
        before += sum(1 for _ in islice(lines, titles))
        notes.append(f"the table begins in line {before + 1}, after lines of titles")
    buffered = _CountedLines(lines)
    header = next(split_records(buffered, delimiter, line=before, spaced=spaced), None)
    if header is None:
        raise BadInput(f"{name} is empty: it needs a header line that names its columns, and a line for each ticket.")
    if header.reason:
        raise BadInput(f"{name}, line {header.line}: the header can't be read, {header.detail}.")
    if is_damaged(header.raw):
        raise BadInput(f"{name}, line {header.line}: the header can't be decoded. Save the file as UTF-8.")
    cells = header.cells
    while len(cells) > 1 and not cells[-1].strip() and _last_is_unused(head, delimiter, len(cells)):
        cells = cells[:-1]
    columns, repeated = unique_columns(cells)
    records = split_records(lines, delimiter, len(columns), before + buffered.count, spaced)
    return columns, repeated, notes, _to_rows(records, columns, repairs, delimiter)


def _has_spaced_quotes(head: list[str], delimiter: str) -> bool:
    """Whether quotes stand behind the space after a delimiter: more records are as wide as the header if so read."""
    if delimiter.isspace() or not any(f'{delimiter} "' in text for text in head):
        return False
    fitting = []
    for spaced in (False, True):
        records = islice(split_records(head, delimiter, spaced=spaced), _PROBED_RECORDS)
        widths = [len(record.cells) for record in records]
        fitting.append(widths.count(widths[0]))
    return fitting[1] > fitting[0]


def _unwrap_lines(lines: Iterable[str]) -> Iterator[str]:
    """Lines without the quotes that a spreadsheet has put around each of them as a whole."""
    for text in lines:
        if found := _WRAPPED_LINE.fullmatch(text):
            yield found[1].replace('""', '"') + found[2]
        else:
            yield text


def _find_separator(header: str) -> str:
    """What stands between the names in a line that is no header with any usual delimiter; empty if nothing does."""
    for separator in dict.fromkeys(_SEPARATOR.findall(header[:5_000])):
        if count_known_names(header.split(separator)) >= 2:
            return str(separator)
    return ""


def _count_title_lines(head: list[str], delimiter: str) -> int:
    """The number of lines before the header; 0 unless what follows them clearly names columns."""
    records = list(islice(split_records(head, delimiter), SEARCHED_ROWS))
    start, known = find_header_row([record.cells for record in records])
    return records[start].line - 1 if start and known >= 2 else 0


def _last_is_unused(head: list[str], delimiter: str, width: int) -> bool:
    """Whether no record that `head` holds whole has text in the last of `width` columns."""
    records = islice(split_records(head, delimiter, width), _PROBED_RECORDS)
    return not any(len(record.cells) >= width and record.cells[width - 1].strip() for record in records)


class _CountedLines:
    """Counts the lines of the header, so that the records after it are numbered correctly."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines, self.count = lines, 0

    def __iter__(self) -> Iterator[str]:
        for text in self._lines:
            self.count += 1
            yield text


class _RowShapes:
    """What the cells of whole rows look like, column by column: it tells a row that ends early from the rest of a text
    with a line break that was not quoted."""

    ENOUGH: Final = 5

    def __init__(self, width: int) -> None:
        self._seen: list[set[str]] = [set() for _ in range(min(width, 4))]
        self._count = 0

    def add(self, cells: Sequence[str]) -> None:
        if self._count < 500:
            self._count += 1
            for seen, cell in zip(self._seen, cells, strict=False):
                seen.add(_shape(cell))

    def fits(self, cells: Sequence[str]) -> bool:
        """Whether a row that ends early begins as whole rows do."""
        if len(cells) < 2:
            return False
        return self._count < self.ENOUGH or all(
            _shape(cell) in seen for seen, cell in zip(self._seen, cells, strict=False)
        )


_DIGIT: Final = re.compile(r"\d+")
_SPACE: Final = re.compile(r"\s+")


def _shape(cell: str) -> str:
    cell = cell.strip()
    if len(cell) > 40:
        return "text"
    if not cell:
        return ""
    if any(c.isdigit() for c in cell):
        return _DIGIT.sub("9", cell) if not any(c.isalpha() for c in cell) else "code" if " " not in cell else "text"
    return "text" if _SPACE.search(cell) else "word"


def _to_rows(
    records: Iterator[CsvRecord], columns: list[str], repairs: Counter[str], delimiter: str
) -> Iterator[Row | BrokenRow]:
    """Records as rows by column name; a record that can't fit the header is broken.

    A row that ends early is padded, unless what follows it is the rest of its text.
    """
    width, shapes = len(columns), _RowShapes(len(columns))
    held: CsvRecord | None = None
    for record in records:
        line, cells, raw, reason, detail, escaped = record
        if '="' in raw:
            cells = [_FORMULA.sub(r"\1", cell) if cell.startswith('="') else cell for cell in cells]
        if len(cells) > width and "\\" in raw:
            cells = _join_escaped(cells, delimiter)
        short = not reason and len(cells) < width and len(raw) <= MAX_RECORD_LENGTH and not is_damaged(raw)
        if short and shapes.fits(cells):
            if held is not None:
                yield _pad(held, columns, repairs)
            held = record
            continue
        if held is not None:
            yield _wrong_width(held, width) if short else _pad(held, columns, repairs)
            held = None
        if len(raw) > MAX_RECORD_LENGTH:
            yield BrokenRow(
                line, raw[:MAX_RECORD_LENGTH], TOO_LONG, f"it is longer than {MAX_RECORD_LENGTH:,} characters"
            )
        elif is_damaged(raw):
            yield BrokenRow(line, replace_undecodable(raw), UNDECODABLE, UNDECODABLE_DETAIL)
        elif reason:
            yield BrokenRow(line, raw, reason, detail)
        elif short or any(cell.strip() for cell in cells[width:]):
            yield _wrong_width(record, width)
        else:
            if _is_no_ticket(cells, columns):
                repairs[NO_TICKET] += 1
                continue
            repairs[EXTRA_CELLS] += len(cells) > width
            repairs[ESCAPED_QUOTES] += escaped
            shapes.add(cells)
            yield Row(line, dict(zip(columns, cells, strict=False)), raw)
    if held is not None:
        yield _pad(held, columns, repairs)


def _join_escaped(cells: list[str], delimiter: str) -> list[str]:
    """The cells of a record whose delimiters inside cells are escaped by a backslash, as databases write them."""
    joined: list[str] = []
    for cell in cells:
        if joined and joined[-1].endswith("\\"):
            joined[-1] = joined[-1][:-1] + delimiter + cell
        else:
            joined.append(cell)
    return joined


def _is_no_ticket(cells: list[str], columns: list[str]) -> bool:
    """Whether a row repeats the header, as joined files do, or is the line of dashes beneath it."""
    if cells[0].strip() == columns[0]:
        return [cell.strip() for cell in cells[: len(columns)]] == columns
    return "--" in "".join(cells[:2]) and all(map(_RULE.fullmatch, cells))


def _wrong_width(record: CsvRecord, width: int) -> BrokenRow:
    detail = f"it has {len(record.cells)} cells, the header has {width}"
    return BrokenRow(record.line, record.raw, WRONG_CELL_COUNT, detail)


def _pad(record: CsvRecord, columns: list[str], repairs: Counter[str]) -> Row:
    """A row that ends early, with empty cells for the missing ones."""
    repairs[SHORT_ROW] += 1
    repairs[ESCAPED_QUOTES] += record.escaped
    cells = record.cells + [""] * (len(columns) - len(record.cells))
    return Row(record.line, dict(zip(columns, cells, strict=True)), record.raw)
