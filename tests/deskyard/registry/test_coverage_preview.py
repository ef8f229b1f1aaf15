"""What a model would route at another precision, from its own evidence; and which labels it knows too little of."""

import numpy as np
import pytest

from deskyard.guarantees.contract import EVIDENCE_DTYPE, MIN_LABEL_EVIDENCE
from deskyard.policy.policy import Policy, Rule
from deskyard.registry import bundle, coverage_preview
from tests.conftest import SUBJECTS


@pytest.fixture
def loaded(champion):
    return bundle.load_bundle(champion / "models" / "tiny")


@pytest.fixture
def with_evidence(tmp_path, made):
    """The model with other evidence for queues."""

    def one(rows):
        bundle.save_bundle(tmp_path / "other", made.scorer, dict(made.evidence) | {"queue": rows}, made.card, {})
        return bundle.load_bundle(tmp_path / "other")

    return one


def rows(n, right=1.0, labels=3):
    found = np.zeros(n, EVIDENCE_DTYPE)
    found["confidence"] = np.linspace(1, 0.5, n)
    found["predicted"] = found["truth"] = np.arange(n) % labels
    wrong = np.arange(n) >= n * right
    found["truth"][wrong] = (found["predicted"][wrong] + 1) % labels
    return found


def test_the_queues_add_up_to_the_whole(loaded):
    for precision in (0.5, 0.8, 0.95, 0.999):
        whole = next(one for one in coverage_preview.preview_targets(loaded, precision) if one.name == "queue")
        each = coverage_preview.preview_queues(loaded, Policy(), precision)
        assert {one.name for one in each} == set(SUBJECTS)
        for part in ("n", "routed", "right"):
            assert sum(getattr(one, part) for one in each) == getattr(whole, part)


def test_asking_for_more_never_lets_more_go(with_evidence):
    model = with_evidence(rows(900, right=0.8))
    shares = [
        coverage_preview.preview_targets(model, precision)[1].coverage for precision in (0.7, 0.8, 0.9, 0.97, 0.999)
    ]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > shares[-1]


def test_what_goes_is_what_the_contract_lets_go(loaded):
    contract = loaded.contracts(0.95)["queue"]
    whole = next(one for one in coverage_preview.preview_targets(loaded, 0.95) if one.name == "queue")
    sure = loaded.evidence["queue"]["confidence"] >= contract.threshold
    assert whole.routed == int(sure.sum())
    assert whole.precision == 1.0


def test_a_route_of_the_policy_counts_where_it_leads(loaded):
    each = coverage_preview.preview_queues(loaded, Policy(routes={"IT": "Billing"}), 0.95)
    assert "IT" in {one.name for one in each}  # a queue that was learnt is no category, so no route applies to it


def test_a_label_with_too_little_evidence_says_how_many_tickets_it_lacks(with_evidence):
    few = rows(900)
    last = list(SUBJECTS)[2]
    few = few[(few["predicted"] != 2) | (np.cumsum(few["predicted"] == 2) <= MIN_LABEL_EVIDENCE - 2)]
    (one,) = [one for one in coverage_preview.find_evidence_gaps(with_evidence(few), Policy()) if one.target == "queue"]
    assert (one.label, one.code, one.tickets_needed, one.known_tickets) == (
        last,
        "no_evidence",
        2,
        MIN_LABEL_EVIDENCE - 2,
    )


def test_a_target_with_too_little_evidence_says_so_of_all_its_labels(with_evidence):
    (one,) = [
        one for one in coverage_preview.find_evidence_gaps(with_evidence(rows(50)), Policy()) if one.target == "queue"
    ]
    assert (one.label, one.code, one.known_tickets, one.tickets_needed) == (None, "no_contract", 50, 22)


def test_the_policys_precision_is_the_one_that_counts(loaded):
    assert coverage_preview.find_evidence_gaps(loaded, Policy()) == []
    strict = Policy(targets={"queue": Rule(precision=0.999)})
    assert [one.target for one in coverage_preview.find_evidence_gaps(loaded, strict)] == ["queue"]
