"""Tuning: a choice is made where it pays, for each history, inside what is learnt, and always the same."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from deskyard.domain.ticket import Ticket
from deskyard.model.hyperparameters import Recipe
from training.data.history import History
from training.data.label_sets import build_label_sets
from training.fit import tuning
from training.fit.cross_fitting import TrainingData
from training.pipeline.options import Options
from training.pipeline.run import no_progress, train_model

WORDS = {
    "A": "vpn tunnel client cisco token",
    "B": "printer toner paper jam tray",
    "C": "invoice payment refund card sum",
}


def desk(n, seed=0, rename_at=1.0, dated=True, field=None):
    """Three queues, told by two of five words each among chatter; from `rename_at` on A and B have changed places."""
    rng = np.random.default_rng(seed)
    tickets, queues = [], []
    for i in range(n):
        name = "ABC"[rng.integers(3)]
        own = rng.choice(WORDS[name].split(), 2, replace=False)
        if field and rng.random() < 0.5:
            own = rng.choice(" ".join(WORDS.values()).split(), 1)
        chatter = rng.choice([f"word{k}" for k in range(40)], 6)
        at = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=i) if dated else None
        body = " ".join(rng.permutation([*own, *chatter]))
        fields = {"product": field(name, rng)} if field else {}
        tickets.append(Ticket(id=f"{seed}-{i}", body=body, created_at=at, fields=fields))
        queues.append({"A": "B", "B": "A"}.get(name, name) if i >= rename_at * n else name)
    return History(tickets=tickets, labels={"queue": queues}, digest=f"desk {n} {seed} {rename_at}")


def chosen(history, effort="normal", class_weight="none"):
    sets = build_label_sets(history.labels, ("queue",))
    data = TrainingData.build(history.tickets, history.labels, sets, 0, no_progress)
    ordered = history.dated > 0
    return tuning.tune_recipes(data, np.arange(len(history)), ordered, effort, class_weight, no_progress)["queue"]


def test_old_tickets_count_less_where_the_desk_has_changed():
    assert chosen(desk(1500, rename_at=0.35)).recency is not None
    assert chosen(desk(1500, seed=1)).recency != 0.15


def test_without_times_nothing_is_weighed_by_age():
    assert chosen(desk(1500, rename_at=0.35, dated=False)).recency is None


def test_a_field_that_tells_gets_more_say_and_one_that_misleads_is_left_out():
    telling = chosen(desk(900, field=lambda name, rng: name if rng.random() < 0.95 else "ABC"[rng.integers(3)]))
    assert telling.blocks[2] >= 1
    # Each value is seen twice: enough to become a column, and worth nothing for a new ticket.
    noise = chosen(desk(900, field=lambda name, rng: str(rng.integers(450))))
    assert noise.blocks[2] <= telling.blocks[2]
    assert noise.blocks[2] <= 1


def test_a_short_history_is_learnt_as_most_are():
    assert chosen(desk(150)) == Recipe()


def test_the_same_history_gives_the_same_recipe():
    history = desk(900, rename_at=0.4)
    assert chosen(history) == chosen(history)


def test_a_quick_search_tries_less(monkeypatch):
    tried = {"quick": set(), "normal": set()}
    losses = tuning.TuningTrial.losses
    for effort, recipes in tried.items():
        monkeypatch.setattr(
            tuning.TuningTrial, "losses", lambda self, r, recipes=recipes: recipes.add(r) or losses(self, r)
        )
        chosen(desk(600), effort)
    assert {recipe.blocks for recipe in tried["quick"]} == {Recipe().blocks}
    assert len({recipe.blocks for recipe in tried["normal"]}) > 1


def test_a_thorough_search_is_repeatable_and_no_worse_than_where_it_began(monkeypatch):
    monkeypatch.setattr(tuning, "N_TRIALS", 6)
    history, told, losses = desk(700, rename_at=0.4), [], tuning.TuningTrial.losses

    def listening(trial, recipe):
        found = losses(trial, recipe)
        told.append((recipe, found))
        return found

    monkeypatch.setattr(tuning.TuningTrial, "losses", listening)
    first = chosen(history, "thorough")
    lost = {recipe: np.concatenate([one for of, one in told if of == recipe]).mean() for recipe, _ in told}
    assert len(lost) > 2
    assert first != Recipe(), "this history is one where the search finds something better"
    assert lost[first] < lost[Recipe()]
    assert lost[first] == min(lost.values())
    assert first == chosen(history, "thorough")


def test_what_judges_has_no_say_in_the_choice():
    history = desk(1200, rename_at=0.8)
    options = Options(targets=("queue",), effort="quick")
    kept = train_model(history, options).card["targets"]["queue"]["recipe"]
    undone = replace(history, labels={"queue": desk(1200).labels["queue"]})
    assert undone.labels["queue"][:960] == history.labels["queue"][:960]
    assert train_model(undone, options).card["targets"]["queue"]["recipe"] == kept


def test_favouring_rare_labels_finds_more_of_them():
    history = desk(2400, seed=3)
    rng = np.random.default_rng(0)
    # A tenth of A's tickets are D's: they mostly say a word that A's own say now and then.
    labels = ["D" if label == "A" and rng.random() < 0.1 else label for label in history.labels["queue"]]
    says = [rng.random() < {"D": 0.7, "A": 0.12}.get(label, 0) for label in labels]
    tickets = [
        replace(ticket, body=f"{ticket.body} overseas") if said else ticket
        for ticket, said in zip(history.tickets, says, strict=True)
    ]
    history = replace(history, tickets=tickets, labels={"queue": labels})
    common, rare = (
        train_model(history, Options(targets=("queue",), effort="quick", class_weight=class_weight)).evaluations[
            "queue"
        ]
        for class_weight in ("none", "balanced")
    )
    found = [
        sum(one.labels.labels[said] == "D" for said in one.holdout_evidence["predicted"]) for one in (common, rare)
    ]
    assert found[1] > 1.5 * found[0]
    assert rare.score.macro_f1 > common.score.macro_f1
    assert rare.score.accuracy < common.score.accuracy


@pytest.mark.parametrize("effort", ["quick", "normal"])
def test_the_recipe_stands_in_the_card(make_history, effort):
    card = train_model(make_history(120), Options(targets=("category", "priority"), effort=effort)).card
    assert card["options"]["effort"] == effort
    assert set(card["targets"]["priority"]["recipe"]) == {field.name for field in fields(Recipe)}
