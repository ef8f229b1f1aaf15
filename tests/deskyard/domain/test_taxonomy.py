"""The taxonomy ledger: predictions in the labels of training are translated into those of today."""

from dataclasses import replace
from datetime import date

import pytest

from deskyard.domain.catalogue import Catalogue
from deskyard.domain.decision import Action, Decision, Prediction
from deskyard.domain.taxonomy import TaxonomyChange, build_ledger, find_conflict, parse_change
from deskyard.domain.ticket import Ticket
from deskyard.errors import BadInput
from deskyard.guarantees.contract import Contract
from deskyard.policy import toml_format
from deskyard.policy.policy import Mode, Policy, Rule, decide_targets

DAY = date(2026, 12, 1)
TICKET = Ticket(id="1", subject="VPN drops")

TWICE = """on = 2026-12-01
target = "queue"
retire = "A"
[[taxonomy]]
on = 2026-12-02
target = "queue"
retire = "A"
"""


def taxonomy_change(**result: object) -> TaxonomyChange:
    return parse_change({"on": "2026-12-01", "target": "queue"} | result)


def decided(
    *changes: TaxonomyChange, on: date = DAY, learnt: tuple[TaxonomyChange, ...] = (), **shares: float
) -> Decision:
    """What becomes of a queue that the model decides on, where its contract takes 70 % of A, B or C."""
    top = tuple(sorted(shares.items(), key=lambda pair: -pair[1]))
    contract = Contract("queue", 0.95, 0.7, frozenset("ABC"), {}, routed=100, right=99, total=200)
    own = decide_targets(TICKET, {"queue": Prediction("queue", top, True)}, {"queue": contract})["queue"]
    return build_ledger(changes, on, [one.to_dict() for one in learnt]).translate_decision(own, top)


def test_a_renamed_label_is_set_under_its_new_name_and_says_so():
    made = decided(taxonomy_change(rename="A", to="Accounts"), A=0.8, B=0.2)
    assert (made.action, made.label, made.confidence) == (Action.ROUTE, "Accounts", 0.8)
    assert made.top == (("Accounts", 0.8), ("B", 0.2))
    assert [reason.code for reason in made.reasons] == ["contract", "renamed"]
    assert made.reasons[1].text == "'A' renamed to 'Accounts' on 2026-12-01"


def test_a_change_holds_for_other_spellings_of_its_label_and_may_be_one_of_spelling():
    renamed = taxonomy_change(rename="ａ", to="Accounts")
    assert decided(renamed, A=0.8, B=0.2).label == "Accounts"
    mended = [taxonomy_change(rename="a", to="A")]
    assert decided(*mended, A=0.8, B=0.2).label == "A"
    assert decided(taxonomy_change(retire="a"), A=0.8, B=0.2).label == "A"


def test_merged_labels_bear_the_sum_of_their_probabilities():
    made = decided(taxonomy_change(merge=["A", "B"], to="AB"), A=0.75, B=0.125, C=0.125)
    assert (made.action, made.label, made.confidence) == (Action.ROUTE, "AB", 0.875)
    assert made.top == (("AB", 0.875), ("C", 0.125))


def test_what_a_contract_did_not_set_is_not_set_because_the_sum_is_larger():
    made = decided(taxonomy_change(merge=["A", "B"], to="AB"), A=0.5, B=0.5)
    assert (made.action, made.label, made.confidence) == (Action.SUGGEST, "AB", 1.0)


def test_a_sum_that_outweighs_the_label_decided_on_is_suggested():
    own = decided(A=0.45, B=0.3, C=0.25)
    own = replace(own, action=Action.ROUTE)
    made = build_ledger([taxonomy_change(merge=["B", "C"], to="BC")], DAY).translate_decision(own)
    assert (made.action, made.label, made.confidence) == (Action.SUGGEST, "BC", 0.55)
    assert made.reasons[0].code == "outweighed"


def test_a_split_label_is_suggested_until_a_model_has_learnt_what_it_became():
    split = taxonomy_change(split="A", to=["A", "VPN"])
    made = decided(split, A=0.9, B=0.1)
    assert (made.action, made.label, made.reasons[0].code) == (Action.SUGGEST, "A", "split")
    assert "'A' split into 'A' and 'VPN' on 2026-12-01: a person must choose" in made.reasons[0].text
    assert decided(split, learnt=(split,), A=0.9, B=0.1).action is Action.ROUTE


def test_a_retired_label_gives_way_to_the_next_and_with_it_the_right_to_set():
    made = decided(taxonomy_change(retire="A"), A=0.9, B=0.1)
    assert (made.action, made.label, made.top) == (Action.SUGGEST, "B", (("B", 0.1),))
    assert made.reasons[0].text == "'A' is retired: 'A' retired on 2026-12-01"
    nothing = decided(taxonomy_change(retire="A"), A=0.9)
    assert (nothing.action, nothing.label, nothing.top) == (Action.LEAVE, None, ())


def test_a_change_holds_from_its_day_and_not_before():
    rename = taxonomy_change(rename="A", to="Accounts")
    assert decided(rename, on=date(2026, 11, 30), A=0.8).label == "A"
    assert decided(rename, A=0.8).label == "Accounts"


def test_changes_follow_each_other_by_their_days_however_they_are_written_down():
    changes = [
        taxonomy_change(on="2026-11-20", merge=["Accounts", "B"], to="Money"),
        taxonomy_change(on="2026-11-10", rename="A", to="Accounts"),
    ]
    made = decided(*changes, A=0.75, B=0.25)
    assert (made.label, made.confidence, made.reasons[1].code) == ("Money", 1.0, "merged")


def test_a_change_that_was_dated_back_holds_for_a_model_that_has_learnt_another():
    known, back = taxonomy_change(rename="B", to="Bills"), taxonomy_change(on="2026-11-01", rename="A", to="Accounts")
    assert decided(known, back, learnt=(known,), A=0.9).label == "Accounts"


def test_a_name_that_came_to_mean_something_else_is_not_turned_again():
    """A was renamed, and later C was given its name: a model that has learnt both says A and means C of before."""
    changes = (taxonomy_change(on="2026-11-01", rename="A", to="Accounts"), taxonomy_change(rename="C", to="A"))
    assert decided(*changes, A=0.9, C=0.1).top == (("Accounts", 0.9), ("A", 0.1))
    assert decided(*changes, learnt=changes, A=0.9).label == "A"


def test_a_label_that_is_gone_is_not_set_even_by_a_model_that_should_know():
    gone = taxonomy_change(retire="A")
    assert decided(gone, learnt=(gone,), A=0.9, B=0.1).label == "B"


def test_no_change_leaves_every_byte_of_a_decision():
    assert decided(taxonomy_change(rename="X", to="Y"), A=0.8, B=0.2) == decided(A=0.8, B=0.2)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            [taxonomy_change(retire="A"), taxonomy_change(merge=["A", "B"], to="C")],
            "'A' can't be merged on 2026-12-01: 'A' retired",
        ),
        (
            [taxonomy_change(rename="A", to="B"), taxonomy_change(rename="A", to="C")],
            "'A' can't be renamed on 2026-12-01: 'A' renamed to",
        ),
        ([taxonomy_change(rename="A", to="B"), taxonomy_change(rename="C", to="B")], "'B' is in use already"),
        (
            [taxonomy_change(split="A", to=["B", "C"]), taxonomy_change(retire="A")],
            "'A' can't be retired on 2026-12-01: 'A' split into",
        ),
    ],
)
def test_changes_that_contradict_each_other_are_refused(changes, expected):
    found = find_conflict(changes)
    assert found is not None
    assert expected in found[1]


def test_a_rename_may_be_taken_back_and_another_target_has_names_of_its_own():
    assert find_conflict([taxonomy_change(rename="A", to="B"), taxonomy_change(rename="B", to="A")]) is None
    assert find_conflict([taxonomy_change(retire="A"), taxonomy_change(target="category", retire="A")]) is None
    assert decided(taxonomy_change(rename="A", to="B"), taxonomy_change(rename="B", to="A"), A=0.9).label == "A"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            'target = "queue"\nretire = "A"',
            "line 2: on is None; write the day from which it applies, such as 2026-12-01",
        ),
        ('on = 2026-12-01\ntarget = "priority"\nretire = "A"', "line 2: target is 'priority'; choose from category"),
        ('on = 2026-12-01\ntarget = "queue"\nrename = "A"', "to is missing: a rename needs the label that replaces it"),
        ('on = 2026-12-01\ntarget = "queue"\nrename = "A"\nto = "A"', "the label is already called 'A'"),
        (
            'on = 2026-12-01\ntarget = "queue"\nmerge = ["A"]\nto = "B"',
            "must be a list of two or more different labels",
        ),
        ('on = 2026-12-01\ntarget = "queue"\nretire = ""', "retire is ''; it must be one label"),
        ('on = 2026-12-01\ntarget = "queue"\nretire = "A"\nto = "B"', "a retired label has no successor"),
        ('on = 2026-12-01\ntarget = "queue"', "a taxonomy change is one of rename, merge, split, retire"),
        ('on = 2026-12-01\ntarget = "queue"\nretire = "A"\nfoo = 1', "'foo' is not known here"),
        (TWICE, "line 6: 'A' can't be retired on 2026-12-02"),
    ],
)
def test_a_wrong_change_in_a_file_is_named_by_its_line(line, expected):
    with pytest.raises(BadInput, match="policy, line") as refused:
        toml_format.parse_policy(f'mode = "route"\n[[taxonomy]]\n{line}')
    assert expected in str(refused.value)


def test_a_list_of_changes_is_asked_for_where_something_else_stands():
    with pytest.raises(BadInput, match=r"line 1: taxonomy is a list: begin each change with \[\[taxonomy\]\]"):
        toml_format.parse_policy('taxonomy = "A"')


def test_all_probabilities_are_wanted_only_where_labels_of_the_model_have_become_one():
    into_known = build_ledger([taxonomy_change(rename="A", to="B")], DAY)
    assert into_known.merges_labels("queue", ("A", "B"))
    assert not into_known.merges_labels("queue", ("A", "C"))
    assert not into_known.merges_labels("category", ("A", "B"))
    assert build_ledger([taxonomy_change(merge=["A", "B"], to="AB")], DAY).merges_labels("queue", ("A", "B", "C"))
    assert not build_ledger([], DAY).merges_labels("queue", ("A", "B"))


def test_a_ledger_survives_the_way_through_a_file():
    result = Policy(
        taxonomy=(
            taxonomy_change(on="2026-11-01", rename='Счета "новые"', to="Accounts"),
            taxonomy_change(merge=["A", "B"], to="A"),
            taxonomy_change(target="category", split="VPN", to=["Remote", "VPN"]),
            taxonomy_change(target="assignee", retire="ann"),
        )
    )
    again = toml_format.parse_policy(toml_format.format_policy(result))
    assert again == result
    assert again.digest == result.digest != Policy().digest


def test_what_a_policy_says_of_a_name_holds_for_the_name_that_took_its_place():
    result = Policy(
        mode=Mode.SUGGEST,
        queues={"A": Rule(Mode.ROUTE, 0.9), "B": Rule(Mode.SHADOW, 0.8), "Fax": Rule(Mode.ROUTE)},
        pairs={"A": {"assignee": Rule(Mode.OFF)}},
        routes={"Refund": "A"},
        tripped={"queue": ("B",)},
        fallback="Fax",
        taxonomy=(taxonomy_change(merge=["A", "B"], to="AB"), taxonomy_change(rename="Fax", to="Scans")),
    )
    assert result.for_day(date(2026, 11, 30)) is result
    now = result.for_day(DAY)
    assert now.effective_rule("queue", "AB") == Rule(Mode.SHADOW, 0.9)
    assert now.effective_rule("assignee", "AB").mode is Mode.OFF
    assert now.effective_rule("queue", "Scans").mode is Mode.ROUTE
    assert now.destination_queue("category", "Refund") == "AB"
    assert now.destination_queue("category", "A") == "AB"
    assert now.is_held_back("queue", "AB", "AB")
    assert now.fallback == "Scans"


def test_what_is_written_no_more_is_not_in_the_catalogue():
    whole = Catalogue({"IT": {"assignee": "ann", "priority": "low"}, "Fax": {}}, {"ann": ("IT",), "bob": ("IT",)})
    left = whole.exclude({"Fax"}, {"ann"}, ())
    assert left.queues == {"IT": {"priority": "low"}}
    assert set(left.agents) == {"bob"}
