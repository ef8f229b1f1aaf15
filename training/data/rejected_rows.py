"""Rejected rows of a history, and the CSV file they are written to."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple, Self

from deskyard.errors import BadInput
from deskyard.tabular.records import BrokenRow, Row
from deskyard.tabular.writer import make_csv_writer

MAX_RAW_LENGTH: Final = 2000
"""Characters kept of a rejected row."""


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
