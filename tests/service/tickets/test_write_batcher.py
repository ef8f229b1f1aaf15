"""The write batcher: tickets that arrive together share a call, and none affects another."""

import asyncio
import threading
import time

import pytest
from sqlalchemy.exc import OperationalError

from deskyard.errors import StoreUnreachable
from service.tickets import write_batcher
from service.tickets.write_batcher import WriteBatcher


def submit_all(batcher, arrivals):
    """Submit all arrivals at once; the answers or errors, in order."""

    async def send():
        return await asyncio.gather(*(batcher.submit(arrival) for arrival in arrivals), return_exceptions=True)

    try:
        return asyncio.run(send())
    finally:
        batcher.stop()


def test_each_arrival_gets_its_own_answer():
    assert submit_all(WriteBatcher(lambda arrivals: [10 * n for n in arrivals]), range(100)) == [
        10 * n for n in range(100)
    ]


def test_what_arrives_while_others_are_placed_is_placed_together():
    calls = []

    def work(arrivals):
        calls.append(len(arrivals))
        time.sleep(0.02)
        return arrivals

    assert submit_all(WriteBatcher(work), range(200)) == list(range(200))
    assert sum(calls) == 200
    assert max(calls) == write_batcher.MAX_BATCH
    assert len(calls) < 20


def test_an_arrival_that_can_not_be_placed_spoils_no_other():
    def work(arrivals):
        if 7 in arrivals:
            raise ValueError("seven")
        return arrivals

    answers = submit_all(WriteBatcher(work), range(20))
    assert [str(answer) for answer in answers if isinstance(answer, ValueError)] == ["seven"]
    assert [answer for answer in answers if not isinstance(answer, ValueError)] == [n for n in range(20) if n != 7]


def test_a_database_that_is_away_is_asked_once_for_all_that_wait():
    calls = []

    def work(arrivals):
        calls.append(len(arrivals))
        time.sleep(0.02)
        raise OperationalError("", {}, Exception("away"))

    answers = submit_all(WriteBatcher(work), range(60))
    assert {type(answer) for answer in answers} == {OperationalError}
    assert len(calls) < 10


def test_too_many_who_wait_are_asked_to_come_again(monkeypatch):
    monkeypatch.setattr(write_batcher, "MAX_WAITING", 3)
    hold = threading.Event()

    def work(arrivals):
        hold.wait(10)
        return arrivals

    batcher = WriteBatcher(work)

    async def send():
        first = asyncio.create_task(batcher.submit("first"))
        await asyncio.sleep(0.1)
        waiting = [asyncio.create_task(batcher.submit(n)) for n in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(StoreUnreachable, match="send it again"):
            await batcher.submit("too late")
        hold.set()
        return await asyncio.gather(first, *waiting)

    assert asyncio.run(send()) == ["first", 0, 1, 2]
    batcher.stop()


def test_a_sender_who_left_stops_nobody():
    hold = threading.Event()

    def work(arrivals):
        hold.wait(10)
        return arrivals

    batcher = WriteBatcher(work)

    async def send():
        left = asyncio.create_task(batcher.submit("left"))
        await asyncio.sleep(0.1)
        left.cancel()
        hold.set()
        return await batcher.submit("stayed")

    assert asyncio.run(send()) == "stayed"
    batcher.stop()
