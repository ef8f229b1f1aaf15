"""The simulated desk: yields synthetic tickets with recorded labels, true labels and moves, in the order of filing.

The same settings always give the same tickets.

    world = SimulatedWorld(seed=1, label_noise=0.0)
    for simulated in world.tickets(3000):
        simulated.ticket, simulated.labels["queue"], simulated.truth.labels["queue"], simulated.moves
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import count as numbers
from itertools import islice
from typing import Any

from deskyard.errors import BadInput
from deskyard.simulate.generator import STREAM_SIZE, TicketGenerator
from deskyard.simulate.grammar import Grammar
from deskyard.simulate.journey import Move
from deskyard.simulate.labels import LabelNoise
from deskyard.simulate.oracle import Oracle
from deskyard.simulate.scenario import SimulatedDesk
from deskyard.simulate.settings import SimulationSettings
from deskyard.simulate.simulated_ticket import GroundTruth, SimulatedTicket

__all__ = ["GroundTruth", "Move", "SimulatedTicket", "SimulatedWorld", "SimulationSettings"]


class SimulatedWorld:
    """The simulated desk. Change settings by name, e.g. `SimulatedWorld(seed=2, typos=0.0, burst=False)`.

    >>> world = SimulatedWorld(seed=1, label_noise=0.0)
    >>> one, two = world.tickets(2)
    >>> one.ticket.source, one.labels == one.truth.labels
    ('synthetic', True)
    """

    def __init__(self, settings: SimulationSettings | None = None, **changes: Any) -> None:
        """Build the desk of `world_seed`. Raises BadInput for a setting out of range, TypeError for an unknown one."""
        self.settings = replace(settings or SimulationSettings(), **changes)
        self.desk = SimulatedDesk(self.settings)
        self.grammar = Grammar(self.desk, self.settings)
        self.oracle = Oracle(self.desk, LabelNoise(self.desk), self.settings.label_noise)

    def tickets(self, count: int) -> Iterator[SimulatedTicket]:
        """A history: `count` tickets (0 or more) spread over the settings' days. The burst needs at least 50."""
        if count < 0:
            raise BadInput(f"The number of tickets can't be negative: {count}.")
        return self._make_generator(0, count).generate()

    def stream(self, count: int | None = None) -> Iterator[SimulatedTicket]:
        """New tickets from the time after the history, endless without `count`; the first n never depend on it."""
        if count is not None and count < 0:
            raise BadInput(f"The number of tickets can't be negative: {count}.")
        endless = (one for number in numbers(1) for one in self._make_generator(number, STREAM_SIZE).generate())
        return islice(endless, count)

    def burst_window(self, count: int) -> tuple[datetime, datetime] | None:
        """The times of the first and the last ticket of the burst in `tickets(count)`; None if there is no burst."""
        moments = self._make_generator(0, count).burst
        return (moments[0], moments[-1]) if moments else None

    def _make_generator(self, number: int, count: int) -> TicketGenerator:
        return TicketGenerator(self.settings, self.grammar, self.oracle, number, count)
