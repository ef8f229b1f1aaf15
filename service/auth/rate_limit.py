"""How often somebody may do something: a token bucket for each name, in bounded memory.

In come names and moments in seconds, out go seconds to wait. Safe to share between threads.
"""

import threading
from typing import Final

from cachetools import TLRUCache

MAX_NAMES: Final = 10_000
"""Names that one limit remembers."""


class RateLimiter:
    """So many a second in the long run, and `burst` at once, for each name by itself.

    >>> limit = RateLimiter(per_second=2, burst=3)
    >>> [limit.wait("ann", now=0.0) for _ in range(4)], limit.wait("борис", now=0.0)
    ([0.0, 0.0, 0.0, 0.5], 0.0)
    """

    def __init__(self, per_second: float, burst: int) -> None:
        """Nobody has done anything yet."""
        self.per_second = per_second
        self.burst = burst
        self._now = 0.0
        self._lock = threading.Lock()
        self._full_at: TLRUCache[str, float] = TLRUCache(
            MAX_NAMES, ttu=lambda _, full, __: full, timer=lambda: self._now
        )
        """When each bucket will be full again (the generic cell rate algorithm, which needs one number a name); a full
        one is forgotten, and of too many the one that nobody has asked about for longest."""

    def wait(self, name: str, now: float) -> float:
        """Seconds until `name` may go on; 0.0 means that it may now, and that this one is counted."""
        with self._lock:
            self._now = now
            full = max(self._full_at.get(name, now), now)
            wait = full - now - (self.burst - 1) / self.per_second
            if wait > 1e-9:  # sums of floats are a little off
                return wait
            self._full_at[name] = full + 1 / self.per_second
            return 0.0
