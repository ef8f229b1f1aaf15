"""Who may judge: not the machine's own word, and not its mistakes alone."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from deskyard.domain import label_trust
from deskyard.domain.ticket import TARGETS, Ticket
from tests.training.retraining import QUEUE, champion, make_history
from training.compare import side_by_side
from training.compare.impartial_labels import impartial_labels
from training.data.history import History
from training.data.moves import Move
from training.pipeline.options import Options
from training.pipeline.run import train_model

AT = datetime(2026, 1, 1, tzinfo=UTC)
SAID = ("", label_trust.BLIND, label_trust.CORRECTED, label_trust.CONFIRMED, label_trust.UNREVIEWED)


def history(said, moves=()):
    n = len(said)
    return History(
        tickets=[Ticket(id=str(i), body="x") for i in range(n)],
        labels={target: ["A"] * n for target in TARGETS},
        trust={target: list(said) if target == "queue" else [] for target in TARGETS},
        moves=[Move(str(i), AT, actor, "queue", None, after) for i, actor, after in moves],
    )


def test_what_the_machine_had_set_judges_only_where_a_person_sorted_it_blindly():
    moved = [(i, "machine:4f1c", "A") for i in range(5)]
    assert impartial_labels(history(SAID, moved), "queue") == [None, "A", None, None, None]
    assert impartial_labels(history(SAID, moved), "category") == ["A"] * 5


def test_what_it_had_left_to_people_judges_whatever_it_had_suggested():
    left = [(i, "machine:4f1c", "triage") for i in range(5)]
    assert impartial_labels(history(SAID, left), "queue") == ["A"] * 5
    by_people = [(i, "ann", "A") for i in range(5)]
    assert impartial_labels(history(SAID, by_people), "queue") == ["A"] * 5


def test_where_no_moves_say_who_did_it_only_what_nothing_is_said_of_or_was_blind_judges():
    assert impartial_labels(history(SAID), "queue") == ["A", "A", None, None, None]
    assert impartial_labels(history([""] * 3), "queue") == ["A"] * 3


@pytest.fixture(scope="module")
def swallowed(tmp_path_factory):
    """A champion to whom one queue is another, and what a desk made of its answers: it had set seven of ten and nobody
    looked, people sorted the others."""
    from deskyard.simulate.world import SimulatedWorld

    wrong, right = "Billing", "Access"
    tickets = list(SimulatedWorld(seed=4, label_noise=0.0, ambiguous=0.0, vague=0.0).tickets(1_200))
    true = [one.labels["queue"] for one in tickets]
    ours = champion(
        tmp_path_factory.mktemp("champion") / "bundle",
        tickets[:300],
        [wrong if t == right else t for t in true[:300]],
        4,
    )
    new = [one.ticket for one in tickets[300:]]
    said = [answer["queue"].label for answer in ours.predict(new)]
    was_set = {ticket.id for n, ticket in enumerate(new) if n % 10 < 7}
    labels = [
        *true[:300],
        *(told if one.id in was_set else t for told, one, t in zip(said, new, true[300:], strict=True)),
    ]
    moves = [Move(one.id, AT, "machine:4f1c", "queue", None, "X") for one in new if one.id in was_set]
    desk = replace(make_history(tickets, labels, 4), moves=moves)
    trained = train_model(make_history(tickets, true, 4), Options(QUEUE, 0.8, effort="quick", audit=False, newest=500))
    return ours, trained, desk


def test_a_better_model_is_not_measured_by_the_word_of_the_one_it_would_replace(swallowed):
    ours, trained, desk = swallowed
    fair = side_by_side.compare_trained(ours, trained, "challenger", desk, side_by_side.required_precisions(ours))
    flattered = side_by_side.compare_trained(
        ours, trained, "challenger", replace(desk, moves=[]), side_by_side.required_precisions(ours)
    )
    assert fair.promote, fair.verdict
    assert not flattered.promote
