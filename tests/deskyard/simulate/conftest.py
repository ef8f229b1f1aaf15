"""One default world for all tests of the simulated desk."""

import pytest

from deskyard.simulate.world import SimulatedTicket, SimulatedWorld

TICKETS = 3000


@pytest.fixture(scope="session")
def default_world() -> SimulatedWorld:
    return SimulatedWorld(seed=1)


@pytest.fixture(scope="session")
def history(default_world: SimulatedWorld) -> list[SimulatedTicket]:
    return list(default_world.tickets(TICKETS))
