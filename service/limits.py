"""How often somebody may do something: a token bucket for each name, in bounded memory.

In come names and moments in seconds, out go seconds to wait. Not for threads: the event loop alone asks.
"""

from itertools import islice
from typing import Final

MOST: Final = 10_000
"""Names that one limit remembers."""


class Limit:
    """So many a second in the long run, and `burst` at once, for each name by itself.

    >>> limit = Limit(per_second=2, burst=3)
    >>> [limit.wait("ann", now=0.0) for _ in range(4)], limit.wait("борис", now=0.0)
    ([0.0, 0.0, 0.0, 0.5], 0.0)
    """

    def __init__(self, per_second: float, burst: int) -> None:
        """Nobody has done anything yet."""
        self.per_second = per_second
        self.burst = burst
        self._full: dict[str, float] = {}
        """When each bucket will be full again (the generic cell rate algorithm, which needs one number a name)."""

    def wait(self, name: str, now: float) -> float:
        """Seconds until `name` may go on; 0.0 means that it may now, and that this one is counted."""
        full = max(self._full.get(name, now), now)
        wait = full - now - (self.burst - 1) / self.per_second
        if wait > 1e-9:  # sums of floats are a little off
            return wait
        if name not in self._full and len(self._full) >= MOST:
            self._forget(now)
        self._full[name] = full + 1 / self.per_second
        return 0.0

    def _forget(self, now: float) -> None:
        """Drop the names whose buckets are full, and the oldest if that is not enough."""
        self._full = {name: full for name, full in self._full.items() if full > now}
        for name in list(islice(self._full, max(0, len(self._full) - MOST * 9 // 10))):
            del self._full[name]
