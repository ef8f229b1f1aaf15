"""Progress bars: shown on standard error for what takes longer than a second, when somebody looks at a terminal."""

from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

console = Console(stderr=True)


def bar(things: Iterable[Any], n: int | None, what: str) -> Iterator[Any]:
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
        yield from progress.track(things, total=n, description=what)
