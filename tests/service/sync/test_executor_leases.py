"""Several processes: refused on SQLite; on PostgreSQL one that dies is replaced while the port stays open."""

import os
import signal
import time
import urllib.request

import psutil

from tests.fakes.foreign import Deskyard


def test_many_processes_on_sqlite_are_refused_with_a_sentence(command):
    for arguments in (("serve", "--workers", "2"), ("work",)):
        result = command(*arguments)
        assert result.code == 2
        assert "a SQLite database is used by one `deskyard serve` process" in result.err


def test_two_processes_serve_one_port_and_a_dead_one_is_replaced(tmp_path, postgres_url):
    here = Deskyard(tmp_path, postgres_url)
    try:
        parent = here.start("serve", "--port", "0", "--workers", "2")
        port = int(parent.first_line.rpartition(":")[2].partition("/")[0])
        assert wait_for(lambda: alive(port))
        first = children(parent.pid)
        assert len(first) == 2
        os.kill(first[0], signal.SIGKILL)
        assert wait_for(lambda: len(set(children(parent.pid)) - set(first)) == 1)
        assert all(wait_for(lambda: alive(port)) for _ in range(5))
    finally:
        here.end()
    assert wait_for(lambda: not [pid for pid in first if running(pid)])


def alive(port) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def children(parent) -> list[int]:
    return [child.pid for child in psutil.Process(parent).children()]


def running(pid) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(condition, seconds=40.0):
    until = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < until:
        time.sleep(0.2)
    return found
