"""The storm for more than half an hour (`make soak`): two worker processes, 50 kills, 2 restarts of PostgreSQL."""

import time

import pytest

from tests.acceptance.conftest import base, connected, desk, faults, postgres_of_its_own  # noqa: F401 - fixtures
from tests.acceptance.storm import Storm

pytestmark = pytest.mark.soak

TICKETS, KILLS, RESTARTS, RACES, FAILURES = 5_000, 50, 2, 1_000, 100


@pytest.fixture
def ground():
    with postgres_of_its_own() as found:
        yield found


def test_a_long_storm_loses_doubles_and_overwrites_nothing(desk, faults, ground, connected):  # noqa: F811 - fixtures
    url, restart = ground
    began = time.monotonic()
    storm = Storm(
        desk,
        faults,
        connected,
        url,
        restart,
        tickets=TICKETS,
        kills=KILLS,
        restarts=RESTARTS,
        races=RACES,
        failures=FAILURES,
        pause=0.2,
    )
    storm.blow(patience=900)
    print(f"\n{time.monotonic() - began:,.0f} s: {storm.count()}")
