"""Labels: renamed, dead and overlapping ones are named; a desk in order has none."""

from dataclasses import replace

import numpy as np

from training.data_audit import label_issues


def relabelled(history, rename):
    values = [rename(i, label) for i, label in enumerate(history.labels["queue"])]
    return replace(history, labels=history.labels | {"queue": values})


def test_a_clean_history_has_no_such_label(clean_case):
    assert list(label_issues.probe(clean_case)) == []


def test_a_renamed_label_is_named_with_both_names_and_the_day(clean, make_case, some):
    _, label = some(clean, 1, "queue")
    renamed = relabelled(clean, lambda i, old: "Другое имя" if old == label and i >= len(clean) // 2 else old)
    found = [one for one in label_issues.probe(make_case(renamed, "queue")) if one.probe == "renamed label"]
    assert len(found) == 1
    assert found[0].severity == "serious"
    assert "'Другое имя'" in found[0].sentence
    assert repr(label) in found[0].sentence
    assert str(clean.tickets[len(clean) // 2].created_at.year) in found[0].sentence
    assert found[0].figures["old"] == label


def test_the_rename_of_the_simulated_desk_is_named(make_history, make_case):
    history = make_history(800, label_noise=0.02)
    found = [one for one in label_issues.probe(make_case(history, "category")) if one.probe == "renamed label"]
    assert [(one.figures["old"], one.figures["new"]) for one in found] == [
        ("Billing / payment failed", "Billing / declined payment")
    ]


def test_a_new_matter_that_begins_where_another_ends_is_not_called_a_rename(clean, make_case, some):
    _, label = some(clean, 1, "queue")
    other = next(value for value in sorted(set(clean.labels["queue"])) if value != label)
    history = relabelled(
        clean,
        lambda i, old: (
            {label: "Rest", other: "Rest"}.get(old, old) if (old == label) == (i >= len(clean) // 2) else old
        ),
    )
    assert not [one for one in label_issues.probe(make_case(history, "queue")) if one.probe == "renamed label"]


def test_a_label_that_stopped_is_named_as_dead(clean, make_case, some):
    _, label = some(clean, 1, "queue")
    other = next(value for value in sorted(set(clean.labels["queue"])) if value != label)
    history = relabelled(clean, lambda i, old: other if old == label and i >= len(clean) * 3 // 5 else old)
    found = [one for one in label_issues.probe(make_case(history, "queue")) if one.probe == "dead labels"]
    assert len(found) == 1
    assert repr(label) in found[0].sentence
    assert found[0].severity == "warning"


def test_two_names_of_one_matter_overlap(clean, make_case, some):
    _, label = some(clean, 1, "queue")
    rng = np.random.default_rng(3)
    split = relabelled(clean, lambda i, old: f"{label} 2" if old == label and rng.random() < 0.5 else old)
    found = list(label_issues.probe(make_case(split, "queue")))
    assert [one.probe for one in found] == ["overlapping labels"]
    assert found[0].figures["labels"] == [label, f"{label} 2"]
    assert found[0].examples
