"""Files of the tests of readers, and what is read from them."""

from pathlib import Path

from hypothesis import HealthCheck, settings

from deskyard.tabular.readers import BrokenRow, Row, open_table

SLOW_IS_FINE = settings(suppress_health_check=list(HealthCheck), max_examples=150)


def written(folder: Path, content: bytes | str, name: str = "t.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def rows_of(path: Path) -> list[Row | BrokenRow]:
    with open_table(path) as table:
        return list(table)


def cells(rows: list[Row | BrokenRow]) -> list[list[str]]:
    return [list(row.values.values()) for row in rows if isinstance(row, Row)]
