"""Progress: bars on standard error for who looks at a terminal, lines of JSON on standard output for a program.

In come walks over things, out go the same things; what is shown changes nothing of them.
"""

import json
import time
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

console = Console(stderr=True)

UPDATE_INTERVAL: Final = 0.25
"""Seconds between two lines about the same walk."""


class ProgressStyle(StrEnum):
    """How progress is shown."""

    BAR = "bar"
    JSON = "json"


def track_with_bar(items: Iterable[Any], total: int | None, what: str) -> Iterator[Any]:
    """Walk over `things` (`n` of them; None: nobody knows), showing `what` is being done."""
    columns = (
        TextColumn("{task.description:<16}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        yield from progress.track(items, total=total, description=what)


def track_as_json(items: Iterable[Any], total: int | None, what: str) -> Iterator[Any]:
    """The same for a program: `{"what": "learning", "done": 3, "of": 16}`.

    >>> list(track_as_json([1, 2], 2, "learning"))
    {"what": "learning", "done": 0, "of": 2}
    {"what": "learning", "done": 2, "of": 2}
    [1, 2]
    """
    print_json_line(what=what, done=0, of=total)
    told, done = time.monotonic(), 0
    for thing in items:
        yield thing
        done += 1
        if time.monotonic() - told > UPDATE_INTERVAL and done != total:
            print_json_line(what=what, done=done, of=total)
            told = time.monotonic()
    print_json_line(what=what, done=done, of=total)


def print_json_line(**said: Any) -> None:
    """One line of JSON, at once."""
    print(json.dumps(said, ensure_ascii=False), flush=True)
