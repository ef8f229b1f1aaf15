"""One default world for all tests of the simulated desk."""

import pytest

from deskyard.simulate.world import SimulatedTicket, World

TICKETS = 3000


@pytest.fixture(scope="session")
def default_world() -> World:
    return World(seed=1)


@pytest.fixture(scope="session")
def history(default_world: World) -> list[SimulatedTicket]:
    return list(default_world.tickets(TICKETS))
