"""Opens tables of tickets in files: CSV, JSON, XLSX, XLS, ODS, Parquet, HTML tables, as streams of rows.

`open_table` takes a path, or "-" for standard input, and returns a `RecordTable` of `Row` and `BrokenRow` in the order
of the file, with notes on how the file was read. JSON documents, HTML, XLS and ODS files are read into memory as a
whole.
Where the table is in a file (sheet, title rows) is found by the names of columns that `deskyard.tabular.column_names`
knows; what a column holds is decided by `deskyard.history.columns`.

XLSX is read by openpyxl, which streams it. python-calamine, which reads XLS, was tried: it reads the same cells faster,
but holds each sheet in memory as a whole, and two cells at the ends of a sheet are enough to end the process.
"""

import gzip
import io
import re
import shutil
import sys
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Final, Literal, cast

from deskyard.errors import BadInput
from deskyard.tabular.csv_reader import MAX_RECORD_LENGTH, read_csv
from deskyard.tabular.encoding import HEAD_BYTES, detect_encoding, take_sample
from deskyard.tabular.html_table_reader import read_html, read_spreadsheet_xml
from deskyard.tabular.json_reader import read_json
from deskyard.tabular.ods_reader import read_ods
from deskyard.tabular.records import BrokenRow, RecordTable, Row, TableLocation, as_text
from deskyard.tabular.small_tables import MAX_LENGTH
from deskyard.tabular.writer import ResultWriter, open_writer
from deskyard.tabular.xls_reader import read_xls
from deskyard.tabular.xlsx_parquet_reader import read_parquet, read_xlsx

__all__ = ["BrokenRow", "RecordTable", "ResultWriter", "Row", "TableLocation", "as_text", "open_table", "open_writer"]

Format = Literal["csv", "json", "html", "xml"]

_JSON_SUFFIXES: Final = (".jsonl", ".ndjson", ".json")
_CSV_SUFFIXES: Final = (".csv", ".tsv", ".tab", ".txt")
_JSON_START: Final = re.compile(r"\[\s*[{\[]|\{\s*\"")
_HTML_START: Final = re.compile(
    r"(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,500}?-->\s*){0,9}"
    r"<(?:!doctype html|html|head|meta|body|table|style)\b",
    re.IGNORECASE | re.DOTALL,
)
_FOREIGN_BYTES: Final = (
    (b"%PDF", "a PDF: export the tickets as CSV or XLSX"),
    (b"{\\rtf", "a text document (RTF): export the tickets as CSV or XLSX"),
    (b"SQLite format 3", "an SQLite database: export its table of tickets as CSV"),
    (b"7z\xbc\xaf", "a 7z archive: unpack it first"),
    (b"Rar!", "a RAR archive: unpack it first"),
    (b"BZh", "compressed by bzip2: unpack it first"),
    (b"\xfd7zXZ", "compressed by xz: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd: unpack it first"),
    (b"\x89PNG", "a picture: export the tickets as CSV or XLSX"),
    (b"\xff\xd8\xff", "a picture: export the tickets as CSV or XLSX"),
)
_FOREIGN_TEXTS: Final = (
    (re.compile(r"(?:--|/\*)[^\n]{0,80}(?:dump|SQL)|(?:CREATE|DROP) TABLE\b|INSERT INTO\b", re.IGNORECASE),
     "an SQL dump: export its table of tickets as CSV"),
    (re.compile(r"MIME-Version:|Return-Path:|Received: from", re.IGNORECASE),
     "a mail or a web archive: export the tickets as CSV or XLSX"),
    (re.compile(r"<\?xml|<[a-z][\w:.-]{0,40}(?:\s[^<>]{0,200})?>\s*<", re.IGNORECASE),
     "XML: export the tickets as CSV, XLSX or JSON"),
)  # fmt: skip
_MAX_IN_MEMORY: Final = 1 << 24
"""Bytes of standard input kept in memory; more go to a temporary file, since detecting a format needs seeking."""


def open_table(path: Path | str, location: TableLocation | None = None) -> RecordTable:
    """Open a table of tickets; its records are read while it is iterated.

    Files are recognised by their content, whatever their names: workbooks, Parquet and gz files; JSON (one object a
    line, an array, an object around one, columns of values); HTML tables; everything else is CSV. The encoding (UTF-8,
    UTF-16, UTF-32, cp1251, koi8-r, cp866, cp1252...), the delimiter (any single character), titles above the table, and
    the sheet are detected and named in `RecordTable.notes`; `location` and a first line `sep=;` are obeyed. Rows that
    end early are padded, empty cells beyond the header are dropped; both are counted in `RecordTable.repairs`. Lines
    that can't be decoded become `BrokenRow`.

    Raises BadInput, here or while iterating: no such file, an empty file, no readable header, a damaged archive, a file
    of another kind.

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
            opened = _open_by_format(stream, Path(str(path)), name, location or TableLocation(), stack)
            return opened.own_resources(stack)
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


def _open_by_format(stream: BinaryIO, path: Path, name: str, location: TableLocation, stack: ExitStack) -> RecordTable:
    notes = ""
    start = stream.read(16)
    stream.seek(0)
    if start.startswith(b"\x1f\x8b"):
        stream = stack.enter_context(cast(BinaryIO, gzip.GzipFile(fileobj=stream, mode="rb")))
        start = stream.read(16)
        stream.seek(0)
        notes, path = "gz, ", path.with_suffix("") if path.suffix.lower() == ".gz" else path
    if start.startswith((b"PK\x03\x04", b"PAR1")) and notes:
        raise BadInput(f"{name} is a compressed workbook or Parquet file: decompress it first (gunzip).")
    if start.startswith(b"PK\x03\x04"):
        return _open_archive(stream, name, location)
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        return read_xls(stream, name, location)
    if start.startswith(b"PAR1"):
        return read_parquet(stream, name)
    for beginning, what in _FOREIGN_BYTES:
        if start.startswith(beginning):
            raise BadInput(f"{name} is {what}.")
    return _open_text_table(stream, path, name, location, notes, stack)


def _open_archive(stream: BinaryIO, name: str, location: TableLocation) -> RecordTable:
    """The table in a zip archive, which must be a workbook; a damaged one is left to the workbook's reader."""
    try:
        with zipfile.ZipFile(stream) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError):
        names = []
    stream.seek(0)
    if not names or any(one.startswith("xl/") for one in names):
        return read_xlsx(stream, name, location)
    if "content.xml" in names:
        return read_ods(stream, name, location)
    if any(one.startswith("word/") for one in names):
        raise BadInput(f"{name} is a Word document: export the tickets as CSV or XLSX.")
    raise BadInput(f"{name} is an archive of {len(names)} files: unpack it and name the file of tickets.")


def _open_text_table(
    stream: BinaryIO, path: Path, name: str, location: TableLocation, notes: str, stack: ExitStack
) -> RecordTable:
    sample = take_sample(stream)
    encoding = detect_encoding(sample)
    errors = "replace" if encoding.startswith(("utf-16", "utf-32")) else "surrogateescape"
    text = stack.enter_context(io.TextIOWrapper(stream, encoding, errors, newline=""))
    head = text.read(HEAD_BYTES)
    text.seek(0)
    opening = head[:4096].lstrip("\ufeff \t\r\n\0")
    if not opening and not head.strip():
        raise BadInput(f"{name} is empty: it needs a header line that names its columns, and a line for each ticket.")
    kind = _detect_format(opening, path)
    if location.delimiter:
        kind = "csv"
    shown = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8"}.get(encoding, encoding)
    if kind in ("html", "xml"):
        whole = text.read(MAX_LENGTH + 1)
        if len(whole) > MAX_LENGTH:
            raise BadInput(f"{name} is HTML of more than {MAX_LENGTH:,} characters: save it as .xlsx or as CSV.")
        return (read_html if kind == "html" else read_spreadsheet_xml)(whole, name, location)
    lines = _read_lines(text, name)
    if kind == "json":
        found = read_json(lines, name, location.records)
        unit = "line" if found.form == "JSON lines" else "record"
        return RecordTable(name, found.columns, found.rows, [f"{notes}{found.form}, {shown}"], unit=unit)
    _refuse_other_texts(opening, name)
    shape = io.StringIO(head, newline="").readlines()
    if len(shape) > 1 and len(head) == HEAD_BYTES:
        del shape[-1]
    repairs: Counter[str] = Counter()
    columns, repeated, more, rows = read_csv(lines, shape, name, repairs, location.delimiter)
    table = RecordTable(name, columns, rows, [f"{notes}CSV, {shown}, delimiter {more[0]}", *more[1:]], repeated)
    table.repairs = repairs
    return table


def _detect_format(opening: str, path: Path) -> Format:
    """What a text is, by its beginning."""
    if _HTML_START.match(opening):
        return "html"
    if opening.startswith("<") and "urn:schemas-microsoft-com:office:spreadsheet" in opening:
        return "xml"
    suffix = path.suffix.lower()
    if (
        suffix in _JSON_SUFFIXES
        or _JSON_START.match(opening)
        or (opening.startswith("{") and suffix not in _CSV_SUFFIXES)
    ):
        return "json"
    return "csv"


def _refuse_other_texts(opening: str, name: str) -> None:
    for beginning, what in _FOREIGN_TEXTS:
        if beginning.match(opening):
            raise BadInput(f"{name} is {what}.")


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
