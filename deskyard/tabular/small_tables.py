"""Tables that are read into memory as a whole (HTML, XML, ODS, XLS): the choice of one, and cells that span others."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from deskyard.errors import BadInput
from deskyard.tabular.header_row import SEARCHED_ROWS, find_header_row
from deskyard.tabular.records import RecordTable, Row, TableLocation, unique_columns

MAX_LENGTH: Final = 1 << 27
"""The most characters of a file that is read so."""

MAX_SPAN: Final = 10_000
"""The most rows that one cell may span."""

MAX_COLUMN_SPAN: Final = 200
_FREE_CELLS: Final = 20_000
_CELLS_PER_WRITTEN: Final = 50
"""Cells that spans may make: so many, and so many more for each cell that is written."""


class SmallTable(NamedTuple):
    """A table of a file: its title (empty in HTML) and the cells of its rows."""

    title: str
    rows: list[list[str]]


class Cell(NamedTuple):
    """The text of a cell, and how many rows and columns it spans."""

    text: str
    down: int = 1
    across: int = 1


def parse_span(value: str | None, most: int = MAX_SPAN) -> int:
    """The number in an attribute, from 1 to `most`.

    >>> parse_span("3"), parse_span(None), parse_span("-1"), parse_span("99999999999")
    (3, 1, 1, 1)
    """
    return max(min(int(value), most), 1) if value and value.isdecimal() and len(value) < 9 else 1


def fill_spans(rows: Sequence[Sequence[Cell]]) -> list[list[str]]:
    """The cells of each row, with those that span rows or columns put into all rows (and the first column).

    Raises BadInput for spans that make far more cells than there are.

    >>> fill_spans([[Cell("Network", down=2), Cell("VPN")], [Cell("Wi-Fi")]])
    [['Network', 'VPN'], ['Network', 'Wi-Fi']]
    """
    filled: list[list[str]] = []
    open_spans: dict[int, tuple[str, int]] = {}
    total, written = 0, sum(map(len, rows))
    for row in rows:
        cells: list[str] = []
        waiting = iter(row)
        one = next(waiting, None)
        while one is not None or any(at >= len(cells) for at in open_spans):
            at = len(cells)
            if at in open_spans:
                text, left = open_spans.pop(at)
                if left > 1:
                    open_spans[at] = (text, left - 1)
                cells.append(text)
            elif one is not None:
                text, down, across = one
                for step in range(across):
                    cells.append(text if not step else "")
                    if down > 1:
                        open_spans[at + step] = (text if not step else "", down - 1)
                one = next(waiting, None)
            else:
                cells.append("")
        filled.append(cells)
        total += len(cells)
        check_size(total, written)
    return filled


def check_size(total: int, written: int) -> None:
    """Raise BadInput where `written` cells of a file stand for very many more."""
    if total > _FREE_CELLS + _CELLS_PER_WRITTEN * written:
        raise BadInput("its cells span far more rows and columns than there are: export it again as CSV or XLSX.")


def choose_sheet(titles: Sequence[str], wanted: str, name: str) -> int:
    """The position of the sheet that a person named by its title or number (from 1). Raises BadInput.

    >>> choose_sheet(["Summary", "Tickets"], "tickets", "t.xlsx"), choose_sheet(["Summary", "Tickets"], "1", "t.xlsx")
    (1, 0)
    """
    folded = [title.strip().casefold() for title in titles]
    if wanted.strip().casefold() in folded:
        return folded.index(wanted.strip().casefold())
    if wanted.isdecimal() and 0 < int(wanted[:9]) <= len(titles):
        return int(wanted[:9]) - 1
    if not any(titles):
        raise BadInput(f"{name} has {len(titles)} tables: name one by its number, such as --map sheet=1.")
    raise BadInput(f"{name} has no sheet {wanted[:60]!r}. Its sheets are {', '.join(map(repr, titles[:10]))}.")


def to_record_table(found: Iterable[SmallTable], name: str, location: TableLocation, form: str) -> RecordTable | None:
    """The records of the table that looks most like tickets (of several alike the longest), or of the one that
    `location` names; `line` is the row. None if no table has a cell. Raises BadInput.
    """
    try:
        tables = [table for table in found if any(any(map(str.strip, row)) for row in table.rows)]
    except BadInput as error:
        raise BadInput(f"{name} can't be read: {error}") from error
    if not tables:
        return None
    titles = [table.title for table in tables]
    if location.sheet:
        number = choose_sheet(titles, location.sheet, name)
    else:
        number = max(range(len(tables)), key=lambda at: (find_header_row(tables[at].rows)[1], len(tables[at].rows)))
    title, rows = tables[number]
    start, _ = find_header_row(rows[:SEARCHED_ROWS])
    width = max((at + 1 for row in rows for at, cell in enumerate(row) if cell.strip()), default=0)
    columns, repeated = unique_columns((rows[start] + [""] * width)[:width])
    notes = [form]
    if title:
        notes = [f"{form}, sheet {title!r}"]
    elif len(tables) > 1:
        notes = [f"{form}, table {number + 1} of {len(tables)}"]
    if title and len(titles) > 1:
        notes.append(describe_other_sheets(titles, title))
    if start:
        notes.append(f"the table begins in row {start + 1}, after rows of titles")
    return RecordTable(name, columns, _to_rows(rows, start, columns), notes, repeated, "row")


def describe_other_sheets(titles: Sequence[str], title: str) -> str:
    """A sentence that names the sheets beside the one with this title."""
    others = [other for other in titles if other != title]
    return "other sheets are not read: " + ", ".join(map(repr, others[:10])) + " (see --sheet)"


def _to_rows(rows: list[list[str]], start: int, columns: list[str]) -> Iterator[Row]:
    for number, cells in enumerate(rows[start + 1 :], start + 2):
        if any(cell.strip() for cell in cells):
            yield Row(number, dict(zip(columns, cells + [""] * (len(columns) - len(cells)), strict=False)))
