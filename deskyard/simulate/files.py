"""Splits file names and writes JSON files. Tables are written by `deskyard.tabular.writer`."""

import json
from pathlib import Path

from deskyard.errors import BadInput
from deskyard.tabular.writer import SUFFIXES


def split_name(path: Path) -> tuple[str, str]:
    """The stem and the extension of a file name. Raises BadInput for an extension that is not in `SUFFIXES`.

    >>> split_name(Path("data/history.csv.gz"))
    ('history', '.csv.gz')
    """
    for extension in sorted(SUFFIXES, key=len, reverse=True):
        if path.name.endswith(extension) and path.name != extension:
            return path.name.removesuffix(extension), extension
    raise BadInput(f"Can't tell the format of '{path.name}': let it end in {', '.join(SUFFIXES)}.")


def write_json(path: Path, value: object) -> None:
    """Write an indented JSON file. Raises BadInput if that fails."""
    try:
        path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise BadInput(f"Can't write to '{path}': {error.strerror or error}.") from error


def to_json_line(value: object) -> str:
    """A value as one line of JSON, without escapes for Unicode.

    >>> to_json_line({"queue": "Бухгалтерия"})
    '{"queue": "Бухгалтерия"}\\n'
    """
    return json.dumps(value, ensure_ascii=False) + "\n"
