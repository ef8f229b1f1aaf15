"""Files: rows to CSV, CSV.gz, JSON lines or Parquet, by the extension.

In: a path, the columns, rows of text. Out: a whole file or none: it is written beside its place and moved there.
Never: bytes that depend on the clock (the time in a gzip header is 0).
"""

import csv
import gzip
import io
import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, cast

from deskyard.errors import BadInput

EXTENSIONS: Final = (".csv.gz", ".csv", ".jsonl.gz", ".jsonl", ".parquet")
"""What can be written."""

Row = Sequence[str]


def split_name(path: Path) -> tuple[str, str]:
    """Stem and extension; raises BadInput for an extension that is not in EXTENSIONS.

    >>> split_name(Path("data/history.csv.gz"))
    ('history', '.csv.gz')
    """
    for extension in EXTENSIONS:
        if path.name.endswith(extension) and path.name != extension:
            return path.name.removesuffix(extension), extension
    raise BadInput(f"Can't tell the format of '{path.name}': let it end in {', '.join(EXTENSIONS)}.")


class Table:
    """A file of rows, opened for writing; used with `with`. An error inside leaves no file behind.

    Raises BadInput when the place can't be written to.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        """Choose the format by the path's extension."""
        self.path, self.columns = path, tuple(columns)
        self._part = path.with_name(path.name + ".part")
        self._stack = ExitStack()
        self.add: Callable[[Row], Any]

    def __enter__(self) -> "Table":
        """Open the file beside its place."""
        _, extension = split_name(self.path)
        try:
            raw = self._stack.enter_context(self._part.open("wb"))
        except OSError as error:
            raise BadInput(f"Can't write to '{self.path}': {error.strerror or error}.") from error
        if extension == ".parquet":
            rows: list[Row] = []
            self.add = rows.append
            self._stack.callback(self._write_parquet, raw, rows)
            return self
        stream: IO[bytes] = raw
        if extension.endswith(".gz"):
            zipped = self._stack.enter_context(gzip.GzipFile("", "wb", fileobj=raw, mtime=0))
            stream = cast("IO[bytes]", zipped)
        text = self._stack.enter_context(io.TextIOWrapper(stream, encoding="utf-8", newline=""))
        if extension.startswith(".csv"):
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(self.columns)
            self.add = writer.writerow
        else:
            self.add = lambda row: text.write(json_line(dict(zip(self.columns, row, strict=True))))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close; move the file to its place, or take it away after an error."""
        try:
            self._stack.close()
            if kind is None:
                self._part.replace(self.path)
        except OSError as problem:
            raise BadInput(f"Can't write to '{self.path}': {problem.strerror or problem}.") from problem
        finally:
            self._part.unlink(missing_ok=True)

    def _write_parquet(self, raw: IO[bytes], rows: list[Row]) -> None:
        import pyarrow
        import pyarrow.parquet

        columns = [pyarrow.array([row[place] for row in rows], pyarrow.string()) for place in range(len(self.columns))]
        cast("Any", pyarrow.parquet).write_table(pyarrow.table(columns, names=list(self.columns)), raw)


def write_json(path: Path, value: object) -> None:
    """An indented JSON file; raises BadInput when the place can't be written to."""
    try:
        path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise BadInput(f"Can't write to '{path}': {error.strerror or error}.") from error


def json_line(value: object) -> str:
    """One line of JSON, in Unicode.

    >>> json_line({"queue": "Бухгалтерия"})
    '{"queue": "Бухгалтерия"}\\n'
    """
    return json.dumps(value, ensure_ascii=False) + "\n"
