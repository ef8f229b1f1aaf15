"""What a label counts that nobody spoke of: as much as people's own labels believe it."""

from dataclasses import replace

import numpy as np
import pytest

from deskyard.domain import label_trust
from deskyard.reports.model_card import list_remarks
from training.data.label_sets import build_label_sets
from training.data.load import load_history
from training.fit import label_weights
from training.fit.cross_fitting import TrainingData
from training.pipeline.options import Options
from training.pipeline.run import no_progress, train_model

QUICK = Options(targets=("queue",), effort="quick", precision=0.8)
WRONG, RIGHT = "Billing", "Access"


@pytest.fixture(scope="module")
def past(make_history):
    return make_history(600, label_noise=0.0, ambiguous=0.0, vague=0.0)


def said_of(past, silent):
    """Trust by place: nobody spoke of those that `silent` holds, people corrected the others."""
    return {"queue": [label_trust.UNREVIEWED if n in silent else label_trust.CORRECTED for n in range(len(past))]}


def material_of(past, labels):
    sets = build_label_sets({"queue": labels}, ("queue",))
    return TrainingData.build(past.tickets, {"queue": labels}, sets, 0, no_progress)


def test_a_label_that_people_would_have_given_counts_nearly_as_much_and_a_wrong_one_little(past):
    labels = list(past.labels["queue"])
    silent = set(range(0, len(past), 2))
    wrong = [n for n in sorted(silent) if labels[n] == RIGHT][::2]
    for n in wrong:
        labels[n] = WRONG
    worth = label_weights.compute_label_weights(material_of(past, labels), said_of(past, silent), np.arange(len(past)))[
        "queue"
    ]
    right = sorted(silent - set(wrong))
    assert len(wrong) > 15
    assert np.median(worth[right]) == pytest.approx(label_trust.MAX_UNREVIEWED_WEIGHT)
    assert np.median(worth[wrong]) < 0.3
    assert worth[sorted(silent)].max() <= label_trust.MAX_UNREVIEWED_WEIGHT < 1
    assert worth[sorted(silent)].min() >= label_trust.MIN_UNREVIEWED_WEIGHT
    assert set(np.delete(worth, sorted(silent)).tolist()) == {label_trust.REVIEWED_WEIGHTS[label_trust.CORRECTED]}


def test_blind_counts_more_than_corrected_more_than_confirmed_more_than_untouched():
    weights = [
        label_trust.REVIEWED_WEIGHTS[name] for name in (label_trust.BLIND, label_trust.CORRECTED, label_trust.CONFIRMED)
    ]
    assert weights == sorted(weights, reverse=True)
    assert len(set(weights)) == 3
    assert weights[-1] == 1 > label_trust.MAX_UNREVIEWED_WEIGHT


def test_where_people_have_labelled_too_few_nobody_is_asked(past):
    labels = past.labels["queue"]
    silent = set(range(label_weights.MIN_HUMAN_LABELS - 1, len(past)))
    worth = label_weights.compute_label_weights(material_of(past, labels), said_of(past, silent), np.arange(len(past)))[
        "queue"
    ]
    assert set(worth[label_weights.MIN_HUMAN_LABELS - 1 :].tolist()) == {label_weights.UNKNOWN_WEIGHT}


def test_labels_that_judge_say_nothing_of_what_others_are_worth(past):
    labels, silent = list(past.labels["queue"]), set(range(0, len(past), 2))
    learn = np.arange(len(past) * 4 // 5)
    before = label_weights.compute_label_weights(material_of(past, labels), said_of(past, silent), learn)["queue"]
    apart = [n for n in range(len(learn), len(past)) if n not in silent]
    mixed = [labels[n] for n in np.random.default_rng(0).permutation(apart)]
    for n, label in zip(apart, mixed, strict=True):
        labels[n] = label
    after = label_weights.compute_label_weights(material_of(past, labels), said_of(past, silent), learn)["queue"]
    assert before.tolist() == after.tolist()


def test_where_nothing_is_said_nothing_changes_to_the_byte(make_history):
    past = make_history(250)
    silent = replace(past, trust={target: [] for target in past.trust})
    nothing = replace(past, trust={target: [""] * len(past) for target in past.trust})
    one, other = train_model(silent, QUICK), train_model(nothing, QUICK)
    assert one.card == other.card
    assert np.array_equal(one.scorer.coef, other.scorer.coef)


def test_the_card_tells_who_stands_behind_the_labels_and_what_one_counts(past):
    silent = set(range(0, len(past), 2))
    card = train_model(replace(past, trust=said_of(past, silent)), QUICK).card
    found = card["learnt_from"]["trust"]["queue"]
    assert found[label_trust.CORRECTED] == (300, 1.25)
    n, counts = found[label_trust.UNREVIEWED]
    assert n == 300
    assert 0.5 < counts <= label_trust.MAX_UNREVIEWED_WEIGHT
    told = " ".join(list_remarks(card))
    assert f"queue: 300 labels set by deskyard and not reviewed; each counts {counts:.2f} of a person's" in told


def test_a_file_says_it_in_a_column_of_ours_and_any_other_word_is_nothing(tmp_path):
    file = tmp_path / "history.csv"
    file.write_text("id,subject,queue,queue_trust\n1,a,IT,Blind\n2,b,IT,who knows\n3,c,,blind\n4,d,HR,untouched\n")
    assert load_history([file]).trust["queue"] == ["blind", "", "", "unreviewed"]
