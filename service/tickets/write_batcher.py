"""The lane: tickets that arrive together share one transaction.

In come arrivals from any number of requests; one thread takes all that wait, places them with one call, and each
request gets its own answer. SQLite lets one writer in at a time anyway, and a commit that waits for the disk costs the
same for one ticket and for fifty. If the call fails, each arrival is tried alone, so that one ticket spoils no other.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Final, Generic, TypeVar

from sqlalchemy.exc import OperationalError

from deskyard.errors import StoreUnreachable

MAX_BATCH: Final = 32
"""Arrivals placed together: more would only make the first of them wait longer."""

MAX_WAITING: Final = 2_000
"""Arrivals that may wait; whoever comes then is asked to come again."""

In = TypeVar("In")
Out = TypeVar("Out")


@dataclass(frozen=True, slots=True)
class _Pending(Generic[In, Out]):
    """An arrival, and who waits for its answer."""

    arrival: In
    answer: "asyncio.Future[Out]"
    loop: asyncio.AbstractEventLoop

    def resolve(self, answer: Out | BaseException) -> None:
        if self.answer.cancelled():
            return
        if isinstance(answer, BaseException):
            self.answer.set_exception(answer)
        else:
            self.answer.set_result(answer)


class WriteBatcher(Generic[In, Out]):
    """One thread that works through what arrives, in order."""

    def __init__(self, work: Callable[[Sequence[In]], Sequence[Out]]) -> None:
        """`work` answers each of several arrivals, or raises and has done nothing."""
        self._work = work
        self._queue: SimpleQueue[_Pending[In, Out] | None] = SimpleQueue()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    async def submit(self, arrival: In) -> Out:
        """The answer to an arrival. Raises what `work` raises, and StoreUnreachable when too many wait."""
        if self._queue.qsize() >= MAX_WAITING:
            raise StoreUnreachable("too many tickets wait to be stored, and this one was not: send it again", 1.0)
        self._start()
        loop = asyncio.get_running_loop()
        waiting: _Pending[In, Out] = _Pending(arrival, loop.create_future(), loop)
        self._queue.put(waiting)
        return await waiting.answer

    def stop(self) -> None:
        """Work through what waits, then end."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="lane", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            together = self._next_batch()
            wanted = [waiting for waiting in together if waiting is not None]
            for waiting, answer in zip(wanted, self._process([one.arrival for one in wanted]), strict=True):
                with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                    waiting.loop.call_soon_threadsafe(waiting.resolve, answer)
            if len(wanted) < len(together):
                return

    def _next_batch(self) -> list[_Pending[In, Out] | None]:
        """All that wait, up to the end sign."""
        together = [self._queue.get()]
        while together[-1] is not None and len(together) < MAX_BATCH:
            try:
                together.append(self._queue.get_nowait())
            except Empty:
                break
        return together

    def _process(self, arrivals: Sequence[In]) -> Sequence[Out | BaseException]:
        if not arrivals:
            return []
        try:
            return self._work(arrivals)
        except Exception as error:
            if len(arrivals) == 1 or isinstance(error, OperationalError):  # a database that is away is away for all
                return [error] * len(arrivals)
            return [answer for arrival in arrivals for answer in self._process([arrival])]
