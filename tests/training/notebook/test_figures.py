"""What notebooks show is counted rightly: on histories and evidence small enough to count by hand."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import numpy as np

from deskyard.domain.ticket import TARGETS, Ticket
from deskyard.guarantees.contract import EVIDENCE_DTYPE
from deskyard.guarantees.intervals import min_tickets_to_prove
from training.data.history import History
from training.data.moves import Move
from training.notebook import charts, display, ground_truth, history_figures, model_figures

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def history(minutes, queues, moves=()):
    """Tickets filed so many minutes after noon."""
    filed = [Ticket(id=str(n), body="x", created_at=NOON + timedelta(minutes=m)) for n, m in enumerate(minutes)]
    labels = {target: [None] * len(filed) for target in TARGETS} | {"queue": queues}
    return History(tickets=filed, labels=labels, moves=[Move(i, NOON, "ann", "queue", *step) for i, *step in moves])


def rows(*said):
    """(confidence, predicted, truth, kind)"""
    found = np.zeros(len(said), EVIDENCE_DTYPE)
    for i, (confidence, predicted, true, kind) in enumerate(said):
        found[i]["confidence"], found[i]["predicted"], found[i]["truth"], found[i]["kind"] = (
            confidence,
            predicted,
            true,
            kind,
        )
    return found


def test_the_busiest_quarter_of_an_hour_is_where_most_tickets_come():
    found = history_figures.find_burst(history([0, 60, 62, 74, 75, 600], ["A"] * 6))
    assert (found.start, found.n) == (NOON + timedelta(minutes=60), 3)
    assert found.typical_hourly == 0.6


def test_a_quiet_day_is_a_day_too():
    days = history_figures.count_by_day(history([0, 2 * 24 * 60], ["A", "A"]))
    assert [row["n"] for row in days] == [1, 0, 1]
    assert days[1]["day"] == date(2026, 1, 2)


def test_a_label_that_ends_when_another_begins_is_unsteady():
    month = [day * 24 * 60 for day in range(30)]
    spans = history_figures.label_spans(history(month * 2, ["old"] * 15 + ["new"] * 15 + ["always"] * 30), "queue")
    assert {row["label"] for row in history_figures.unstable_labels(spans)} == {"old", "new"}


def test_the_first_queue_of_a_ticket_is_no_bounce():
    past = history([0, 1], ["B", "B"], [("0", None, "A"), ("0", "A", "B"), ("1", None, "B")])
    assert history_figures.count_bounces(past, "queue") == [{"before": "A", "after": "B", "n": 1}]
    assert history_figures.count_bounced_tickets(past, "queue") == 1


def test_a_price_is_reading_for_those_kept_and_mistakes_for_those_sent():
    evidence = rows((0.9, 0, 0, 0), (0.8, 1, 0, 0), (0.6, 0, 0, 0), (0.99, 1, 0, 1))
    prices = {
        round(row["threshold"], 3): row for row in model_figures.cost_by_threshold(evidence, reading=3, mistake=30)
    }
    assert prices[0.5]["minutes"] == 10  # one of three wrong, none read; the stranger doesn't count
    assert prices[0.85]["minutes"] == 2
    assert prices[1.0]["minutes"] == 3


def test_a_proof_without_mistakes_takes_as_many_tickets_as_the_contract_says():
    first = next(row["n"] for row in model_figures.provable_precision(1.0) if row["proved"] >= 0.9)
    assert first == min_tickets_to_prove(0.9)


def test_mistakes_are_sorted_by_what_is_wrong_with_the_ticket():
    found = SimpleNamespace(
        tickets=[Ticket(id=name) for name in "abc"],
        holdout_evidence=rows((0.9, 0, 0, 0), (0.9, 0, 1, 0), (0.9, 1, 0, 0)),
    )
    sorted_out = model_figures.accuracy_by_quality(found, {"a": "fine", "b": "vague", "c": "fine"}.__getitem__)
    assert [(row["label"], row["n"], row["wrong"]) for row in sorted_out] == [("fine", 2, 1), ("vague", 1, 1)]


def test_the_gravest_flag_of_a_ticket_names_its_quality(tmp_path):
    side = tmp_path / "truth.csv"
    side.write_text("id,true_queue,flags\n1,Mail,typo vague noisy_queue\n2,Shop,html\n")
    assert ground_truth.read_qualities(side) == {"1": "recorded in a wrong queue", "2": ground_truth.NO_ISSUE}
    assert ground_truth.read_true_labels(side, "queue") == {"1": "Mail", "2": "Shop"}


def test_what_a_ticket_says_can_not_become_mark_up():
    assert "<script>" not in display.show_quote("<script>alert(1)</script>")._repr_html_()
    assert "<b>" not in display.show_table([{"<b>": "<b>"}], "<b>")._repr_html_()
    shown = display.show_chart(charts.bar_chart([{"label": "<b>", "n": 3}], "tickets"), "<b> has 3")._repr_html_()
    assert "<b>" not in shown
    assert "<svg" in shown
