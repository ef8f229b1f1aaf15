"""`deskyard labels` on a simulated desk whose true labels are known: a queue with too few tickets is named, useful
tickets are selected, and their labels complete its contract."""

import csv
import json
import shutil
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


def plan(command, *arguments):
    """The JSON of `deskyard labels plan`: the last line, because the desk in this process prints to the same output."""
    return json.loads(command("labels", "plan", *arguments, "--json").out.splitlines()[-1])


@pytest.fixture
def past(tmp_path) -> Path:
    """A history in which one queue has few tickets."""
    write_history(SimulatedWorld(seed=21, **WORLD), PAST, tmp_path / "all.csv")
    rows = rows_of(tmp_path / "all.csv")
    rare = [row["id"] for row in rows if row["queue"] == RARE]
    return written([row for row in rows if row["id"] not in rare[:-KEPT]], tmp_path / "past.csv")


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Path:
    """Where the first desk leaves a copy of its home, with the champion, for the others."""
    return tmp_path_factory.mktemp("template") / "home"


@pytest.fixture
def desk(past, home, command, template):
    """A desk whose champion was trained on it; its context, and the true queue of each ticket by number."""
    if template.exists():
        shutil.copytree(template, home, dirs_exist_ok=True)
    else:
        assert command("train", past, *LEARN).code == 0
        shutil.copytree(home, template)
    database = open_database(settings().database)
    with database.writing() as conn:
        queues.ensure_queues(conn, [RARE])
        Policies.add_version(
            conn, Policy(mode=Mode.SUGGEST, precision=0.8, blind_review_rate=0.0), "test", datetime.now(UTC)
        )
    context = AppContext(database, settings().models)
    simulated = list(SimulatedWorld(seed=31, **WORLD).stream(NEW))
    answered = route_batch(
        context, [IncomingTicket(replace(one.ticket, created_at=datetime.now(UTC))) for one in simulated]
    )
    truth = {
        int(a.answer["ticket"]["id"]): one.truth.labels["queue"] for a, one in zip(answered, simulated, strict=True)
    }
    yield context, truth
    database.close()


def test_labels_complete_the_contract_that_needs_them(desk, past, tmp_path, command):
    _, truth = desk
    before = bundle.load_bundle(bundle.find_bundle(settings().models, "champion")).contracts(0.8)["queue"]
    assert RARE not in before.labels
    found = plan(command, "--per-week", "50", "--target", "queue")
    goal = next(one for one in found["goals"] if one["label"] == RARE)
    assert goal["tickets_needed"] > 0
    output = command("labels", "plan", "--per-week", "50").out
    assert f"50 a week: {RARE} has the evidence for its contract in {goal['weeks_to_goal']} week" in output

    table = tmp_path / "to-label.csv"
    assert command("labels", "export", table, "-n", ASKED, "--target", "queue").code == 0
    rows = rows_of(table)
    assert len(rows) == len({row["ticket"] for row in rows}) <= ASKED
    helping = [row for row in rows if row["goal"] == RARE]
    hit = sum(truth[int(row["ticket"])] == RARE for row in helping)
    by_luck = sum(queue == RARE for queue in truth.values()) / len(truth)
    assert hit >= 10
    assert hit / len(helping) > 3 * by_luck

    for row in rows:
        row["label"] = truth[int(row["ticket"])]
    result = command("labels", "import", written(rows, table))
    assert (result.code, f"{len(rows)} labels imported, 0 already known" in result.out) == (0, True), result.err
    again = command("labels", "import", table)
    assert f"0 labels imported, {len(rows)} already known" in again.out

    history = tmp_path / "desk.csv"
    assert command("export-history", "--out", history).code == 0
    assert command("train", past, history, *LEARN).code == 0
    after = bundle.load_bundle(bundle.find_bundle(settings().models, "champion")).contracts(0.8)["queue"]
    assert RARE in after.labels
    found = plan(command, "--target", "queue")
    assert RARE not in [one["label"] for one in found["goals"]]
    assert not {row["ticket"] for row in rows} & {str(one["ticket"]) for one in found["unlabelled"]}


def test_labels_that_look_wrong_are_found_and_not_asked_twice(desk, tmp_path, command):
    context, truth = desk
    wrong, ann = {}, Actor("person", "ann")
    others = {queue: next(o for o in sorted(set(truth.values())) if o != queue) for queue in set(truth.values())}
    for n, (number, queue) in enumerate(truth.items()):
        label = others[queue] if n % 10 == 0 else queue
        if label != queue:
            wrong[number] = label
        change_ticket(context, number, {"queue": label, "status": "resolved"}, ann, expected_version=None)
    found = plan(command, "--target", "queue")
    suspects = [one["ticket"] for one in found["doubtful"]]
    hits = [number in wrong for number in suspects]
    assert sum(hits) >= 0.4 * len(wrong)
    assert sum(hits) / len(hits) >= 0.7
    rows = [{"ticket": n, "target": "queue", "label": truth[n], "reason": "doubtful"} for n in suspects]
    result = command("labels", "import", written(rows, tmp_path / "back.csv"))
    assert result.code == 0, result.err
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
        {"ticket": number + 2, "target": "queue", "label": "Не указано"},
        {"ticket": number + 2, "target": "category", "label": "n/a"},
        {"ticket": number + 3, "target": "queue", "label": f" {RARE.upper()}\u200b"},
        {"ticket": number + 2, "target": "colour", "label": "red"},
    ]
    result = command("labels", "import", written(rows, tmp_path / "back.csv"))
    assert result.code == 1
    assert "2 labels imported, 0 already known, 3 empty, 4 failed" in result.out
    for message in ("line 4: 'syn-7' is not a ticket of this desk", "line 5: ", "line 6: ", "no target 'colour'"):
        assert message in result.err
    assert command("labels", "import", written([{"number": 1}], tmp_path / "other.csv")).code == 2


def test_without_a_model_there_is_nothing_to_label(home, command):
    assert "Nothing to label" in command("labels", "plan").out
    assert command("labels", "plan", "--target", "colour").code == 2
