"""A second deskyard, in a process of its own, keeps the contract; it tells of new tickets by its own webhooks."""

from datetime import UTC, datetime

import pytest

from deskyard.connectors import open_store
from deskyard.testing import CASES
from tests.real.catcher import catching
from tests.real.deskyard_stand import stand
from tests.service.foreign import wait_for

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def caught(hook_port):
    with catching(hook_port) as calls:
        yield calls


@pytest.fixture(scope="module")
def desk(caught, hook_port):
    with stand(f"http://127.0.0.1:{hook_port}/hooks/deskyard") as one:
        yield one


@pytest.fixture(scope="module")
def store(desk):
    opened = open_store(desk.url)
    yield opened
    opened.close()


@pytest.mark.parametrize("case", CASES)
def test_a_deskyard_of_its_own_keeps_the_contract(case, store, desk):
    CASES[case](store, desk.harness)


def test_its_own_webhook_tells_of_a_new_ticket_and_is_believed(store, desk, caught):
    ref = desk.file("VPN", "It drops.", None)

    def read_events():
        now = datetime.now(UTC)
        calls = caught.wait_for(1)  # of other tests' tickets too
        return {
            event.ref: event.by_deskyard for headers, raw in calls for event in store.parse_webhook(headers, raw, now)
        }

    assert wait_for(lambda: ref in read_events())
    assert read_events()[ref] is False
