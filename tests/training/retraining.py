"""Simulated retraining: a champion trained on the beginning of a history, and a challenger compared with it."""

import random
from pathlib import Path

from deskyard.domain.ticket import Target
from deskyard.registry import bundle
from deskyard.registry.comparison import Comparison
from deskyard.simulate.world import SimulatedWorld
from training.compare import side_by_side
from training.data.history import History
from training.pipeline.options import Options
from training.pipeline.run import train_model

QUEUE: tuple[Target, ...] = ("queue",)


def make_history(tickets, labels, seed: int) -> History:
    """A history of these simulated tickets with these queues."""
    return History(tickets=[one.ticket for one in tickets], labels={"queue": labels}, digest=f"retraining {seed}")


def champion(folder: Path, tickets, labels, seed: int) -> bundle.Bundle:
    """The bundle trained on these tickets."""
    trained = train_model(make_history(tickets, labels, seed), Options(QUEUE, 0.9, effort="quick", audit=False))
    bundle.save_bundle(folder, trained.scorer, trained.evidence, trained.card, {"at": "2026-01-31T12:00:00+00:00"})
    return bundle.load_bundle(folder)


def challenged(folder: Path, seed: int, first: int, all_of_them: int, shuffled: str = "") -> Comparison:
    """Compare a champion trained on the `first` tickets with a challenger trained on all but the holdout.

    `shuffled`: shuffle the queues of the challenger's training tickets ("learnt"), or of "all" tickets, so that the
    holdout is wrong, too. The desk has written its queues otherwise since the champion was trained.
    """
    tickets = list(SimulatedWorld(seed=seed).tickets(all_of_them))
    labels = [one.labels["queue"] for one in tickets]
    ours = champion(folder, tickets[:first], labels[:first], seed)
    labels = [f"{label.upper()}\u00a0" for label in labels]
    history = make_history(tickets, labels, seed)
    newest = side_by_side.count_holdout(history, side_by_side.last_trained_ticket(ours))
    if shuffled:
        n = len(labels) - newest if shuffled == "learnt" else len(labels)
        part = labels[:n]
        random.Random(seed).shuffle(part)
        history = make_history(tickets, part + labels[n:], seed)
    trained = train_model(history, Options(QUEUE, 0.9, effort="quick", audit=False, newest=newest))
    return side_by_side.compare_trained(ours, trained, "challenger", history, side_by_side.required_precisions(ours))
