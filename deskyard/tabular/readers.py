"""Opens tables of tickets in files: CSV, JSON lines, XLSX and Parquet, as streams of rows.

`open_table` takes a path, or "-" for standard input, and returns a `RecordTable` of `Row` and `BrokenRow` in the order
of the file, with notes on how the file was read. What columns mean is known to `deskyard.history.columns` only, and no
file is read into memory as a whole.
"""

import gzip
import io
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Final, Literal, cast

from deskyard.errors import BadInput
from deskyard.tabular.csv_reader import MAX_RECORD_LENGTH, read_csv
from deskyard.tabular.encoding import HEAD_BYTES, detect_encoding, take_sample
from deskyard.tabular.jsonl_reader import read_json
from deskyard.tabular.records import BrokenRow, RecordTable, Row, as_text
from deskyard.tabular.writer import ResultWriter, open_writer
from deskyard.tabular.xlsx_parquet_reader import read_parquet, read_xlsx

__all__ = ["BrokenRow", "RecordTable", "ResultWriter", "Row", "as_text", "open_table", "open_writer"]

Format = Literal["csv", "json", "xlsx", "parquet"]

_SUFFIXES: Final[dict[str, Format]] = {".jsonl": "json", ".ndjson": "json", ".json": "json"}
_CSV_SUFFIXES: Final = (".csv", ".tsv", ".tab", ".txt")
_MAX_IN_MEMORY: Final = 1 << 24
"""Bytes of standard input kept in memory; more go to a temporary file, since detecting a format needs seeking."""


def open_table(path: Path | str) -> RecordTable:
    """Open a table of tickets; its records are read while it is iterated.

    Workbooks, Parquet and gz files are recognised by their content, whatever their names; .jsonl, .ndjson and .json are
    JSON lines; everything else is CSV unless it begins with "{". Encoding (UTF-8, UTF-16, cp1251, koi8-r, cp866,
    cp1252...) and delimiter (comma, semicolon, tab, bar...) are detected from a sample and named in
    `RecordTable.notes`; a first line `sep=;` is obeyed. Lines that can't be decoded become `BrokenRow`.

    Raises BadInput, here or while iterating: no such file, an empty file, no readable header, a damaged archive.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "t.csv"
    >>> _ = path.write_bytes("id;body\\n1;Добрый день, не печатает\\n2;a;b\\n".encode("cp1251"))
    >>> with open_table(path) as table:
    ...     table.columns, table.notes, [(row.line, type(row).__name__) for row in table]
    (['id', 'body'], ("CSV, cp1251, delimiter ';'",), [(2, 'Row'), (3, 'BrokenRow')])
    """
    name = "standard input" if str(path) == "-" else str(path)
    with ExitStack() as stack:
        stream = _open_bytes(path, name, stack)
        try:
            return _open_by_format(stream, Path(str(path)), name, stack).own_resources(stack)
        except (EOFError, zlib.error, OSError) as error:
            raise BadInput(f"{name} can't be read ({error}): download or compress it again.") from error


def _open_bytes(path: Path | str, name: str, stack: ExitStack) -> BinaryIO:
    """The bytes of the file as a seekable stream."""
    try:
        if str(path) != "-":
            return stack.enter_context(Path(path).open("rb"))
        spool = stack.enter_context(tempfile.SpooledTemporaryFile(_MAX_IN_MEMORY))  # noqa: SIM115 - the stack closes it
        shutil.copyfileobj(getattr(sys.stdin, "buffer", sys.stdin), spool)
    except FileNotFoundError as error:
        raise BadInput(f"there is no file {name}: check the path, or use '-' for standard input.") from error
    except IsADirectoryError as error:
        raise BadInput(f"{name} is a folder: name the files in it, for example {name}/*.csv.") from error
    except (OSError, ValueError) as error:
        raise BadInput(f"{name} can't be opened: {getattr(error, 'strerror', None) or error}.") from error
    spool.seek(0)
    return cast(BinaryIO, spool)


def _open_by_format(stream: BinaryIO, path: Path, name: str, stack: ExitStack) -> RecordTable:
    notes = ""
    start = stream.read(8)
    stream.seek(0)
    if start.startswith(b"\x1f\x8b"):
        stream = stack.enter_context(cast(BinaryIO, gzip.GzipFile(fileobj=stream, mode="rb")))
        start = stream.read(8)
        stream.seek(0)
        notes, path = "gz, ", path.with_suffix("") if path.suffix.lower() == ".gz" else path
    if start.startswith((b"PK\x03\x04", b"PAR1")) and notes:
        raise BadInput(f"{name} is a compressed workbook or Parquet file: decompress it first (gunzip).")
    if start.startswith(b"PK\x03\x04"):
        return read_xlsx(stream, name)
    if start.startswith(b"PAR1"):
        return read_parquet(stream, name)
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise BadInput(f"{name} is an old Excel file (.xls): save it as .xlsx or as CSV.")
    return _open_text_table(stream, path, name, notes, stack)


def _open_text_table(stream: BinaryIO, path: Path, name: str, notes: str, stack: ExitStack) -> RecordTable:
    sample = take_sample(stream)
    encoding = detect_encoding(sample)
    errors = "replace" if encoding.startswith(("utf-16", "utf-32")) else "surrogateescape"
    text = stack.enter_context(io.TextIOWrapper(stream, encoding, errors, newline=""))
    head = text.read(HEAD_BYTES)
    text.seek(0)
    opening = head[:4096].lstrip()
    if not opening and not head.strip():
        raise BadInput(f"{name} is empty: it needs a header line that names its columns, and a line for each ticket.")
    lines = _read_lines(text, name)
    kind = _SUFFIXES.get(path.suffix.lower(), "csv")
    if kind == "csv" and path.suffix.lower() not in _CSV_SUFFIXES and opening.startswith("{"):
        kind = "json"
    shown = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8"}.get(encoding, encoding)
    if kind == "json":
        columns, rows = read_json(lines, name)
        return RecordTable(name, columns, rows, [f"{notes}JSON lines, {shown}"])
    shape = io.StringIO(head, newline="").readlines()
    if len(shape) > 1 and len(head) == HEAD_BYTES:
        del shape[-1]
    columns, repeated, delimiter, rows = read_csv(lines, shape, name)
    return RecordTable(name, columns, rows, [f"{notes}CSV, {shown}, delimiter {delimiter}"], repeated)


def _read_lines(text: io.TextIOWrapper, name: str) -> Iterator[str]:
    """Physical lines with their line ends; NULs are replaced, and lines longer than a record may be are cut."""
    count = 0
    try:
        while line := text.readline(MAX_RECORD_LENGTH + 2):
            count += 1
            if len(line) > MAX_RECORD_LENGTH and not line.endswith(("\n", "\r")):
                while (rest := text.readline(MAX_RECORD_LENGTH)) and not rest.endswith(("\n", "\r")):
                    pass
            yield line.replace("\0", "\ufffd") if "\0" in line else line
    except (EOFError, zlib.error, OSError) as error:
        raise BadInput(f"{name} is damaged after line {count} ({error}): download or compress it again.") from error
