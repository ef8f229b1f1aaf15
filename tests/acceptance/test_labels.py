"""Label work from the command line, on a simulated desk whose truth is known: a queue of which the model knows too few
tickets is named, the right tickets are asked about, and what people say brings its contract."""

import csv
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deskyard.db.database import open_database
from deskyard.desk import queues
from deskyard.domain.actors import Actor
from deskyard.policy.policy import Mode, Policy
from deskyard.policy.versions import Policies
from deskyard.registry import bundle
from deskyard.settings import settings
from deskyard.simulate.ground_truth import write_history
from deskyard.simulate.world import SimulatedWorld
from service.runtime.context import AppContext
from service.tickets.corrections import change_ticket
from service.tickets.routing import IncomingTicket, route_batch

RARE, KEPT = "Mail", 8
PAST, NEW, ASKED = 900, 500, 60
WORLD = {"label_noise": 0.0, "misroutes": 0.0, "vague": 0.0, "ambiguous": 0.0}
LEARN = ("--targets", "queue", "--precision", "0.8", "--effort", "quick", "--no-audit", "--no-mlflow", "--champion")


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def written(rows, file: Path) -> Path:
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, rows[0], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return file


def plan(command, *asked):
    """What `deskyard labels plan` tells; the desk beside it, in this process, tells its own on the same screen."""
    return json.loads(command("labels", "plan", *asked, "--json").out.splitlines()[-1])


@pytest.fixture
def past(tmp_path) -> Path:
    """A history in which one queue has hardly any tickets."""
    write_history(SimulatedWorld(seed=21, **WORLD), PAST, tmp_path / "all.csv")
    rows = rows_of(tmp_path / "all.csv")
    rare = [row["id"] for row in rows if row["queue"] == RARE]
    return written([row for row in rows if row["id"] not in rare[:-KEPT]], tmp_path / "past.csv")


@pytest.fixture
def desk(past, command):
    """A desk whose champion learnt from that; what is true of each of its tickets, by number."""
    assert command("train", past, *LEARN).code == 0
    database = open_database(settings().database)
    with database.writing() as conn:
        queues.ensure_queues(conn, [RARE])
        Policies.add_version(
            conn, Policy(mode=Mode.SUGGEST, precision=0.8, blind_review_rate=0.0), "test", datetime.now(UTC)
        )
    context = AppContext(database, settings().models)
    came = list(SimulatedWorld(seed=31, **WORLD).stream(NEW))
    answered = route_batch(context, [IncomingTicket(replace(one.ticket, created_at=datetime.now(UTC))) for one in came])
    truth = {int(a.answer["ticket"]["id"]): one.truth.labels["queue"] for a, one in zip(answered, came, strict=True)}
    yield context, truth
    database.close()


def test_labels_bring_the_contract_that_lacks_them(desk, past, tmp_path, command):
    _, truth = desk
    before = bundle.load_bundle(bundle.find_bundle(settings().models, "champion")).contracts(0.8)["queue"]
    assert RARE not in before.labels
    found = plan(command, "--per-week", "50", "--target", "queue")
    goal = next(one for one in found["goals"] if one["label"] == RARE)
    assert goal["lacking"] > 0
    told = command("labels", "plan", "--per-week", "50").out
    assert f"50 a week: {RARE} has the evidence for its contract in {goal['weeks']} week" in told

    table = tmp_path / "wanted.csv"
    assert command("labels", "out", table, "-n", ASKED, "--target", "queue").code == 0
    rows = rows_of(table)
    assert len(rows) == len({row["ticket"] for row in rows}) <= ASKED
    helping = [row for row in rows if row["helps"] == RARE]
    hit = sum(truth[int(row["ticket"])] == RARE for row in helping)
    by_luck = sum(queue == RARE for queue in truth.values()) / len(truth)
    assert hit >= 10
    assert hit / len(helping) > 3 * by_luck

    for row in rows:
        row["label"] = truth[int(row["ticket"])]
    said = command("labels", "in", written(rows, table))
    assert (said.code, f"{len(rows)} labels taken, 0 were known" in said.out) == (0, True), said.err
    again = command("labels", "in", table)
    assert f"0 labels taken, {len(rows)} were known" in again.out

    history = tmp_path / "desk.csv"
    assert command("export-history", "--out", history).code == 0
    assert command("train", past, history, *LEARN).code == 0
    after = bundle.load_bundle(bundle.find_bundle(settings().models, "champion")).contracts(0.8)["queue"]
    assert RARE in after.labels
    found = plan(command, "--target", "queue")
    assert RARE not in [one["label"] for one in found["goals"]]
    assert not {row["ticket"] for row in rows} & {str(one["ticket"]) for one in found["wanted"]}


def test_labels_that_look_wrong_are_found_and_not_asked_twice(desk, tmp_path, command):
    context, truth = desk
    wrong, ann = {}, Actor("person", "ann")
    others = {queue: next(o for o in sorted(set(truth.values())) if o != queue) for queue in set(truth.values())}
    for n, (number, queue) in enumerate(truth.items()):
        stands = others[queue] if n % 10 == 0 else queue
        if stands != queue:
            wrong[number] = stands
        change_ticket(context, number, {"queue": stands, "status": "resolved"}, ann, expected_version=None)
    found = plan(command, "--target", "queue")
    suspects = [one["ticket"] for one in found["doubtful"]]
    hits = [number in wrong for number in suspects]
    assert sum(hits) >= 0.4 * len(wrong)
    assert sum(hits) / len(hits) >= 0.7
    rows = [{"ticket": n, "target": "queue", "label": truth[n], "why": "doubtful"} for n in suspects]
    said = command("labels", "in", written(rows, tmp_path / "back.csv"))
    assert said.code == 0, said.err
    assert plan(command, "--target", "queue")["doubtful"] == []
    with context.database.reading() as conn:
        from deskyard.desk import tickets

        assert all(tickets.get_ticket(conn, number).queue == truth[number] for number in suspects)


def test_rows_that_can_not_be_taken_are_named_and_all_others_are_kept(desk, tmp_path, command):
    _, truth = desk
    number = next(iter(truth))
    rows = [
        {"ticket": number, "target": "queue", "label": RARE},
        {"ticket": number + 1, "target": "", "label": ""},
        {"ticket": "syn-7", "target": "queue", "label": RARE},
        {"ticket": 999_999, "target": "queue", "label": RARE},
        {"ticket": number + 2, "target": "queue", "label": "Nowhere"},
        {"ticket": number + 2, "target": "colour", "label": "red"},
    ]
    said = command("labels", "in", written(rows, tmp_path / "back.csv"))
    assert said.code == 1
    assert "1 labels taken, 0 were known, 1 left empty, 4 could not be taken" in said.out
    for told in ("line 4: 'syn-7' is no ticket of this desk", "line 5: ", "line 6: ", "no target 'colour'"):
        assert told in said.err
    assert command("labels", "in", written([{"number": 1}], tmp_path / "other.csv")).code == 2


def test_without_a_model_nothing_is_wanted(home, command):
    assert "nothing is wanted" in command("labels", "plan").out
    assert command("labels", "plan", "--target", "colour").code == 2
