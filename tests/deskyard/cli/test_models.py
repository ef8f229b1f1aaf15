"""Models at the command line: which there are, which is in use, and changing that."""

import shutil

import pytest

from deskyard.db.database import open_database
from deskyard.desk import queues
from deskyard.journal import audit_log
from deskyard.registry import active_model, bundle


@pytest.fixture
def models(home, made):
    """Two bundles of the same targets."""
    folder = home / "models"
    bundle.save_bundle(folder / "first", *made, {"at": "2026-01-31T12:00:00+00:00"})
    bundle.save_bundle(
        folder / "second", made.scorer, made.evidence, {"asked_precision": 0.9}, {"at": "2026-02-28T12:00:00"}
    )
    return folder


def in_use():
    database = open_database()
    with database.reading() as conn:
        row = active_model.get_active(conn)
        names = [queue.name for queue in queues.list_queues(conn).items]
        entries = [entry.action for entry in audit_log.list_entries(conn).items]
    database.close()
    return (row.name if row else None), names, entries


def test_promote_puts_a_bundle_in_use_with_its_queues(command, models):
    result = command("promote", "first")
    assert (result.code, result.out.startswith("first (")) == (0, True)
    name, names, entries = in_use()
    assert (name, {"IT", "Billing"} <= set(names), entries) == ("first", True, ["model.activate"])
    assert bundle.champion_folder(models).name == "first"


def test_rollback_goes_back_to_the_model_before(command, models):
    command("promote", "first")
    command("promote", "second")
    assert command("rollback").out.startswith("first (")
    assert in_use()[0] == "first"
    assert in_use()[2][0] == "model.rollback"
    assert command("rollback").out.startswith("second (")


def test_rollback_without_a_model_before_is_a_sentence(command, models):
    assert "nothing to go back to" in command("rollback").err
    command("promote", "first")
    result = command("rollback")
    assert (result.code, "nothing to go back to" in result.err) == (2, True)


def test_rollback_never_takes_another_bundle_under_the_same_name(command, models, made):
    command("promote", "first")
    command("promote", "second")
    bundle.save_bundle(models / "first", made.scorer, made.evidence, {"asked_precision": 0.7}, {})
    result = command("rollback")
    assert (result.code, "promote the bundle again" in result.err) == (2, True)
    assert in_use()[0] == "second"


@pytest.mark.parametrize("name", ["nowhere", "../first", ""])
def test_a_bundle_that_is_not_there_is_not_promoted(command, models, name):
    command("promote", "first")
    assert command("promote", name).code == 2
    assert in_use()[0] == "first"


def test_a_bundle_that_predicts_less_is_promoted_only_by_force(command, models, made):
    from deskyard.model.ticket_model import TicketModel

    bundle.save_bundle(models / "less", *without_assignee(made, TicketModel), {})
    command("promote", "first")
    result = command("promote", "less")
    assert (result.code, "assignee" in result.err, "--force" in result.err) == (2, True, True)
    assert in_use()[0] == "first"
    assert command("promote", "less", "--force").code == 0
    assert in_use()[0] == "less"
    assert command("rollback").out.startswith("first (")


def without_assignee(made, kind):
    import numpy as np

    from deskyard.domain.ticket import Ticket
    from deskyard.features.vectorizer import count_ngrams

    labels = {target: made.scorer.heads[target].labels for target in ("priority", "queue")}
    which = np.arange(30, dtype=np.int32) % 3
    lines = [Ticket(id=str(n), subject=["vpn is down", "invoice is wrong", "отпуск летом"][n % 3]) for n in range(30)]
    truth = {"priority": np.minimum(which, 1), "queue": which}
    model = kind({target: len(names) for target, names in labels.items()}).fit(count_ngrams(lines), truth)
    scorer = model.to_scorer(labels, {target: np.array([4.0, 0.3, 0.0]) for target in labels})
    return scorer, {target: made.evidence[target] for target in labels}, made.card


def test_models_lists_what_there_is_which_is_in_use_and_what_is_broken(command, models):
    command("promote", "second")
    shutil.copytree(models / "first", models / "broken")
    next(path for path in (models / "broken").glob("*/coef.npy")).write_bytes(b"")
    (models / "notes").mkdir()
    shown = command("models").out
    line = {name: next(line for line in shown.splitlines() if name in line) for name in ("first", "second", "broken")}
    assert bundle.load_bundle(models / "first").digest[:12] in line["first"]
    assert "2026-01-31T12:00:00" in line["first"]
    assert "95%" in line["first"]
    assert ("in use" in line["second"], "in use" in line["first"]) == (True, False)
    assert "broken: " in line["broken"]
    assert "notes" not in shown


def test_models_says_when_another_bundle_lies_under_the_name_in_use(command, models, made):
    command("promote", "first")
    bundle.save_bundle(models / "first", made.scorer, made.evidence, {"asked_precision": 0.7}, {})
    assert "not the bundle that was put in use" in " ".join(command("models").out.split())


def test_an_empty_folder_of_models_says_how_to_make_one(command, home):
    assert "deskyard train" in command("models").out
    assert in_use()[0] is None
