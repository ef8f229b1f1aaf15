"""The write batcher: tickets that arrive at the same time share one transaction.

One thread takes all waiting tickets, stores them with one call, and gives each request its own answer. SQLite admits
one writer at a time anyway, and a commit costs the same for one ticket and for fifty. If the call fails, each ticket is
tried alone, so that one faulty ticket does not affect the others.
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
"""Most tickets in a batch: more would only delay the first of them."""

MAX_WAITING: Final = 2_000
"""Most waiting tickets; more are refused for now."""

In = TypeVar("In")
Out = TypeVar("Out")


@dataclass(frozen=True, slots=True)
class _Pending(Generic[In, Out]):
    """An arrival, and the future that gets its answer."""

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
    """Processes arrivals in order and in batches, in one thread."""

    def __init__(self, work: Callable[[Sequence[In]], Sequence[Out]]) -> None:
        """`work` returns an answer for each arrival, or raises an exception and has stored nothing."""
        self._work = work
        self._queue: SimpleQueue[_Pending[In, Out] | None] = SimpleQueue()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    async def submit(self, arrival: In) -> Out:
        """Process an arrival and return the answer. Raises what `work` raises; StoreUnreachable if too many wait."""
        if self._queue.qsize() >= MAX_WAITING:
            raise StoreUnreachable(
                "too many tickets are waiting to be stored, so this one was not stored: send it again", 1.0
            )
        self._start()
        loop = asyncio.get_running_loop()
        waiting: _Pending[In, Out] = _Pending(arrival, loop.create_future(), loop)
        self._queue.put(waiting)
        return await waiting.answer

    def stop(self) -> None:
        """Process the waiting arrivals, then end the thread."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="write-batcher", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            batch = self._next_batch()
            pending = [one for one in batch if one is not None]
            for one, answer in zip(pending, self._process([each.arrival for each in pending]), strict=True):
                with contextlib.suppress(RuntimeError):  # the event loop is closed, so nobody waits
                    one.loop.call_soon_threadsafe(one.resolve, answer)
            if len(pending) < len(batch):
                return

    def _next_batch(self) -> list[_Pending[In, Out] | None]:
        """The next waiting arrivals, in order; None at the end stands for `stop`."""
        batch = [self._queue.get()]
        while batch[-1] is not None and len(batch) < MAX_BATCH:
            try:
                batch.append(self._queue.get_nowait())
            except Empty:
                break
        return batch

    def _process(self, arrivals: Sequence[In]) -> Sequence[Out | BaseException]:
        if not arrivals:
            return []
        try:
            return self._work(arrivals)
        except Exception as error:
            if len(arrivals) == 1 or isinstance(error, OperationalError):  # an unavailable database is so for all
                return [error] * len(arrivals)
            return [answer for arrival in arrivals for answer in self._process([arrival])]
