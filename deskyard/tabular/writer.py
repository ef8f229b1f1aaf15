"""Writes results to CSV, JSON lines (both also .gz) or Parquet; the file appears only when it is complete."""

import csv
import gzip
import io
import json
import os
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Final, cast

from deskyard.errors import BadInput

SUFFIXES: Final = (".csv", ".jsonl", ".parquet", ".csv.gz", ".jsonl.gz")
_BATCH_SIZE: Final = 4096


class ResultWriter(ABC):
    """Writes results one by one. A column that a result lacks stays empty; a key that is not a column raises
    ValueError."""

    def __init__(self, columns: Sequence[str]) -> None:
        """`columns` in the order of the file."""
        self.columns = tuple(columns)

    @abstractmethod
    def write(self, result: Mapping[str, Any]) -> None:
        """Add one result: text, numbers, None, and lists (JSON in CSV and Parquet, lists in JSON lines)."""

    def finish(self) -> None:  # noqa: B027 - most formats buffer nothing
        """Write what is still buffered."""


class _LfStream:
    """A stream whose lines end with a line feed alone."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, line: str) -> int:
        return self._stream.write(line.removesuffix("\r\n") + "\n")


def make_csv_writer(stream: IO[str]) -> Any:
    r"""A `csv.writer` whose lines end with a line feed, and which quotes cells that hold a lone carriage return.

    Python's writer quotes such cells only if its own line ends contain a carriage return.

    >>> stream = io.StringIO()
    >>> _ = make_csv_writer(stream).writerow(["a\rb", "c"])
    >>> stream.getvalue()
    '"a\rb",c\n'
    """
    return csv.writer(_LfStream(stream), lineterminator="\r\n")


class _CsvWriter(ResultWriter):
    def __init__(self, columns: Sequence[str], stream: IO[str]) -> None:
        super().__init__(columns)
        self._csv = make_csv_writer(stream)
        self._csv.writerow(self.columns)

    def write(self, result: Mapping[str, Any]) -> None:
        _check_columns(result, self.columns)
        self._csv.writerow([_flatten(result.get(column)) for column in self.columns])


class _JsonWriter(ResultWriter):
    def __init__(self, columns: Sequence[str], stream: IO[str]) -> None:
        super().__init__(columns)
        self._stream = stream

    def write(self, result: Mapping[str, Any]) -> None:
        _check_columns(result, self.columns)
        record = {column: result.get(column) for column in self.columns}
        self._stream.write(json.dumps(record, ensure_ascii=False) + "\n")


class _ParquetWriter(ResultWriter):
    def __init__(self, columns: Sequence[str], stream: IO[bytes], numbers: Sequence[str], stack: ExitStack) -> None:
        import pyarrow
        import pyarrow.parquet

        super().__init__(columns)
        kinds = [(c, pyarrow.float64() if c in numbers else pyarrow.string()) for c in self.columns]
        self._schema, self._buffer = pyarrow.schema(kinds), list[dict[str, Any]]()
        self._numbers, self._file = frozenset(numbers), pyarrow.parquet.ParquetWriter(stream, self._schema)
        stack.callback(self._file.close)

    def write(self, result: Mapping[str, Any]) -> None:
        _check_columns(result, self.columns)
        self._buffer.append({c: self._to_arrow_value(c, result.get(c)) for c in self.columns})
        if len(self._buffer) >= _BATCH_SIZE:
            self._flush()

    def _to_arrow_value(self, column: str, value: Any) -> Any:
        flat = _flatten(value)
        return flat if flat is None or column in self._numbers else str(flat)

    def _flush(self) -> None:
        import pyarrow

        self._file.write_table(pyarrow.Table.from_pylist(self._buffer, self._schema))
        self._buffer.clear()

    def finish(self) -> None:
        if self._buffer:
            self._flush()


def _flatten(value: Any) -> Any:
    """A list or a mapping as JSON, anything else as it is."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, tuple, dict)) else value


def _check_columns(result: Mapping[str, Any], columns: tuple[str, ...]) -> None:
    if unknown := result.keys() - set(columns):
        raise ValueError(f"not columns of this file: {', '.join(sorted(unknown))}")


@contextmanager
def open_writer(
    path: Path | str, columns: Sequence[str], *, numbers: Sequence[str] | None = None
) -> Iterator[ResultWriter]:
    """A writer of results into `path`, by its suffix: .csv, .jsonl (each also .gz), .parquet; "-" is CSV to stdout.

    The file appears under its name only when the block ends without an error: a run that fails or is killed leaves the
    old file as it was. `numbers` are the columns that Parquet stores as float64 (default: those ending in
    "_confidence"); its other columns are text. Raises BadInput for an unknown suffix or a path that can't be written.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "out.jsonl"
    >>> with open_writer(path, ["id", "queue", "queue_top"]) as out:
    ...     out.write({"id": "1", "queue": "Сеть", "queue_top": [["Сеть", 0.9]]})
    >>> path.read_text("utf-8")
    '{"id": "1", "queue": "Сеть", "queue_top": [["Сеть", 0.9]]}\\n'
    """
    if numbers is None:
        numbers = [column for column in columns if column.endswith("_confidence")]
    if str(path) == "-":
        with _open_stdout() as stream:
            yield _CsvWriter(columns, stream)
        return
    path = Path(path)
    suffix = next((known for known in reversed(SUFFIXES) if path.name.lower().endswith(known)), "")
    if not suffix:
        raise BadInput(
            f"{path}: results are written as {', '.join(SUFFIXES)}; name the file with one of these endings."
        )
    try:
        handle, part = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".part", dir=path.parent)
    except OSError as error:
        raise BadInput(f"{path} can't be written: {error.strerror}.") from error
    try:
        with ExitStack() as stack:
            stream_ = stack.enter_context(os.fdopen(handle, "wb"))
            writer = _make_writer(suffix, stream_, stack, columns, numbers)
            yield writer
            writer.finish()
        umask = os.umask(0)
        os.umask(umask)
        Path(part).chmod(0o666 & ~umask)
        Path(part).replace(path)
    except OSError as error:
        raise BadInput(f"{path} can't be written: {error.strerror}.") from error
    finally:
        Path(part).unlink(missing_ok=True)


def _make_writer(
    suffix: str, raw: IO[bytes], stack: ExitStack, columns: Sequence[str], numbers: Sequence[str]
) -> ResultWriter:
    if suffix == ".parquet":
        return _ParquetWriter(columns, raw, numbers, stack)
    if suffix.endswith(".gz"):
        raw = cast(IO[bytes], stack.enter_context(gzip.GzipFile(fileobj=raw, mode="wb", mtime=0)))
    stream = stack.enter_context(io.TextIOWrapper(raw, "utf-8", errors="replace", newline=""))
    return _CsvWriter(columns, stream) if suffix.startswith(".csv") else _JsonWriter(columns, stream)


@contextmanager
def _open_stdout() -> Iterator[IO[str]]:
    """Standard output as UTF-8 whatever the locale; it is not closed."""
    sys.stdout.flush()
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:
        yield sys.stdout
        return
    stream = io.TextIOWrapper(buffer, "utf-8", errors="replace", newline="", write_through=True)
    try:
        yield stream
        stream.flush()
    finally:
        stream.detach()
