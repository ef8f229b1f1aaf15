"""Worlds in which the moment of a change is known: classes that keep their promises, one that breaks it some day, and
people who speak late, or not at all."""

from dataclasses import dataclass

import numpy as np

from deskyard.breaker.change_detector import Observation, detect_alarm

TICKETS = 2_000
EVERY = 100
"""Tickets between two looks."""

NEVER = 10**9


@dataclass
class Watched:
    """What the breaker did in one world: alarms on classes that kept their promise, and of the class that broke it how
    many of its tickets came until the alarm (None: no alarm), and how often it was wrong from then on."""

    kept: int
    broken: int | None
    wrong: float


def watch(seed: int, *, heard: float = 0.9, blind: float = 0.02) -> Watched:
    """One desk: 2 to 12 classes, each exactly as often wrong as its promise allows (odd seeds: half as often), until
    one of them changes half way. `heard` of the wrong tickets are corrected, most of them some dozens of tickets
    later."""
    rng = np.random.default_rng(seed)
    classes = int(rng.integers(2, 13))
    allowed = float(rng.choice([0.02, 0.05, 0.1]))
    wrong = float(rng.choice([0.3, 0.6, 1.0]))
    of = rng.choice(classes, TICKETS, p=rng.dirichlet(np.full(classes, 4.0)))
    changed = np.arange(TICKETS) >= TICKETS // 2
    usual = allowed if seed % 2 == 0 else allowed / 2
    is_wrong = rng.random(TICKETS) < np.where(changed & (of == 0), wrong, usual)
    asked = rng.random(TICKETS) < blind
    known = np.arange(TICKETS) + rng.geometric(1 / 30, TICKETS)
    known[(rng.random(TICKETS) > heard) & ~asked] = NEVER
    found, since = Watched(0, None, wrong), [0] * classes
    for now in range(EVERY, TICKETS + 1, EVERY):
        for label in range(classes):
            if label == 0 and found.broken is not None:
                continue
            mine = since[label] + np.flatnonzero(of[since[label] : now] == label)
            told = [Observation(int(n), bool(is_wrong[n] and known[n] < now), allowed) for n in mine]
            blindly = [one for one in told if asked[one.ticket] and known[one.ticket] < now]
            at = [one.ticket for one in (detect_alarm(told), detect_alarm(blindly)) if one is not None]
            if at and label == 0 and min(at) >= TICKETS // 2:
                found.broken = int((changed[:now] & (of[:now] == 0)).sum())
            elif at:
                found.kept, since[label] = found.kept + 1, now  # somebody looks, and lets it go
    return found
