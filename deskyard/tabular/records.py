"""What the readers of all formats return: a `RecordTable` of `Row` and `BrokenRow`, in the order of the file.

A value is always text: a missing one is empty, 12.0 is "12", a date is ISO 8601, a list is JSON. Lone surrogates and
NULs, which can be neither stored nor printed, are replaced by U+FFFD.
"""

import datetime as dt
import json
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from types import TracebackType
from typing import Final, NamedTuple, Self

BROKEN_QUOTING: Final = "broken quoting"
WRONG_CELL_COUNT: Final = "wrong number of cells"
UNDECODABLE: Final = "undecodable"
BROKEN_JSON: Final = "broken JSON"
TOO_LONG: Final = "too long"

UNDECODABLE_DETAIL: Final = "it holds bytes that are not valid in the file's encoding"
"""What UNDECODABLE means, as a sentence."""


SHORT_ROW: Final = "short"
EXTRA_CELLS: Final = "extra"
ESCAPED_QUOTES: Final = "escaped"
NO_TICKET: Final = "no ticket"

_REPAIRS: Final = {
    SHORT_ROW: "{n:,} rows end before the last column; their missing cells are taken as empty",
    EXTRA_CELLS: "{n:,} rows have empty cells beyond the last column, which are dropped",
    ESCAPED_QUOTES: 'quotes are written \\" in {n:,} rows',
    NO_TICKET: "{n:,} rows are the header once more, or a line of dashes, and are passed over",
}


@dataclass(frozen=True, slots=True)
class TableLocation:
    """Where the table is in a file, as far as a person said it.

    `delimiter`: the character between the cells of a CSV; `sheet`: the name or number (from 1) of a sheet, or the
    number of a table in an HTML file; `records`: the member of a JSON document that holds the records, such as
    `data.tickets`. What is empty is detected.
    """

    delimiter: str = ""
    sheet: str = ""
    records: str = ""


class Row(NamedTuple):
    """One record: the line where it begins (1 is the header of a CSV), its values by column, and its raw text."""

    line: int
    values: dict[str, str]
    raw: str = ""


class BrokenRow(NamedTuple):
    """A record that can't be read: its line, its raw text, the reason as a short code, and as a sentence."""

    line: int
    raw: str
    reason: str
    detail: str


class RecordTable:
    """The records of a file, read lazily and once. Iterating to the end closes the file, as does leaving its context.

    `columns` are the names as found, trimmed and made unique ("Comment", "Comment (2)"); a file of JSON lines may add
    some while it is read. `repeated` holds the case-folded names that occur more than once. `notes` say how the file
    was read ("CSV, cp1251, delimiter ';'"). `unit` is what `line` counts: "line", "row" or "record". `repairs` counts
    the rows that were mended or passed over (`SHORT_ROW`, `EXTRA_CELLS`, `ESCAPED_QUOTES`, `NO_TICKET`) while the table
    is read.
    """

    def __init__(
        self,
        name: str,
        columns: list[str],
        rows: Iterator[Row | BrokenRow],
        notes: Sequence[str] = (),
        repeated: frozenset[str] = frozenset(),
        unit: str = "line",
        close: Callable[[], object] | None = None,
    ) -> None:
        """Nothing is read yet. `close` is called when the table is closed."""
        self.name, self.columns, self.notes, self.repeated, self.unit = name, columns, tuple(notes), repeated, unit
        self._rows, self._stack = rows, ExitStack()
        self._peeked: deque[Row | BrokenRow] = deque()
        self.repairs: Counter[str] = Counter()
        if close is not None:
            self._stack.callback(close)

    def __iter__(self) -> Iterator[Row | BrokenRow]:
        """The records that are not read yet, in the order of the file."""
        try:
            while self._peeked:
                yield self._peeked.popleft()
            yield from self._rows
        finally:
            self.close()

    def peek(self, count: int) -> list[Row | BrokenRow]:
        """The next `count` records, or fewer at the end; they are still returned by the iteration.

        >>> table = RecordTable("t.csv", ["id"], iter([Row(2, {"id": "7"}), Row(3, {"id": "8"})]))
        >>> len(table.peek(9)), [row.line for row in table]
        (2, [2, 3])
        """
        self._peeked.extend(islice(self._rows, max(count - len(self._peeked), 0)))
        return list(islice(self._peeked, count))

    def describe_repairs(self) -> list[str]:
        """Sentences about the rows that were mended so far."""
        return [text.format(n=self.repairs[kind]) for kind, text in _REPAIRS.items() if self.repairs[kind]]

    def close(self) -> None:
        """Close the file; closing twice is allowed."""
        self._stack.close()

    def own_resources(self, opened: ExitStack) -> Self:
        """Take over the resources opened for this table, which are closed with it; returns the table."""
        self._stack.push(opened.pop_all())
        return self

    def __enter__(self) -> Self:
        """The table itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close."""
        self.close()


def unique_columns(cells: Sequence[str]) -> tuple[list[str], frozenset[str]]:
    """A header's cells as unique column names, and the case-folded names that occur more than once.

    >>> unique_columns([" id ", "Comment", "", "comment"])
    (['id', 'Comment', 'column 3', 'comment (2)'], frozenset({'comment'}))
    """
    columns: list[str] = []
    taken: set[str] = set()
    count: dict[str, int] = {}
    for number, cell in enumerate(cells, 1):
        stem = replace_unstorable(cell).replace("\ufeff", "").strip() or f"column {number}"
        fold = stem.casefold()
        count[fold] = count.get(fold, 0) + 1
        name = stem if count[fold] == 1 else f"{stem} ({count[fold]})"
        while name.casefold() in taken:
            name += "'"
        taken.add(name.casefold())
        columns.append(name)
    return columns, frozenset(fold for fold, times in count.items() if times > 1)


def replace_unstorable(text: str) -> str:
    r"""`text` with each lone surrogate and NUL, which can't be stored or printed, replaced by U+FFFD.

    >>> replace_unstorable("a\ud800b\x00") == "a\ufffdb\ufffd"
    True
    """
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        # A pair of a high and a low surrogate is joined to one character; lone ones are replaced.
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def is_damaged(text: str) -> bool:
    """Whether a decoded line holds bytes that are invalid in its encoding (kept as lone surrogates)."""
    if text.isascii():
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def replace_undecodable(text: str) -> str:
    """A damaged line for display: each invalid byte becomes U+FFFD."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def as_text(value: object) -> str:
    """A cell of a typed format as text: None and NaN are empty, 12.0 is "12", a date is ISO 8601, a list is JSON.

    >>> [as_text(v) for v in (None, 12.0, 0.5, True, dt.date(2024, 1, 2), ["a", 1], float("nan"), b"ok")]
    ['', '12', '0.5', 'true', '2024-01-02', '["a", 1]', '', 'ok']
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return replace_unstorable(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if value != value:
            return ""
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, bytes):
        return replace_unstorable(value.decode("utf-8", "replace"))
    if isinstance(value, (list, tuple, dict)):
        return replace_unstorable(json.dumps(value, ensure_ascii=False, default=str))
    return "" if str(value) in ("NaT", "<NA>") else replace_unstorable(str(value))
