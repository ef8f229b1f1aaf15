"""Reads old binary workbooks (.xls) by python-calamine, in a process of its own that a hostile file may end.

The library allocates every cell between the first and the last of each sheet at once, and ends the whole process where
memory is missing: a file of 20 kB may ask for 16 GB. The process, which is this module as a program, has limits. It
writes a line of JSON for each sheet (title, rows, merged cells), or one that says what is wrong.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from deskyard.errors import BadInput
from deskyard.tabular.records import RecordTable, TableLocation, as_text
from deskyard.tabular.small_tables import MAX_LENGTH, SmallTable, to_record_table

MAX_MEMORY: Final = 1 << 30
"""The most bytes of memory of the process."""

MAX_SECONDS: Final = 120
"""The most seconds of CPU of the process."""

_MAX_MERGED: Final = 200_000
"""The most merged cells of a sheet that are filled."""


def read_xls(stream: BinaryIO, name: str, location: TableLocation) -> RecordTable:
    """The records of the sheet that looks most like tickets; `line` is the row. Merged cells have their value in each
    row. Raises BadInput.
    """
    sheets = [_to_table(sheet) for sheet in _read_sheets(stream, name)]
    table = to_record_table(sheets, name, location, "XLS")
    if table is None:
        raise BadInput(f"{name} is an old Excel file (.xls) without cells: save it as .xlsx or as CSV.")
    return table


def _read_sheets(stream: BinaryIO, name: str) -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryFile() as file, tempfile.TemporaryFile() as output:
        shutil.copyfileobj(stream, file)
        file.seek(0)
        command = [sys.executable, "-m", __name__]
        ended = subprocess.run(command, stdin=file, stdout=output, stderr=subprocess.DEVNULL, check=False)  # noqa: S603
        size = output.seek(0, 2)
        if ended.returncode or size > MAX_LENGTH:
            raise BadInput(
                f"{name} is an old Excel file (.xls) that is damaged or too large: save it as .xlsx or as CSV."
            )
        output.seek(0)
        for line in output:
            sheet: dict[str, Any] = json.loads(line)
            if "error" in sheet:
                raise BadInput(
                    f"{name} is an old Excel file (.xls) that can't be read ({sheet['error']}): save it as .xlsx "
                    "without a password, or as CSV."
                )
            yield sheet


def _to_table(sheet: dict[str, Any]) -> SmallTable:
    """A sheet with the value of each merged cell in all of its rows."""
    rows: list[list[str]] = sheet["rows"]
    left = _MAX_MERGED
    for (first, column), (last, _) in sheet["merged"]:
        for row in rows[first + 1 : last + 1][:left]:
            left -= 1
            row[column] = row[column] or rows[first][column]
    return SmallTable(str(sheet["title"]), rows)


def main() -> None:
    """Write the sheets of the workbook on standard input."""
    _limit_resources()
    import python_calamine

    try:
        book = python_calamine.CalamineWorkbook.from_filelike(sys.stdin.buffer)
        for title in book.sheet_names:
            sheet = book.get_sheet_by_name(title)
            rows = [[as_text(value) for value in row] for row in sheet.to_python(skip_empty_area=False)]
            print(json.dumps({"title": title, "rows": rows, "merged": sheet.merged_cell_ranges or []}))
    except python_calamine.PasswordError:
        print(json.dumps({"error": "it is protected by a password"}))
    except (python_calamine.CalamineError, OSError) as error:
        print(json.dumps({"error": " ".join(str(error).split())[:100]}))


def _limit_resources() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    for kind, most in ((resource.RLIMIT_AS, MAX_MEMORY), (resource.RLIMIT_CPU, MAX_SECONDS), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


if __name__ == "__main__":
    main()
