"""Names that tell one from another, for help desks that know their groups and agents by number."""

from collections import Counter
from collections.abc import Iterable
from typing import TypeVar

K = TypeVar("K", int, str)


def unique_names(named: Iterable[tuple[K, str | None]]) -> dict[K, str]:
    """Names by number; where several bear one name, each with its number behind it.

    >>> unique_names([(1, "IT"), (2, "HR"), (3, "HR"), (4, None)])
    {1: 'IT', 2: 'HR #2', 3: 'HR #3', 4: '#4'}
    """
    rows = list(named)
    often = Counter(name for _, name in rows)
    return {key: name if name and often[name] == 1 else f"{name or ''} #{key}".strip() for key, name in rows}
