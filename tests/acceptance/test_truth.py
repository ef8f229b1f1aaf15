"""A champion with a systematic error, on a desk where people correct one in twenty of its mistakes: retraining unlearns
it, for good after five rounds, because unreviewed labels are weighted by how well they agree with reviewed ones. If all
labels counted alike, the mistakes would train the next model."""

import csv
import random
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deskyard.db.database import open_database
from deskyard.desk import queues
from deskyard.domain.actors import Actor
from deskyard.domain.catalogue import TRIAGE
from deskyard.policy.policy import Mode, Policy
from deskyard.policy.versions import Policies
from deskyard.registry import bundle
from deskyard.settings import settings
from deskyard.simulate.ground_truth import write_history
from deskyard.simulate.world import SimulatedWorld
from service.runtime.context import AppContext
from service.tickets.corrections import change_ticket
from service.tickets.routing import IncomingTicket, route_batch
from tests.forked import run_command

WRONG, RIGHT = "Billing", "Access"
CORRECTED = 0.05
ROUND = 240
LEARN = ("--targets", "queue", "--precision", "0.5", "--effort", "quick", "--no-audit", "--no-mlflow", "--champion")


def resolve_all(context, tickets, dice):
    """Resolve all tickets. Those in triage, and `CORRECTED` of the misrouted, are moved to the true queue first."""
    for number, (queue, true) in tickets.items():
        moved = {"queue": true} if queue == TRIAGE or (queue != true and dice.random() < CORRECTED) else {}
        change_ticket(context, number, moved | {"status": "resolved"}, Actor("person", "ann"), expected_version=None)


def count_correct(folder, tickets):
    """The number of tickets whose true queue the champion predicts."""
    champion = bundle.load_bundle(bundle.find_bundle(folder, "champion"))
    predictions = champion.predict([one.ticket for one in tickets])
    return sum(
        one["queue"].label == ticket.truth.labels["queue"] for one, ticket in zip(predictions, tickets, strict=True)
    )


def without_trust(table: Path) -> None:
    """Remove the trust columns from a history."""
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = [name for name in rows[0] if not name.endswith("_trust")]
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def wrong_home(tmp_path_factory):
    """A home whose champion was trained on a history in which one queue was renamed to another."""
    folder = tmp_path_factory.mktemp("wrong")
    past = folder / "past.csv"
    write_history(SimulatedWorld(seed=21, label_noise=0.0, misroutes=0.0), 500, past)
    past.write_text(past.read_text(encoding="utf-8").replace(f",{RIGHT},", f",{WRONG},"), encoding="utf-8")
    result = run_command("train", past, *LEARN, env={"DESKYARD_HOME": str(folder), "DESKYARD_DATABASE_URL": ""})
    assert result.returncode == 0, result.stderr
    past.unlink()
    return folder


@pytest.fixture
def wrong(wrong_home, home):
    """A desk that routes, with that champion."""
    shutil.copytree(wrong_home, home, dirs_exist_ok=True)
    database = open_database(settings().database)
    with database.writing() as conn:
        queues.ensure_queues(conn, [RIGHT])
        Policies.add_version(
            conn, Policy(mode=Mode.ROUTE, precision=0.5, blind_review_rate=0.0), "test", datetime.now(UTC)
        )
    yield AppContext(database, settings().models)
    database.close()


@pytest.mark.parametrize(
    ("trusting", "rounds"),
    [
        pytest.param(True, 2, id="by trust"),
        pytest.param(False, 2, id="all alike"),
        pytest.param(True, 10, id="by trust, ten", marks=pytest.mark.scale),
        pytest.param(False, 5, id="all alike, five", marks=pytest.mark.scale),
    ],
)
def test_a_wrong_champion_does_not_confirm_itself_over_many_retrainings(wrong, tmp_path, command, trusting, rounds):
    judges = [one for one in SimulatedWorld(seed=77).stream(600) if one.truth.labels["queue"] == RIGHT][:60]
    dice, stream = random.Random(5), iter(SimulatedWorld(seed=31).stream(10 * ROUND))
    assert count_correct(settings().models, judges) == 0
    table, found = tmp_path / "history.csv", []
    for _ in range(rounds):
        simulated = [next(stream) for _ in range(ROUND)]
        answered = route_batch(
            wrong, [IncomingTicket(replace(one.ticket, created_at=datetime.now(UTC))) for one in simulated]
        )
        placed = {int(a.answer["ticket"]["id"]): a.answer["ticket"]["queue"] for a in answered}
        true = [one.truth.labels["queue"] for one in simulated]
        resolve_all(wrong, {n: (queue, t) for (n, queue), t in zip(placed.items(), true, strict=True)}, dice)
        assert command("export-history", "--out", table).code == 0
        if not trusting:
            without_trust(table)
        result = command("train", table, *LEARN)
        assert result.code == 0, result.err
        wrong.policy_cache.invalidate()
        wrong.models.refresh()
        found.append(count_correct(settings().models, judges))
    right = [count / len(judges) for count in found]
    if trusting:
        assert right[1] >= 0.5, right
        assert all(share >= 0.8 for share in right[4:]), right
    else:
        assert right[1] <= 0.4, right
        assert max(right) <= 0.75, right
