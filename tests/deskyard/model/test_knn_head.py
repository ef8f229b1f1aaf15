"""The memory: the nearest past tickets, by cosine, and how they vote."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.neighbors import NearestNeighbors

from deskyard.model import knn_head
from deskyard.model.knn_head import (
    MAX_COLUMNS_PER_TICKET,
    MAX_QUERY_COLUMNS,
    MIN_CHAR_NGRAM,
    PRIOR_VOTE,
    NeighbourIndex,
    neighbour_votes,
)

NAMES = (["vpn", "printer"], ["vp", "vpn", "prin", "print", "inter"], ["channel=mail"], ["vpn"])


def rows(rng, tickets, columns, density=0.3):
    X = sparse.random_array((tickets, columns), density=density, rng=rng, format="csr", dtype=np.float32)
    return sparse.csr_array(sparse.diags_array(1 / np.sqrt(X.multiply(X).sum(axis=1) + 1e-9)) @ X, dtype=np.float32)


@pytest.fixture(scope="module")
def dense():
    """60 tickets of at most 30 columns: nothing is cut, so the answer is that of any exact search."""
    X = rows(np.random.default_rng(3), 60, 30)
    return X, NeighbourIndex.build(X, [str(n) for n in range(60)], [[f"w{n}" for n in range(30)], [], [], []])


def test_the_nearest_are_those_of_an_exact_search(dense):
    X, remembered = dense
    exact = NearestNeighbors(n_neighbors=5, metric="cosine", algorithm="brute").fit(X)
    same = 0
    for place in range(60):
        row = X[[place]]
        found, similar = remembered.nearest(row.indices, row.data, 5)
        distances, expected = exact.kneighbors(row)
        assert found[0] == place
        assert np.allclose(similar, 1 - distances[0], atol=2e-3)  # half precision
        assert np.allclose(similar, [(X[[i]] @ row.T).toarray().item() for i in found], atol=2e-3)
        # Where the sets differ, the neighbour that is last in one is as near as the one that is last in the other.
        for one, other in zip(
            sorted(set(found) - set(expected[0])), sorted(set(expected[0]) - set(found)), strict=True
        ):
            assert (X[[one]] @ row.T).toarray().item() == pytest.approx((X[[other]] @ row.T).toarray().item(), abs=2e-3)
        same += set(found) == set(expected[0])
    assert same > 50


def test_the_nearest_come_best_first_and_equals_oldest_first():
    X = sparse.csr_array(np.array([[1, 0], [0, 1], [1, 0], [1, 1]], np.float32))
    remembered = NeighbourIndex.build(X, list("abcd"), [["x", "y"], [], [], []])
    found, similar = remembered.nearest(np.array([0], np.int32), np.array([1], np.float32))
    assert found.tolist() == [0, 2, 3]
    assert similar.tolist() == pytest.approx([1, 1, 0.5**0.5], abs=1e-3)


def test_a_ticket_of_unknown_columns_has_no_neighbours(dense):
    none = np.empty(0, np.int32), np.empty(0, np.float32)
    assert [len(part) for part in dense[1].nearest(*none)] == [0, 0]
    empty = NeighbourIndex.build(
        sparse.csr_array((3, 30), dtype=np.float32), list("abc"), [[f"w{n}" for n in range(30)], [], [], []]
    )
    assert [len(part) for part in empty.nearest(np.array([4], np.int32), np.array([1], np.float32))] == [0, 0]


def test_short_runs_of_characters_are_not_remembered():
    X = sparse.csr_array(np.ones((1, 8), np.float32))
    held = np.flatnonzero(NeighbourIndex.build(X, ["1"], NAMES).index.toarray().ravel())
    names = [name for block in NAMES for name in block]
    assert [names[i] for i in held] == ["vpn", "printer", "prin", "print", "inter", "channel=mail"]
    assert MIN_CHAR_NGRAM == 4


def test_only_the_strongest_columns_of_a_ticket_are_remembered():
    weights = np.linspace(1, 2, MAX_COLUMNS_PER_TICKET + 50, dtype=np.float32)
    remembered = NeighbourIndex.build(
        sparse.csr_array(weights[None]), ["1"], [[f"w{n}" for n in range(len(weights))], [], [], []]
    )
    assert np.flatnonzero(remembered.index.toarray().ravel()).tolist() == list(range(50, MAX_COLUMNS_PER_TICKET + 50))


def test_only_the_strongest_known_columns_of_a_question_are_looked_up():
    n = MAX_QUERY_COLUMNS + 30
    X = sparse.csr_array(np.eye(n, dtype=np.float32)[: n - 10])  # the last ten columns are in no remembered ticket
    remembered = NeighbourIndex.build(X, [str(i) for i in range(n - 10)], [[f"w{i}" for i in range(n)], [], [], []])
    found, _ = remembered.nearest(np.arange(n, dtype=np.int32), np.linspace(1, 2, n, dtype=np.float32), n)
    assert sorted(found.tolist()) == list(range(n - 10 - MAX_QUERY_COLUMNS, n - 10))


def test_only_the_newest_tickets_are_remembered(monkeypatch):
    monkeypatch.setattr(knn_head, "MAX_TICKETS", 2)
    remembered = NeighbourIndex.build(
        sparse.csr_array(np.eye(3, dtype=np.float32)), list("abc"), [["x", "y", "z"], [], [], []]
    )
    assert list(remembered.ids) == ["b", "c"]
    assert len(remembered.nearest(np.array([0], np.int32), np.array([1], np.float32))[0]) == 0
    assert remembered.nearest(np.array([2], np.int32), np.array([1], np.float32))[0].tolist() == [1]


def test_nearer_tickets_have_more_votes_and_unlabelled_ones_none():
    shares = np.array([0.5, 0.5], np.float32)
    near = [(np.array([3, 0, 1, 2]), np.array([0.9, 0.3, 1, 1])), (np.array([3]), np.array([0.5]))]
    cast = neighbour_votes(near, np.array([1, -1, -2, 0], np.int32), shares)
    expected = np.array([[0.81 + PRIOR_VOTE / 2, 0.09 + PRIOR_VOTE / 2], [0.25 + PRIOR_VOTE / 2, PRIOR_VOTE / 2]])
    assert cast == pytest.approx(expected / expected.sum(axis=1, keepdims=True), abs=1e-6)


def test_without_neighbours_the_vote_is_the_labels_shares():
    shares = np.array([0.7, 0.2, 0.1], np.float32)
    nobody = np.empty(0, np.int64), np.empty(0)
    assert neighbour_votes([nobody], np.zeros(5, np.int32), shares)[0] == pytest.approx(shares, abs=1e-6)
    assert neighbour_votes([], np.zeros(5, np.int32), shares).shape == (0, 3)


@pytest.mark.parametrize("held", [5, 700, 5000])
def test_of_many_tickets_the_nearest_are_those_of_sorting_them_all(held):
    """Also where few are like the question at all, and many alike."""
    rng = np.random.default_rng(held)
    similar = np.zeros(5003)
    similar[rng.permutation(5003)[:held]] = rng.integers(1, 400, held) / 400
    found = knn_head._select_nearest(similar, 20)
    best = found[np.lexsort((found, -similar[found]))][:20]
    expected = np.lexsort((np.arange(5003), -similar))[:20]
    assert best.tolist() == expected[similar[expected] > 0].tolist()
