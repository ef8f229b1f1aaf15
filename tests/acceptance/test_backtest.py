"""`deskyard backtest` on a simulated history whose true labels are known."""

import csv
import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from deskyard.simulate.ground_truth import write_history
from deskyard.simulate.world import SimulatedWorld
from training.backtest import walk_forward

TICKETS = 1_000
"""A hundredth of the tickets of tests/scale."""

BY_QUEUE = ("--targets", "queue", "--precision", "0.8", "--every", "60d", "--settled-after", "7d")


@pytest.fixture(scope="module")
def history(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("past") / "history.csv"
    write_history(
        SimulatedWorld(seed=21, label_noise=0.0, russian=0.0, other_languages=0.0, ambiguous=0.0, vague=0.0),
        TICKETS,
        file,
    )
    return file


@pytest.fixture(scope="module", autouse=True)
def learnt_once() -> Iterator[None]:
    """All backtests of this module learn from the same past with the same options only once."""
    known, train = {}, walk_forward.train_model

    def remembered(past, options, **how):
        told = (past.tickets, past.labels, past.trust, past.taxonomy_changes, options, sorted(how.items()))
        key = sha256(repr(told).encode()).digest()
        if key not in known:
            known[key] = train(past, options, **how)
        return known[key]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(walk_forward, "train_model", remembered)
        yield


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def settled(row) -> datetime:
    """When the labels of a ticket were settled, by --settled-after 7d."""
    at = row["resolved_at"] or row["created_at"]
    return datetime.fromisoformat(at) + timedelta(days=0 if row["resolved_at"] else 7)


def written(rows, file: Path) -> Path:
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return file


@pytest.fixture
def backtest(command):
    """A function that runs `deskyard backtest`; returns the figures, and the rows of the table by ticket."""

    def run(history, *more, out=None):
        result = command("backtest", history, *BY_QUEUE, *more, "--json", *(("--out", out) if out else ()))
        assert result.code == 0, result.err
        return json.loads(result.out), {row["id"]: row for row in rows_of(out)} if out else {}

    return run


def policy(folder: Path, name: str, text: str) -> Path:
    file = folder / f"{name}.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_it_does_what_the_model_of_that_day_would_have_done(history, backtest, command, tmp_path):
    found, table = backtest(history, out=tmp_path / "table.csv")
    rows = rows_of(history)
    starts = [datetime.fromisoformat(model["from"]) for model in found["models"]]
    assert len(starts) >= 2
    start, end = starts[-2], starts[-1]
    known = [row for row in rows if settled(row) <= start]
    new = [row for row in rows if start <= datetime.fromisoformat(row["created_at"]) < end]
    assert len(known) == found["models"][-2]["learnt_from"]
    result = command(
        "train", written(known, tmp_path / "known.csv"), "--targets", "queue", "--precision", "0.8",
        "--effort", "quick", "--no-audit", "--out", tmp_path / "model",
    )  # fmt: skip
    assert result.code == 0, result.err
    assert (
        command("predict", tmp_path / "model", written(new, tmp_path / "came.csv"), "--out", tmp_path / "p.csv").code
        == 0
    )
    predicted = {row["id"]: row for row in rows_of(tmp_path / "p.csv")}
    assert not found["policies"][0]["breaker_openings"]
    here = {name: row for name, row in table.items() if name in predicted}
    assert len(here) == len(new) > 100
    for name, row in here.items():
        routed = predicted[name]["queue_action"] == "route"
        assert row["queue"] == (predicted[name]["queue"] if routed else "triage")
    assert 0.5 < sum(row["queue"] != "triage" for row in here.values()) / len(here) < 1


def test_what_it_counts_is_what_was_true(history, backtest, tmp_path):
    found, table = backtest(history, out=tmp_path / "table.csv")
    truth = {row["id"]: row["queue"] for row in rows_of(history)}
    (figures,) = found["policies"]
    routed = {name: row for name, row in table.items() if row["queue"] != "triage"}
    right = sum(row["queue"] == truth[name] for name, row in routed.items())
    assert (figures["tickets"], figures["routed"], figures["correct"]) == (len(table), len(routed), right)
    assert sum(period["routed"] for period in figures["periods"]) == figures["routed"]
    assert {q["queue"]: q["routed"] for q in figures["queues"]} == Counter(row["queue"] for row in routed.values())
    wrong = Counter((row["queue"], truth[name]) for name, row in routed.items() if row["queue"] != truth[name])
    assert {(one["queue"], one["true_queue"]): one["tickets"] for one in figures["mistakes"]} == wrong
    assert figures["minutes_saved"] == pytest.approx(
        sum(float(r["manual_minutes"]) - float(r["minutes"]) for r in table.values()), abs=1
    )


def test_what_is_settled_later_changes_nothing_before(history, backtest, tmp_path):
    """Not even that all tickets of a queue belonged to another, because nobody knew it then."""
    _, before = backtest(history, out=tmp_path / "a.csv")
    rows = rows_of(history)
    last = datetime.fromisoformat(rows[-1]["created_at"]) - timedelta(days=5)
    late = {row["id"] for row in rows if settled(row) > last}
    changed = [row | ({"queue": "Elsewhere"} if row["id"] in late else {}) for row in rows]
    _, after = backtest(written(changed, tmp_path / "changed.csv"), out=tmp_path / "b.csv")
    names = [row["id"] for row in rows if datetime.fromisoformat(row["created_at"]) < last and row["id"] in before]
    assert len(late & set(before)) > 10
    assert [after[name]["queue"] for name in names] == [before[name]["queue"] for name in names]


def test_two_policies_differ_ticket_by_ticket_as_they_do_alone(history, backtest, tmp_path):
    one = policy(tmp_path, "one", 'mode = "route"\nprecision = 0.9\n')
    two = policy(tmp_path, "two", 'mode = "route"\nprecision = 0.9\n[queues.Billing]\nmode = "suggest"\n')
    (alone, first), (_, second) = (
        backtest(history, "--policy", file, out=tmp_path / f"{file.stem}.csv") for file in (one, two)
    )
    both, table = backtest(history, "--policy", one, "--policy", two, out=tmp_path / "both.csv")
    otherwise = {name for name in first if first[name]["queue"] != second[name]["queue"]}
    assert otherwise == {name for name in first if first[name]["queue"] == "Billing"} == set(table)
    assert {row["second"] for row in table.values()} == {"triage"}
    assert {row["second_reason"] for row in table.values()} == {"suggest"}
    assert both["policies"][0]["minutes_saved"] == alone["policies"][0]["minutes_saved"]
    saved = both["policies"][1]["minutes_saved"] - both["policies"][0]["minutes_saved"]
    assert both["difference"]["minutes"] == pytest.approx(saved, abs=0.2)
    assert both["difference"]["interval"][0] < saved < both["difference"]["interval"][1]


def test_the_promise_that_pays_depends_on_what_a_mistake_costs(history, backtest, tmp_path):
    def priced(minutes):
        file = tmp_path / f"{minutes}.toml"
        found, _ = backtest(history, "--misroute-minutes", minutes, "--policy-out", file)
        best = max(found["curve"], key=lambda point: point["minutes_saved"])
        return found, best, file

    (cheap, routes_much, loose), (_, routes_little, strict) = priced(0), priced(2_000)
    assert routes_much["routed"] == max(point["routed"] for point in cheap["curve"])
    assert routes_little["routed"] < routes_much["routed"]
    assert routes_little["precision"] > routes_much["precision"]
    (under_loose, _), (under_strict, _) = (
        backtest(history, "--misroute-minutes", 2_000, "--policy", file) for file in (loose, strict)
    )
    assert under_strict["policies"][0]["minutes_saved"] > under_loose["policies"][0]["minutes_saved"]


def test_the_taxonomy_of_the_day_names_the_queues_of_that_day(history, backtest, tmp_path):
    rows = rows_of(history)
    day = rows[len(rows) * 6 // 10]["created_at"][:10]
    renamed = [
        row | ({"queue": "Accounts"} if row["queue"] == "Billing" and row["created_at"] >= day else {}) for row in rows
    ]
    file = written(renamed, tmp_path / "renamed.csv")
    change = f'[[taxonomy]]\non = {day}\ntarget = "queue"\nrename = "Billing"\nto = "Accounts"\n'
    plain = 'mode = "route"\n'
    with_it = policy(tmp_path, "with", plain + change)
    without = policy(tmp_path, "without", plain)
    figures, table = backtest(file, "--policy", with_it, out=tmp_path / "with.csv")
    bare, _ = backtest(file, "--policy", without)
    created = {row["id"]: row["created_at"] for row in rows}
    routed = {name: row["queue"] for name, row in table.items() if row["queue"] in ("Billing", "Accounts")}
    assert {queue for name, queue in routed.items() if created[name] < day} == {"Billing"}
    assert {queue for name, queue in routed.items() if created[name] >= day} == {"Accounts"}
    assert figures["policies"][0]["correct"] - bare["policies"][0]["correct"] > 10


def test_the_breaker_takes_out_a_queue_that_is_somebody_elses_by_now(history, backtest, tmp_path):
    rows = rows_of(history)
    since = rows[len(rows) // 2]["created_at"]
    gone = [
        row | ({"queue": "Security"} if row["queue"] == "Access" and row["created_at"] >= since else {}) for row in rows
    ]
    file = written(gone, tmp_path / "gone.csv")
    found, table = backtest(file, "--every", "180d", "--settled-after", "1d", out=tmp_path / "table.csv")
    (figures,) = found["policies"]
    assert {"period": 0, "target": "queue", "label": "Access"} in figures["breaker_openings"]
    held = [row for row in table.values() if row["reason"] == "tripped"]
    assert held
    first = min(row["at"] for row in held)
    assert not [row for row in table.values() if row["queue"] == "Access" and row["at"] > first]


def test_people_read_what_it_saves_and_what_it_takes_for_what(history, command, tmp_path):
    one = policy(tmp_path, "now", 'mode = "route"\n')
    two = policy(tmp_path, "halted", 'mode = "route"\nhalted = true\n')
    moves = history.with_name("history.moves.csv")
    result = command("backtest", history, *BY_QUEUE, "--moves", moves, "--policy", one, "--policy", two)
    assert result.code == 0, result.err
    assert "A misroute took 1." in result.out
    assert "together" in result.out
    assert "<- most" in result.out
    assert "Nothing is routed" in result.out
    assert f"{two.name} instead of {one.name}" in result.out
    assert "routed rightly -> left to people" in result.out
    assert "significantly less" in result.out


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        ("en", ("Backtest of the policy", "Best required precision")),
        ("ru", ("Проверка политики на истории", "Выгодная требуемая точность")),
    ],
)
def test_managers_get_a_page_of_it(history, command, tmp_path, language, texts):
    page = tmp_path / "page.html"
    assert command("backtest", history, *BY_QUEUE, "--report", page, "--lang", language).code == 0
    text = page.read_text(encoding="utf-8")
    assert all(one in text for one in texts)
    assert "<svg" in text
    assert "<script" not in text
    assert "http" not in text.replace("http-equiv", "").replace("http://www.w3.org", "")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--every", "soon"], "--every soon: write hours, days or weeks, such as 30d"),
        (["--every", "1h"], "more than 200 trainings"),
        (["--begin", "2099-01-01"], "no ticket came after 2099-01-01"),
        (["--begin", "then"], "--begin then: write a day, such as 2026-01-31"),
        (["--policy", "nowhere.toml"], "--policy nowhere.toml: the file can't be read"),
        (["--policy", "desk", "--policy", "desk"], "--policy: name one policy, or two different ones"),
        (["--targets", "priority"], "nothing that places tickets is learnt: name queue or category"),
        (["--desk"], "name the files of a history, or use --desk"),
    ],
)
def test_what_can_not_be_lived_through_is_told_in_a_sentence(history, command, more, message):
    answer = command("backtest", history, "--moves", history.with_name("history.moves.csv"), *more)
    assert answer.code == 2
    assert message in " ".join(answer.err.split())
