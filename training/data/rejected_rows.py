"""Rejected rows of a history, and the CSV file they are written to."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Self

from deskyard.errors import BadInput
from deskyard.tabular.records import (
    BROKEN_JSON,
    BROKEN_QUOTING,
    TOO_LONG,
    UNDECODABLE,
    WRONG_CELL_COUNT,
    BrokenRow,
    Row,
)
from deskyard.tabular.writer import make_csv_writer

MAX_RAW_LENGTH: Final = 2000
"""Characters kept of a rejected row."""

LOUD_SHARE: Final = 0.02
"""The share of rejected rows above which the rest may not be a fair sample."""

NO_ID: Final = "no id"
NO_TEXT: Final = "no text"
DUPLICATE_ID: Final = "duplicate id"

_MISSING_KIND: Final = {
    WRONG_CELL_COUNT: "texts with line breaks or delimiters in them",
    BROKEN_QUOTING: "texts with quotes in them",
    UNDECODABLE: "texts with rare characters or in another language",
    BROKEN_JSON: "what breaks the JSON",
    TOO_LONG: "very long texts",
    NO_TEXT: "tickets whose text is elsewhere, such as in an attachment or another column",
    DUPLICATE_ID: "tickets of several rows, or all but one of those that share an id which is none",
    NO_ID: "tickets that were never given a number",
}
"""Reason → what kind of ticket its rows are."""


class RejectedRow(NamedTuple):
    """One rejected row: its file, its line (in XLSX and Parquet the row number), a reason code, and a sentence."""

    file: str
    line: int
    reason: str
    detail: str
    id: str
    raw: str

    @classmethod
    def from_row(cls, file: str, row: Row | BrokenRow, reason: str, detail: str, ident: str = "") -> Self:
        """A rejected row of a table; a row without raw text (XLSX, Parquet) is kept as JSON."""
        raw = row.raw
        if not raw and isinstance(row, Row):
            raw = json.dumps(
                {key: value[:MAX_RAW_LENGTH] for key, value in row.values.items() if value}, ensure_ascii=False
            )
        return cls(file, row.line, reason, detail, ident[:200], raw[:MAX_RAW_LENGTH].rstrip("\r\n"))


def describe_rejections(rejected: Sequence[RejectedRow], tickets: int) -> tuple[str, str] | None:
    """What share of the rows was rejected and why, and what is to be done; None for at most `LOUD_SHARE` of them.

    >>> rows = [RejectedRow("h.csv", 7, "no text", "subject and body are empty", "7", "")]
    >>> describe_rejections(rows, 9)[0]
    '1 of 10 rows (10 %) are not used: 1 no text (line 7 of h.csv). Missing are tickets whose text is elsewhere, such \
as in an attachment or another column: the others are no fair sample, so the model and its figures may be wrong for \
such tickets'
    >>> describe_rejections(rows, 99) is None
    True
    """
    rows = len(rejected) + tickets
    if not rejected or len(rejected) <= LOUD_SHARE * rows:
        return None
    counts = Counter(row.reason for row in rejected)
    first = {row.reason: f"line {row.line} of {row.file[-60:]}" for row in reversed(rejected)}
    reasons = ", ".join(f"{n:,} {reason} ({first[reason]})" for reason, n in counts.most_common(5))
    kinds = "; ".join(_MISSING_KIND.get(reason, reason) for reason, _ in counts.most_common(2))
    percent = 100 * len(rejected) / rows
    share = f"{percent:.0f} %" if percent >= 10 else f"{percent:.1f} %"
    sentence = (
        f"{len(rejected):,} of {rows:,} rows ({share}) are not used: {reasons}. Missing are {kinds}: the others are no "
        "fair sample, so the model and its figures may be wrong for such tickets"
    )
    return sentence, "look at the rejected rows, and mend the export or name the right columns with --map"


def write_rejected(rejected: Iterable[RejectedRow], path: Path | str) -> int:
    r"""Write the rejected rows as CSV (file, line, reason, detail, id, raw); returns their number. Without rows no file
    is written.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "rejected.csv"
    >>> write_rejected([], path), path.exists()
    (0, False)
    >>> write_rejected([RejectedRow("h.csv", 7, "no id", "the id is empty", "", ",no sound")], path)
    1
    >>> path.read_text("utf-8").splitlines()
    ['file,line,reason,detail,id,raw', 'h.csv,7,no id,the id is empty,,",no sound"']
    """
    rejected = list(rejected)
    if rejected:
        try:
            with Path(path).open("w", encoding="utf-8", errors="replace", newline="") as stream:
                writer = make_csv_writer(stream)
                writer.writerow(RejectedRow._fields)
                writer.writerows(rejected)
        except OSError as error:
            raise BadInput(f"{path} can't be written: {error.strerror}.") from error
    return len(rejected)
