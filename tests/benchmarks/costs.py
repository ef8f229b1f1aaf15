"""What a core does in a second of what must not be slow, with the least that is expected; part of `make bench`.

Processor time, best of five rounds. Prints a Markdown table, and ends with 1 where something is slower than expected.
"""

import sys
import time
from collections.abc import Callable

import numpy as np

from deskyard.domain.ticket import Ticket
from deskyard.features.vectorizer import count_ngrams
from deskyard.simulate.world import SimulatedWorld
from service.http.metrics import Metrics
from training.data import near_duplicates

ROUNDS = 5
TICKETS = 1_500
REQUESTS = 1_000
ORIGINALS = 4_000


def simulated() -> float:
    """Simulated tickets a second."""
    world = SimulatedWorld(seed=9)
    return TICKETS / fastest(lambda: sum(1 for _ in world.tickets(TICKETS)))


def counted() -> float:
    """Requests a second whose metrics are counted."""
    metrics = Metrics()

    def answer() -> None:
        for _ in range(REQUESTS):
            metrics.record_request("GET", "/v1/tickets/{id}", 200, 0.001)

    return REQUESTS / fastest(answer)


def compared() -> float:
    """Tickets a second whose near-copies are found among 8,000."""
    rng = np.random.default_rng(0)
    words = np.array([f"word{chr(97 + i % 26)}{chr(97 + i // 26 % 26)}{chr(97 + i // 676)}" for i in range(5000)])
    texts = [" ".join(words[rng.integers(0, 5000, 20)]) for _ in range(ORIGINALS)]
    tickets = [Ticket(id=str(n), body=body) for n, body in enumerate([*texts, *(f"{text} 9" for text in texts)])]
    counts = count_ngrams(tickets)
    return len(tickets) / fastest(lambda: near_duplicates.group_near_duplicates([], counts))


def fastest(work: Callable[[], object]) -> float:
    """Seconds of processor time of the fastest round."""
    rounds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        rounds.append(time.process_time() - began)
    return min(rounds)


LEAST: dict[Callable[[], float], float] = {simulated: 1_000, counted: 10_000, compared: 1_600}


def main() -> int:
    """Print a line for each; returns 1 if one is slower than expected."""
    print("| what | a second | at least |\n|---|---:|---:|")
    slow = 0
    for measured, least in LEAST.items():
        found = measured()
        slow += found < least
        print(f"| {(measured.__doc__ or '').rstrip('.')} | {found:,.0f} | {least:,.0f} |", flush=True)
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
