"""False alarms and delay of the circuit breaker in two hundred of the worlds of
`tests/deskyard/breaker/test_circuit_breaker.py`."""

from collections import defaultdict

import numpy as np
import pytest

from tests.deskyard.breaker.test_circuit_breaker import most_false
from tests.deskyard.breaking import TICKETS, watch

pytestmark = pytest.mark.scale

WORLDS = 200


def test_false_alarms_and_delay_in_two_hundred_worlds(capsys):
    watched = [watch(1_000 + seed) for seed in range(WORLDS)]
    false, most = sum(world.kept for world in watched), most_false(WORLDS * TICKETS)
    delays = defaultdict(list)
    for world in watched:
        delays[world.wrong].append(np.inf if world.broken is None else world.broken)
    with capsys.disabled():
        print(f"\nfalse alarms: {false} in {WORLDS * TICKETS:,} routed tickets (at most {most:.0f})")
        for wrong, found in sorted(delays.items()):
            summary = f"{np.isfinite(found).sum()} of {len(found)} found, half of them within {np.median(found):.0f}"
            print(f"wrong {wrong:.0%}: {summary} of the class's tickets")
    assert false <= most
    for wrong, within in (1.0, 20), (0.6, 30), (0.3, 50):
        assert np.isfinite(delays[wrong]).mean() >= 0.9
        assert np.median(delays[wrong]) <= within
