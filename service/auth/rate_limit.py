"""Rate limits: a token bucket for each name, in bounded memory; safe to share between threads."""

import threading
from typing import Final

from cachetools import TLRUCache

MAX_NAMES: Final = 10_000
"""Most names that one limiter remembers."""


class RateLimiter:
    """Allows each name `per_second` actions a second in the long run, and `burst` at once.

    >>> limit = RateLimiter(per_second=2, burst=3)
    >>> [limit.wait("ann", now=0.0) for _ in range(4)], limit.wait("борис", now=0.0)
    ([0.0, 0.0, 0.0, 0.5], 0.0)
    """

    def __init__(self, per_second: float, burst: int) -> None:
        """A limiter that has counted nothing yet."""
        self.per_second = per_second
        self.burst = burst
        self._now = 0.0
        self._lock = threading.Lock()
        self._full_at: TLRUCache[str, float] = TLRUCache(
            MAX_NAMES, ttu=lambda _, full, __: full, timer=lambda: self._now
        )
        """When each bucket will be full again (the generic cell rate algorithm, which needs one number a name). Full
        buckets are forgotten; beyond `MAX_NAMES`, the least recently used ones."""

    def wait(self, name: str, now: float) -> float:
        """Seconds until `name` may act; 0.0: it may now, and the action is counted. `now` is in seconds."""
        with self._lock:
            self._now = now
            full = max(self._full_at.get(name, now), now)
            wait = full - now - (self.burst - 1) / self.per_second
            if wait > 1e-9:  # rounding errors of sums of floats
                return wait
            self._full_at[name] = full + 1 / self.per_second
            return 0.0
