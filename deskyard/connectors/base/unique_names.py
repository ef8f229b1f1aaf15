"""Makes names unique, for help desks that identify their groups and agents by number."""

from collections import Counter
from collections.abc import Iterable
from typing import TypeVar

K = TypeVar("K", int, str)


def unique_names(named: Iterable[tuple[K, str | None]]) -> dict[K, str]:
    """Number → name; if several have the same name, each gets its number appended.

    >>> unique_names([(1, "IT"), (2, "HR"), (3, "HR"), (4, None)])
    {1: 'IT', 2: 'HR #2', 3: 'HR #3', 4: '#4'}
    """
    rows = list(named)
    counts = Counter(name for _, name in rows)
    return {key: name if name and counts[name] == 1 else f"{name or ''} #{key}".strip() for key, name in rows}
