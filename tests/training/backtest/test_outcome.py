"""Deeds: right under whatever name, and only then."""

from datetime import date

import pytest

from deskyard.domain.catalogue import TRIAGE, Catalogue
from deskyard.domain.decision import Action, Decision, Reason
from deskyard.domain.taxonomy import TaxonomyChange
from deskyard.policy.policy import Mode, Policy, apply_policy
from training.backtest.outcome import is_same_label, ticket_outcome

DAY = date(2026, 3, 1)
TURNS = (
    TaxonomyChange(DAY, "queue", "rename", ("Billing",), ("Accounts",)),
    TaxonomyChange(DAY, "queue", "merge", ("VPN", "Wi-Fi"), ("Network",)),
    TaxonomyChange(DAY, "queue", "split", ("IT",), ("Laptops", "Phones")),
)
NOTHING = dict.fromkeys(("category", "priority", "queue", "assignee"))


def decided(label, code="contract", target="queue", action=Action.ROUTE):
    return {target: Decision(target, action, label, 0.97, ((label, 0.97),), (Reason(code, "because"),))}


def done(decisions, truth, queue, queues=("Billing", "IT", "Network"), **policy):
    verdict = apply_policy(decisions, Policy(mode=Mode.ROUTE, **policy), Catalogue({name: {} for name in queues}))
    return ticket_outcome(verdict, NOTHING | truth, queue, TURNS)


@pytest.mark.parametrize(
    ("said", "truth", "right"),
    [
        ("Billing", "Billing", True), ("Billing", "Accounts", True), ("Accounts", "Billing", True),
        ("VPN", "Wi-Fi", True), ("VPN", "Network", True), ("IT", "Phones", True), ("IT", "IT", True),
        ("Phones", "IT", False), ("Phones", "Laptops", False), ("Billing", "VPN", False),
    ],
)  # fmt: skip
def test_a_label_is_right_under_whatever_name_it_bears_by_now(said, truth, right):
    assert is_same_label("queue", said, truth, TURNS) is right


def test_a_routed_ticket_is_right_where_it_was_finally_solved():
    assert done(decided("Billing"), {"queue": "Billing"}, "Billing").right is True
    assert done(decided("Billing"), {"queue": "IT"}, "IT").right is False
    unknown = done(decided("Billing"), {}, None)
    assert (unknown.routed, unknown.right) == (True, None)


def test_what_was_left_to_people_is_neither_right_nor_wrong():
    left = done(decided("Billing", "unsure", action=Action.SUGGEST), {"queue": "IT"}, "IT")
    assert (left.queue, left.routed, left.reason, left.right, left.labels_set) == (TRIAGE, False, "unsure", None, {})


def test_a_category_brings_a_ticket_to_its_queue():
    found = done(
        decided("Invoices", target="category"), {"category": "Refunds"}, "Billing", routes={"Invoices": "Billing"}
    )
    assert (found.queue, found.routed, found.right) == ("Billing", True, True)
    assert found.labels_set == {"category": ("Invoices", False)}


def test_a_parent_is_right_of_every_label_below_it():
    assert done(decided("IT", "parent"), {"queue": "IT > Printer"}, "IT > Printer").right is True
    assert done(decided("IT"), {"queue": "IT > Printer"}, "IT > Printer").right is False
