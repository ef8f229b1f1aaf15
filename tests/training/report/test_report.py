"""The report's figures: each agrees with what can be counted by hand, and none of them holds a ticket's text."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from deskyard.domain.ticket import TARGETS, Ticket
from deskyard.guarantees.contract import min_correct_to_prove
from deskyard.guarantees.contract_fitting import fit_contract, routed_mask
from deskyard.registry import bundle
from deskyard.reports.audit_findings import FINDING_TEMPLATES, render_finding
from deskyard.reports.i18n import Language, Translator
from deskyard.reports.training_page import render_report
from training.data.history import History
from training.pipeline.options import Options
from training.pipeline.run import train_model
from training.pipeline.trained import TrainingResult
from training.report import build_document, confident_mistakes, mistake_excerpts, verdict

MADE = {"at": "2026-01-31T12:00:00+00:00", "seconds": 3.0, "on": "a test"}
SECRET = "shibboleth"


def history(rows, days=True, **labels):
    start = datetime(2025, 1, 1, tzinfo=UTC)
    tickets = [
        Ticket(id=str(n), subject=text, created_at=start + timedelta(days=n) if days else None)
        for n, text in enumerate(rows)
    ]
    return History(tickets=tickets, labels={t: [None] * len(rows) for t in TARGETS} | labels, digest="by hand")


def reported(trained, folder):
    digest = bundle.save_bundle(folder, trained.scorer, trained.evidence, trained.card, MADE)
    return build_document(trained, digest, folder, MADE, "deskyard train history.csv")


@pytest.fixture(scope="module")
def trained(past) -> TrainingResult:
    return train_model(past, Options(targets=("category", "queue"), precision=0.8, effort="quick", audit=True))


@pytest.fixture(scope="module")
def document(trained, tmp_path_factory):
    return reported(trained, tmp_path_factory.mktemp("report") / "b")


@pytest.mark.parametrize("target", ["category", "queue"])
def test_a_verdict_counts_what_the_judged_contract_routes_at_each_precision(trained, document, target):
    found, said = trained.evaluations[target], trained.case.holdout_predictions[target]
    rows = document["targets"][target]["verdict"]
    assert [row["asked"] for row in rows] == [0.8, 0.9, 0.95, 0.99]
    for row in rows:
        gone = routed_mask(
            fit_contract(target, found.evidence, found.labels.labels, row["asked"]),
            found.holdout_evidence,
            found.labels.labels,
        )
        assert (row["n"], row["routed"]) == (len(said.truth), gone.sum())
        assert row["right"] == (gone & said.right).sum()
        assert (row["needs"] is None) == (row["threshold"] is not None)
    asked = rows[0]
    assert asked["routed"] / asked["n"] == pytest.approx(found.score.coverage)
    assert asked["lower95"] == (pytest.approx(found.score.precision_lower95) if asked["routed"] else None)


@pytest.mark.parametrize("target", ["category", "queue"])
def test_every_table_adds_up_to_the_judged_tickets(trained, document, target):
    one, said = document["targets"][target], trained.case.holdout_predictions[target]
    n, right = len(said.truth), int(said.right.sum())
    counts = np.array(one["confusion"]["counts"])
    assert counts.sum() == one["score"]["n"] == n
    # Merged labels may be taken for one another, so the diagonal counts a few more.
    assert np.trace(counts) == right if not one["confusion"]["others"] else np.trace(counts) >= right
    assert sum(row["n"] for row in one["reliability"]) == n
    assert sum(row["right"] for row in one["reliability"]) == one["score"]["right"] == right
    gap = sum(abs(row["confidence"] * row["n"] - row["right"]) for row in one["reliability"]) / n
    assert gap == pytest.approx(one["score"]["ece"])
    assert set(one["slices"]) >= {"language", "channel", "length"}
    routed = next(row["routed"] for row in one["verdict"] if row["asked"] == 0.8)
    for rows in (*one["slices"].values(), [row | {"n": row["said"]} for row in one["classes"]]):
        assert sum(row["n"] for row in rows) == n
        assert sum(row["right"] for row in rows) == right
        assert sum(row["routed"] for row in rows) == routed
    for rows in one["slices"].values():
        assert all(row["n"] >= 20 for row in rows if row["name"] is not None)
    assert one["coverage"][-1] == {"coverage": 1, "precision": right / n}
    learnt = trained.case.data.y[target][trained.case.plan.holdout.learn]
    assert sum(row["learnt"] for row in one["classes"]) == (learnt >= 0).sum()


def test_the_mistakes_are_the_surest_wrong_answers(trained, document):
    said = trained.case.holdout_predictions["queue"]
    sure = said.probabilities.max(axis=1)[~said.right]
    shown = document["targets"]["queue"]["mistakes"]
    assert [one["confidence"] for one in shown] == sorted(sure.tolist(), reverse=True)[
        : confident_mistakes.MAX_MISTAKES
    ]
    true = dict(zip((ticket.id for ticket in trained.case.tickets), trained.case.data.y["queue"], strict=True))
    labels = trained.case.labels("queue")
    assert all(one["true"] == labels[true[one["id"]]] != one["said"] for one in shown)


def test_the_same_run_gives_the_same_figures_but_for_what_is_measured(make_history, tmp_path):
    past = make_history(250)
    document, again = (
        reported(
            train_model(past, Options(targets=("category", "queue"), precision=0.8, effort="quick", audit=True)),
            tmp_path / name,
        )
        for name in ("a", "b")
    )
    for one in (again, document):
        assert json.loads(json.dumps(one, allow_nan=False)) == json.loads(json.dumps(one))
    measured = {"cost": None, "made": None}
    assert json.dumps(again | measured) == json.dumps(document | measured)
    assert again["cost"]["bytes"] == document["cost"]["bytes"] > 0
    assert document["cost"]["milliseconds"] > 0


def test_no_text_of_a_ticket_is_in_the_figures_and_the_page_has_one_only_if_asked(document, trained):
    told = mistake_excerpts(document, trained)
    named = {one["id"] for target in document["targets"].values() for one in target["mistakes"]}
    assert set(told) == named
    written = json.dumps(document, ensure_ascii=False)
    bodies = {t.id: " ".join(t.body.split())[:60] for t in trained.case.tickets if len(t.body) > 60}
    assert not [body for body in bodies.values() if body in written]
    assert all(len(text) <= 1000 for text in told.values())
    without, with_texts = (
        render_report(document, Language.EN),
        render_report(document, Language.EN, dict.fromkeys(named, SECRET)),
    )
    assert SECRET not in without
    assert with_texts.count(SECRET) == sum(len(target["mistakes"]) for target in document["targets"].values())


def test_a_long_text_is_shown_by_its_beginning():
    shown = confident_mistakes.excerpt(Ticket(id="1", subject="a\nb", body="word \n" * 200))
    assert shown.startswith("a b\nword word")
    assert len(shown) <= len("a b\n") + confident_mistakes.MAX_EXCERPT + 1


def test_what_a_proof_takes_is_said_in_tickets(trained):
    contract = fit_contract(
        "queue", trained.evaluations["queue"].evidence[:30], trained.evaluations["queue"].labels.labels, 0.99
    )
    needs = verdict.missing_evidence(contract, 50)
    assert (needs["least"], needs["lacking"], needs["more_history"]) == (368, 338, 564)
    enough = fit_contract(
        "queue", trained.evaluations["queue"].evidence, trained.evaluations["queue"].labels.labels, 0.97
    )
    needs = verdict.missing_evidence(enough, 700)
    assert needs["lacking"] == 0
    assert needs["takes"] == min_correct_to_prove(enough.routed, 0.97) > needs["right"]


TEXTS = ["vpn is down", "wrong invoice", "vpn slow", "pay the invoice", "the vpn client", "an invoice"]
QUEUES = ["IT", "Billing"]


@pytest.mark.parametrize("days", [True, False])
@pytest.mark.parametrize("n", [4, 60])
def test_a_small_history_gets_a_report_in_each_language(tmp_path, n, days):
    rows = history((TEXTS * n)[:n], days, queue=(QUEUES * n)[:n])
    document = reported(train_model(rows, Options(audit=True)), tmp_path / "b")
    assert list(document["targets"]) == ["queue"]
    assert (document["judged_range"] is None) != days
    assert "month" not in document["targets"]["queue"]["slices"]
    assert document["targets"]["queue"]["verdict"][-1]["routed"] == 0
    for language in Language:
        assert len(render_report(document, language)) > 10_000


def test_judged_tickets_without_a_label_or_with_new_ones_are_no_trouble(tmp_path):
    for labels in ([None] * 12, ["Novel", "Newer"] * 6):
        rows = history(TEXTS * 10, queue=[*QUEUES * 24, *labels])
        document = reported(train_model(rows, Options(audit=True)), tmp_path / "b")
        one = document["targets"]["queue"]
        assert (one["score"] is None) == (labels[0] is None)
        assert sum(map(sum, one["confusion"]["counts"])) == sum(label is not None for label in labels)
        assert one["confusion"]["not_learnt"] == 0  # they are learnt by the saved model, never by the judged one
        for language in Language:
            assert len(render_report(document, language)) > 5_000


def test_of_many_labels_the_most_confused_are_shown_and_the_others_counted(tmp_path):
    words = [f"topic{n % 40} {'other' if n % 7 else f'topic{(n + 1) % 40}'}" for n in range(800)]
    document = reported(
        train_model(history(words, queue=[f"Q{n % 40}" for n in range(800)]), Options(effort="quick")), tmp_path / "b"
    )
    found = document["targets"]["queue"]["confusion"]
    assert len(found["labels"]) == 25
    assert found["merged"] > 0
    assert len(found["counts"]) == 26
    assert np.sum(found["counts"]) == 160


def test_the_report_of_a_finding_says_what_the_probe_found(trained, document):
    assert document["findings"]
    for language in Language:
        words = Translator(language)
        for found in document["findings"]:
            assert found["probe"] in FINDING_TEMPLATES
            told = render_finding(found, words)
            assert told.sentence != found["sentence"]
            assert "%(" not in told.sentence + told.advice


def test_labels_of_a_test_file_that_nobody_learnt_count_as_misses(tmp_path):
    judge = history(TEXTS * 5, queue=[*QUEUES * 10, *["Unknown"] * 10])
    document = reported(train_model(history(TEXTS * 10, queue=QUEUES * 30), Options(), judge), tmp_path / "b")
    one = document["targets"]["queue"]
    assert one["confusion"]["not_learnt"] == 10
    assert np.sum(one["confusion"]["counts"][-1]) == 10
    assert one["mistakes"][0]["true"] is None
    assert "not in the training data" in render_report(document, Language.EN)
