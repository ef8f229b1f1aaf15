"""A run: the same history gives the same bytes, nothing judged was learnt, and chance is never promised anything."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sklearn import metrics

from deskyard.domain.decision import Action
from deskyard.domain.ticket import TARGETS, Ticket
from deskyard.errors import NothingToLearn
from deskyard.registry import bundle
from deskyard.reports.model_card import list_remarks
from deskyard.simulate.ground_truth import write_history
from deskyard.simulate.world import SimulatedWorld
from training.data.history import History
from training.data.load import load_history
from training.fit.metrics import Score
from training.pipeline.options import Options
from training.pipeline.run import train_model

TWO = Options(targets=("priority", "queue"), precision=0.8)


@pytest.fixture(scope="module")
def small(make_history):
    return make_history(120)


@pytest.fixture(scope="module")
def trained(small):
    return train_model(small, TWO)


def digest(trained, folder):
    return bundle.save_bundle(folder, trained.scorer, trained.evidence, trained.card, {})


def history(*rows, days=True):
    """A history of (subject, queue) rows, one a day."""
    start = datetime(2025, 1, 1, tzinfo=UTC)
    tickets = [
        Ticket(id=str(n), subject=subject, created_at=start + timedelta(days=n) if days else None)
        for n, (subject, _) in enumerate(rows)
    ]
    nothing = [None] * len(rows)
    labels = {target: list(nothing) for target in TARGETS} | {"queue": [queue for _, queue in rows]}
    return History(tickets=tickets, labels=labels, digest="by hand")


def test_the_same_history_gives_the_same_bundle_to_the_byte(small, trained, tmp_path):
    first, second = digest(trained, tmp_path / "a"), digest(train_model(small, TWO), tmp_path / "b")
    assert first == second
    other = train_model(small, replace(TWO, seed=1))
    assert other.card["options"]["seed"] == 1
    assert digest(other, tmp_path / "c") != first


ELSEWHERE = """
import os, sys
os.cpu_count = lambda: 2
import joblib
from pathlib import Path
from deskyard.registry import bundle
from training.data.load import load_history
from training.fit import backend
from training.pipeline.options import Options
from training.pipeline.run import train_model
backend.MIN_TICKETS_FOR_PROCESSES = 0
with joblib.parallel_config(max_nbytes=1000):  # what is handed over is mapped and can't be written to
    found = train_model(load_history([sys.argv[1]]), Options(targets=("priority", "queue"), precision=0.8))
print(bundle.save_bundle(Path(sys.argv[2]), found.scorer, found.evidence, found.card, {}))
"""


def test_another_process_with_two_cores_gives_the_same_bundle_to_the_byte(tmp_path):
    write_history(SimulatedWorld(seed=5), 60, tmp_path / "history.csv")
    here = digest(train_model(load_history([tmp_path / "history.csv"]), TWO), tmp_path / "here")
    there = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, tmp_path / "history.csv", tmp_path / "there"],
        env={**os.environ, "PYTHONHASHSEED": "7"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert there.stdout.strip() == here, there.stderr


def test_tickets_of_a_test_file_are_never_learnt_from(small, make_history, tmp_path):
    judge = make_history(60, seed=9)
    told = [replace(ticket, id=f"t{n}", body=f"{ticket.body} shibboleth") for n, ticket in enumerate(judge.tickets)]
    judge = History(tickets=told, labels=judge.labels, digest="judge")
    with_judge = train_model(small, TWO, judge)
    vocabulary = with_judge.scorer.vocabulary
    assert not [name for block in vocabulary.names for name in block if "shibb" in name]
    assert not set(with_judge.scorer.neighbour_index.ids) & {ticket.id for ticket in told}
    assert sum(len(rows) for rows in with_judge.evidence.values()) == 2 * round(0.6 * 120)
    assert with_judge.card["judged_on"].items() >= {"how": "the test file", "tickets": 60, "learnt_from": 120}.items()
    # Other labels in the test file change what is judged, and nothing of what is saved.
    labels = {target: values[::-1] for target, values in judge.labels.items()}
    otherwise = train_model(small, TWO, History(tickets=told, labels=labels, digest="judge"))
    assert otherwise.evaluations["queue"].score.accuracy < with_judge.evaluations["queue"].score.accuracy
    for card in (with_judge.card, otherwise.card):
        for target in card["targets"].values():
            del target["score"]
    assert digest(with_judge, tmp_path / "a") == digest(otherwise, tmp_path / "b")


def test_what_is_judged_was_not_learnt_by_the_judged_model(small):
    # The newest fifth gets a word and labels of its own: a model that had seen them would know.
    cut = round(120 * 0.8)
    tickets = [replace(t, body="shibboleth") if n >= cut else t for n, t in enumerate(small.tickets)]
    queues = [("Novel" if n >= cut else queue) for n, queue in enumerate(small.labels["queue"])]
    changed = History(tickets=tickets, labels=small.labels | {"queue": queues}, digest="changed")
    found = train_model(changed, replace(TWO, targets=("queue",)))
    assert found.evaluations["queue"].score.accuracy == 0
    assert "Novel" in found.scorer.heads["queue"].labels
    assert "shibboleth" in found.scorer.vocabulary.names[0]


def test_the_figures_are_those_of_scikit_learn_on_the_judging_tickets(past, learnt):
    """The judged model anew, by the estimators' own hands."""
    card = bundle.load_bundle(learnt).card
    cut = round(len(past) * 0.8)
    again = train_model(
        History(tickets=past.tickets[:cut], labels={t: v[:cut] for t, v in past.labels.items()}, digest="older"),
        Options(targets=("queue",), precision=0.8),
        History(tickets=past.tickets[cut:], labels={t: v[cut:] for t, v in past.labels.items()}, digest="newer"),
    )
    said = [answer["queue"] for answer in again.scorer.predict(past.tickets[cut:])]
    truth = past.labels["queue"][cut:]
    score = card["targets"]["queue"]["score"]
    assert score["n"] == len(truth)
    assert score["accuracy"] == pytest.approx(metrics.accuracy_score(truth, [one.label for one in said]))
    f1 = metrics.f1_score(truth, [one.label for one in said], labels=sorted(set(truth)), average="macro")
    assert score["macro_f1"] == pytest.approx(f1)
    top3 = [true in [label for label, _ in one.top[:3]] for one, true in zip(said, truth, strict=True)]
    assert score["top3"] == pytest.approx(np.mean(top3))
    contract = again.evaluations["queue"].contract
    routed = [contract.decide(one)[0] is Action.ROUTE for one in said]
    right = [one.label == true for one, true, go in zip(said, truth, routed, strict=True) if go]
    assert score["coverage"] == pytest.approx(np.mean(routed))
    assert score["precision"] == pytest.approx(np.mean(right))
    assert 0 < score["coverage"] < 1
    assert asdict(again.evaluations["queue"].score) == score | {"at_random": None}


def test_the_card_says_what_was_learnt_and_can_be_read_by_any_program(past, learnt):
    card = bundle.load_bundle(learnt).card
    assert json.loads(json.dumps(card)) == card
    assert card["learnt_from"]["tickets"] == len(past)
    assert card["learnt_from"]["first"] == past.tickets[0].created_at.isoformat()
    assert card["judged_on"].items() >= {"how": "the newest fifth", "tickets": 140, "learnt_from": 560}.items()
    assert list(card["targets"]) == sorted(TARGETS)
    for found in card["targets"].values():
        assert set(found["score"]) == set(Score.__dataclass_fields__)
        assert found["score"]["at_random"] is not None
    assert {"python", "numpy", "scikit-learn"} <= set(card["versions"])


def test_a_model_beats_its_baselines_where_there_is_something_to_learn(learnt):
    for target in ("category", "queue"):
        score = bundle.load_bundle(learnt).card["targets"][target]["score"]
        assert score["accuracy"] > score["majority"] + 0.2
        assert score["accuracy"] > score["last_of_requester"]


def test_shuffled_labels_route_nothing(make_history):
    past = make_history(300)
    rng = np.random.default_rng(0)
    mixed = {target: [values[i] for i in rng.permutation(len(values))] for target, values in past.labels.items()}
    shuffled = History(tickets=past.tickets, labels=mixed, digest="shuffled")
    found = train_model(shuffled, Options(targets=("priority", "queue"), precision=0.8, effort="quick"))
    assert set(found.evidence) == {"priority", "queue"}
    for target, rows in found.evidence.items():
        contract = bundle.fit_contract(target, rows, found.scorer.heads[target].labels, 0.8)
        actions = {contract.decide(answer[target])[0] for answer in found.scorer.predict(past.tickets)}
        assert Action.ROUTE not in actions
        assert found.evaluations[target].score.coverage == 0


@pytest.mark.parametrize(
    "rows",
    [[], [("vpn", "IT")] * 30, [("vpn", None)] * 30, [("vpn", str(n)) for n in range(5)]],
    ids=["no ticket", "one label", "no label", "five labels of a ticket each"],
)
def test_a_history_that_teaches_nothing_is_one_sentence(rows):
    with pytest.raises(NothingToLearn, match="two labels with at least 2 tickets each"):
        train_model(history(*rows), Options())


FEW = [("vpn is down", "IT"), ("wrong invoice", "Billing"), ("vpn slow", "IT"), ("pay the invoice", "Billing")]


@pytest.mark.parametrize("days", [True, False])
@pytest.mark.parametrize("n", [4, 5, 7])
def test_a_handful_of_tickets_is_learnt_and_routes_nothing(n, days):
    found = train_model(history(*(FEW * 2)[:n], days=days), Options())
    assert found.scorer.heads["queue"].labels == ("Billing", "IT")
    assert found.evaluations["queue"].contract.threshold is None
    assert found.card["judged_on"]["how"] == ("the newest fifth" if days else "a random fifth")


def test_more_labels_than_half_the_tickets_are_learnt_without_a_warning():
    found = train_model(history(*[(f"topic{n % 20}", f"Q{n % 20}") for n in range(40)]), Options())
    assert len(found.scorer.heads["queue"].labels) == 20


def test_tickets_without_any_word_can_be_learnt_from_and_are_never_routed():
    found = train_model(history(*[("…", "IT"), ("!!!", "Billing")] * 20), Options())
    assert len(found.scorer.vocabulary) == 0
    (answer,) = found.scorer.predict([Ticket(id="1", subject="vpn")])
    assert not answer["queue"].familiar
    assert answer["queue"].confidence == pytest.approx(0.5, abs=0.2)


def test_judging_tickets_without_labels_give_no_score():
    rows = [*FEW * 4, *[("vpn", None)] * 4]
    found = train_model(history(*rows), Options())
    assert found.evaluations["queue"].score is None
    assert found.card["targets"]["queue"]["score"] is None


def test_a_history_mostly_without_dates_is_judged_on_a_random_fifth_unless_the_file_is_in_order():
    found = train_model(history(*FEW * 5, days=False), Options())
    assert found.card["judged_on"]["how"] == "a random fifth"
    assert found.evaluations["queue"].score.at_random is None
    ordered = train_model(history(*FEW * 5, days=False), Options(order="file"))
    assert ordered.card["judged_on"]["how"] == "the newest fifth"
    assert ordered.evaluations["queue"].score.at_random is not None


def test_of_a_long_history_the_newest_is_learnt_and_the_card_says_so(make_history, monkeypatch):
    monkeypatch.setattr("training.data.splits.MAX_TICKETS", 100)
    monkeypatch.setattr("training.data.splits.MIN_TICKETS_PER_LABEL", 3)
    long = make_history(140)
    expected = [ticket.id for ticket in long.tickets[-100:]]
    learnt = train_model(long, TWO)
    said = learnt.card["learnt_from"]
    assert said["of"] == 140
    assert 100 <= said["tickets"] < 140
    assert said["which"] == "the newest"
    assert list(learnt.scorer.neighbour_index.ids)[-100:] == expected
    assert len(long) == 140
    assert [ticket.id for ticket in long.tickets[-100:]] == expected
    assert sum(bool(ticket.id) for ticket in long.tickets) == said["tickets"] == len(learnt.scorer.neighbour_index.ids)
    (remark,) = [remark for remark in list_remarks(learnt.card) if "saved model" in remark]
    assert f"{said['tickets']:,} of 140 tickets (the newest, and some more of rare labels)" in remark
