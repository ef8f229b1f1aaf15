"""Finds the header of a table: the row that names the columns, beneath title rows and above the first ticket."""

import re
from collections.abc import Sequence
from statistics import median
from typing import Final

from deskyard.tabular.column_names import count_known_names
from deskyard.text.dates import read_time

SEARCHED_ROWS: Final = 40
"""Rows that are looked at; titles, dates and filters above a table are fewer."""

_MAX_NAME: Final = 100
_NUMBER: Final = re.compile(r"[-+]?\d[\d.,\s]*%?")


def find_header_row(rows: Sequence[Sequence[str]]) -> tuple[int, int]:
    """The position of the header among the first `rows` of a table, and how many columns of ours its names mean.

    Rows that are much narrower than the table are titles. A row further down is the header only if it names clearly
    more columns of ours. Position 0 if nothing tells.

    >>> find_header_row([["Incident report", ""], [], ["Number", "Opened", "State"], ["1", "2025-01-06", "new"]])
    (2, 2)
    """
    rows = rows[:SEARCHED_ROWS]
    filled = [sum(bool(cell.strip()) for cell in row) for row in rows]
    first = 0
    for first, count in enumerate(filled):
        below = [more for more in filled[first + 1 :] if more]
        if count and (not below or count > median(below) / 2 or count == max(filled)):
            break
    known = [count_known_names(row) if count else 0 for row, count in zip(rows, filled, strict=True)]
    best = max(range(len(rows)), key=lambda at: (known[at], -at), default=0)
    if rows and known[best] >= max(2, known[first] + 2) and not looks_like_data(rows[best]):
        return best, known[best]
    return first, known[first] if rows else 0


def looks_like_data(cells: Sequence[str]) -> bool:
    """Whether a row holds a ticket and not the names of columns: dates, numbers and long texts.

    >>> looks_like_data(["1000", "2025-01-06 09:03", "VPN", "It drops."]), looks_like_data(["id", "created", "2025"])
    (True, False)
    """
    values = [cell.strip() for cell in cells if cell.strip()]
    if not values:
        return False
    data = sum(_is_value(value) for value in values)
    return data >= 2 or (data == 1 and len(values) <= 2)


def _is_value(text: str) -> bool:
    return len(text) > _MAX_NAME or bool(_NUMBER.fullmatch(text[:40])) or read_time(text) is not None
