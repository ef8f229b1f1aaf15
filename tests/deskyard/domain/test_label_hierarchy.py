"""Hierarchy: where no label is sure enough, its parent may be."""

import numpy as np

from deskyard.domain.catalogue import Catalogue
from deskyard.domain.decision import Action, Prediction
from deskyard.domain.label_hierarchy import find_parents, is_below, parent_name
from deskyard.domain.ticket import Ticket
from deskyard.guarantees.contract import EVIDENCE_DTYPE
from deskyard.guarantees.contract_fitting import fit_contract
from deskyard.policy.policy import Mode, Policy, apply_policy, decide_targets

LABELS = ("Access", "Hardware > Mouse", "Hardware > Printer", "Software > Mail", "Software > Office")
TICKET = Ticket(id="1", subject="the printer is stuck")


def past(n=1200):
    """The label is a coin's toss within the family; the family is always right."""
    rng = np.random.default_rng(0)
    rows = np.zeros(n, EVIDENCE_DTYPE)
    rows["truth"] = rng.integers(1, 5, n)
    rows["predicted"] = np.where(rng.random(n) < 0.6, rows["truth"], (rows["truth"] - 1 ^ 1) + 1)
    rows["confidence"], rows["above"] = 0.6, rng.uniform(0.9, 1, n)
    rows["parent"] = (rows["truth"] + 1) // 2
    return rows


def prediction(above=0.95, likeness=0.0):
    return Prediction(
        "queue", (("Hardware > Printer", 0.5), ("Hardware > Mouse", 0.45)), True, likeness, ("Hardware", above)
    )


def test_the_parents_probability_is_the_sum_of_its_labels():
    found = find_parents(LABELS)
    assert found.names == ("Access", "Hardware", "Software")
    beliefs = np.array([[0.1, 0.2, 0.3, 0.15, 0.25], [1, 0, 0, 0, 0]])
    assert np.allclose(found.probabilities(beliefs), [[0.1, 0.5, 0.4], [1, 0, 0]])


def test_labels_without_a_mark_or_all_below_one_parent_have_nothing_above_them():
    assert find_parents(("A", "B")) is None
    assert find_parents(("A > a", "A > b")) is None
    assert find_parents(("A", "B > b")) is None


def test_two_colons_separate_levels_and_labels_keep_their_spelling():
    found = find_parents(("Access", "IT::Hardware::Mouse", "IT::Hardware::Printer", "Sales :: Mail"))
    assert found.names == ("Access", "IT::Hardware", "Sales")
    assert found.parent_positions.tolist() == [0, 1, 1, 2]
    assert [parent_name(label) for label in ("::x", "x::", "a:b", "a>b")] == [None] * 4
    assert is_below("IT::Hardware::Mouse", "IT::Hardware")
    assert not is_below("IT::Hardware2::Mouse", "IT::Hardware")


def test_what_a_person_says_of_parents_comes_before_the_mark_and_a_label_may_be_its_own_group():
    found = find_parents(
        ("Access", "Hardware > Mouse", "Mail", "Network", "VPN"), {"VPN": "Network", "Hardware > Mouse": "PC"}
    )
    assert found.names == ("Access", "Mail", "Network", "PC")
    assert found.parent_positions.tolist() == [0, 3, 1, 2, 2]
    assert find_parents(("A", "B"), {"C": "A"}) is None


def test_a_parent_that_was_said_is_proved_like_one_that_is_written():
    names = ("Access", "Mouse", "Printer", "Mail", "Office")
    result = {"Mouse": "Hardware", "Printer": "Hardware", "Mail": "Software", "Office": "Software"}
    written, expected = (
        fit_contract("queue", past(), LABELS, 0.9).parent_contract,
        fit_contract("queue", past(), names, 0.9, result).parent_contract,
    )
    assert (expected.threshold, expected.labels, expected.routed) == (written.threshold, written.labels, written.routed)
    assert fit_contract("queue", past(), names, 0.9).parent_contract is None


def test_a_ticket_whose_label_is_unsure_goes_to_the_parent_that_is_sure():
    contract = fit_contract("queue", past(), LABELS, 0.9)
    assert contract.threshold is None
    made = decide_targets(TICKET, {"queue": prediction()}, {"queue": contract})["queue"]
    assert (made.action, made.label, made.confidence) == (Action.ROUTE, "Hardware", 0.95)
    assert [reason.code for reason in made.reasons] == ["parent", "no_contract"]
    assert made.top[0][0] == "Hardware > Printer"
    placed = apply_policy({"queue": made}, Policy(mode=Mode.ROUTE), Catalogue({"Hardware": {}}, {})).placement
    assert placed.queue == "Hardware"


def test_a_parent_that_is_not_sure_or_has_no_evidence_is_not_told():
    contract = fit_contract("queue", past(), LABELS, 0.9)
    unsure = decide_targets(TICKET, {"queue": prediction(above=0.7)}, {"queue": contract})["queue"]
    assert (unsure.action, unsure.label) == (Action.SUGGEST, "Hardware > Printer")
    nothing = fit_contract("queue", np.zeros(0, EVIDENCE_DTYPE), LABELS, 0.9)
    assert decide_targets(TICKET, {"queue": prediction()}, {"queue": nothing})["queue"].action is Action.SUGGEST
    unheard = Prediction("queue", (("Access", 0.6),), True, 0.0, ("Access", 0.99))
    assert decide_targets(TICKET, {"queue": unheard}, {"queue": contract})["queue"].action is Action.SUGGEST


def test_an_empty_or_unfamiliar_ticket_goes_to_no_parent():
    contract = fit_contract("queue", past(), LABELS, 0.9)
    assert decide_targets(Ticket(id="2"), {"queue": prediction()}, {"queue": contract})["queue"].action is Action.LEAVE
    strange = Prediction("queue", prediction().top, False, 0.0, ("Hardware", 0.99))
    assert decide_targets(TICKET, {"queue": strange}, {"queue": contract})["queue"].action is Action.LEAVE


def test_a_label_that_is_sure_is_told_itself():
    rows = past()
    rows["predicted"], rows["confidence"] = rows["truth"], np.linspace(1, 0.8, len(rows))
    contract = fit_contract("queue", rows, LABELS, 0.9)
    sure = Prediction("queue", (("Hardware > Printer", 0.99),), True, 0.0, ("Hardware", 0.995))
    assert decide_targets(TICKET, {"queue": sure}, {"queue": contract})["queue"].label == "Hardware > Printer"


def test_spellings_of_one_parent_are_one_parent_however_it_is_written_or_stated():
    found = find_parents(
        ("Access", "IT::Hardware::Mouse", "it > hardware > Printer", "Vpn", "Network"), {"VPN": "network"}
    )
    assert found.names == ("Access", "IT::Hardware", "Network")
    assert found.parent_positions.tolist() == [0, 1, 1, 2, 2]
    assert is_below("it > hardware > Printer", "IT::Hardware")
