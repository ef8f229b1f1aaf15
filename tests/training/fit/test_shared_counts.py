"""Counts in a file that all processes map."""

import mmap

import numpy as np
import pytest

from deskyard.domain.ticket import Ticket
from training.data.label_sets import build_label_sets
from training.fit.backend import MIN_TICKETS_FOR_PROCESSES
from training.fit.cross_fitting import TrainingData
from training.fit.shared_counts import share_counts
from training.pipeline.run import no_progress


def training_data(n):
    tickets = [Ticket(id=str(i), subject=f"vpn {i % 7}", body=f"down since {i % 50}") for i in range(n)]
    values = {"queue": [str(i % 2) for i in range(n)]}
    return TrainingData.build(tickets, values, build_label_sets(values, ("queue",), {}), 0, no_progress)


def of(array):
    """What an array's numbers lie in, at the bottom."""
    while isinstance(array, np.ndarray):
        array = array.base
    return array


@pytest.fixture
def there(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_counts_of_many_tickets_lie_in_a_file_while_they_are_learnt_from(there):
    before = training_data(MIN_TICKETS_FOR_PROCESSES)
    with share_counts(before) as after:
        assert len(list(there.glob("deskyard-*/counts"))) == 1
    assert not list(there.iterdir())
    assert after.counts.names == before.counts.names
    assert after.tickets == before.tickets
    for mapped, own in zip(after.counts.matrices, before.counts.matrices, strict=True):
        assert (mapped != own).nnz == 0
    assert isinstance(of(after.counts.matrices[0].data), mmap.mmap)


def test_the_file_is_gone_when_learning_fails(there):
    with pytest.raises(KeyboardInterrupt), share_counts(training_data(MIN_TICKETS_FOR_PROCESSES)):
        raise KeyboardInterrupt
    assert not list(there.iterdir())


def test_counts_of_few_tickets_stay_where_they_are(there):
    few = training_data(50)
    with share_counts(few) as after:
        assert after is few
        assert not list(there.iterdir())
