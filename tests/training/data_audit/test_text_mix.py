"""The audit says how many tickets are forwards, cut, of machines or in other languages, and what they cost."""

import re
from dataclasses import replace

import numpy as np
import pytest

from training.data_audit import text_mix

GERMAN = "Der Drucker im zweiten Stock druckt seit heute Morgen leider gar nicht mehr, bitte um schnelle Hilfe."


@pytest.fixture(scope="module")
def rewritten(clean_case):
    """The case with some tickets changed; its predictions stay."""

    def rewrite(positions, **changes):
        tickets = list(clean_case.data.tickets)
        for i in positions:
            tickets[i] = replace(tickets[i], **{name: make(tickets[i]) for name, make in changes.items()})
        return replace(clean_case, data=replace(clean_case.data, tickets=tickets))

    return rewrite


@pytest.fixture(scope="module")
def mistakes(clean_case):
    """Positions of tickets whose queue is predicted wrongly, and of as many others."""
    known = clean_case.all_predictions["queue"]
    wrong = known.positions[~known.right]
    return np.concatenate([wrong, known.positions[known.right][: max(20 - len(wrong), len(wrong) // 4)]]).tolist()


def found(case, name):
    return [one for one in text_mix.probe(case) if one.probe == name]


def test_a_clean_history_has_no_kinds_to_name_but_answers_with_long_quotations(clean_case):
    [one] = text_mix.probe(clean_case)
    assert (one.probe, one.severity) == ("cut texts", "note")
    assert one.figures["share"] < 0.06


def test_forwards_are_counted_with_what_they_cost(rewritten, mistakes):
    marker = "FYI\n---------- Forwarded message ----------\n"
    [one] = found(rewritten(mistakes, body=lambda t: marker + re.sub("<[^<>]*>", "", t.body)), "forwarded mail")
    assert one.figures["tickets"] == len(mistakes)
    cost = one.figures["cost"]
    assert cost["inside"] < cost["others"]
    assert cost["effect"] < 0
    assert cost["sure"]
    assert one.severity == ("warning" if cost["effect"] <= -0.01 else "note")
    assert "on the others" in one.sentence


def test_texts_that_are_mostly_cut_are_counted(rewritten):
    quoted = "\n\nOn 1 Feb 2026, Ann <ann@example.org> wrote:\n" + "> the printer is on fire again and again\n" * 60
    [one] = found(rewritten(range(0, 700, 20), body=lambda t: t.body[:60] + quoted), "cut texts")
    assert one.figures["tickets"] >= 30
    assert len(one.examples) == 10


def test_alerts_and_texts_that_repeat_are_those_of_machines(rewritten):
    alerts = rewritten(range(0, 700, 25), subject=lambda t: "[FIRING:1] DiskFull")
    assert found(alerts, "machine mail")[0].figures["tickets"] >= 28
    body = "Job nightly ended with 19 files skipped on host bk4."
    jobs = rewritten(
        range(0, 700, 25), subject=lambda t: "Backup", requester=lambda t: "", body=lambda t: f"{body} {t.id}"
    )
    assert found(jobs, "machine mail")[0].figures["tickets"] >= 20
    people = rewritten(range(0, 700, 25), subject=lambda t: "Backup", requester=lambda t: t.id, body=lambda t: body)
    assert found(people, "machine mail") == []


def test_other_languages_are_named_with_their_shares(rewritten):
    [one] = found(rewritten(range(0, 700, 10), language=lambda t: "", body=lambda t: GERMAN), "languages")
    assert one.figures["tickets"] == 70
    assert one.figures["shares"]["de"] == pytest.approx(0.1, abs=0.02)
    assert one.figures["main"] in ("en", "ru")


def test_what_chance_may_do_is_no_cost_and_too_few_are_not_measured(clean_case):
    everything = range(700)
    cost = text_mix.measure_cost(clean_case, everything, range(0, 700, 7))
    assert not cost.is_sure
    assert cost.summary.endswith("no more than chance")
    assert text_mix.measure_cost(clean_case, everything, [1, 2, 3]) is None
