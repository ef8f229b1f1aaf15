"""Progress of long steps: bars on standard error for people, lines of JSON on standard output for programs."""

import json
import time
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

console = Console(stderr=True)

UPDATE_INTERVAL: Final = 0.25
"""Seconds between two lines about the same step."""


class ProgressStyle(StrEnum):
    """How progress is shown."""

    BAR = "bar"
    JSON = "json"


def track_with_bar(items: Iterable[Any], total: int | None, step: str) -> Iterator[Any]:
    """Yield `items` (`total` of them; None: unknown) while a bar shows the progress of `step`."""
    columns = (
        TextColumn("{task.description:<16}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        yield from progress.track(items, total=total, description=step)


def track_as_json(items: Iterable[Any], total: int | None, step: str) -> Iterator[Any]:
    """The same for a program: `{"step": "learning", "done": 3, "total": 16}`.

    >>> list(track_as_json([1, 2], 2, "learning"))
    {"step": "learning", "done": 0, "total": 2}
    {"step": "learning", "done": 2, "total": 2}
    [1, 2]
    """
    print_json_line(step=step, done=0, total=total)
    printed_at, done = time.monotonic(), 0
    for item in items:
        yield item
        done += 1
        if time.monotonic() - printed_at > UPDATE_INTERVAL and done != total:
            print_json_line(step=step, done=done, total=total)
            printed_at = time.monotonic()
    print_json_line(step=step, done=done, total=total)


def print_json_line(**members: Any) -> None:
    """Print the members as one line of JSON, without buffering."""
    print(json.dumps(members, ensure_ascii=False), flush=True)
