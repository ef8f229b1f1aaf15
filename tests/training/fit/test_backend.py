"""A run on a Dask cluster: the same bytes as on this machine, or a sentence that says why not."""

import json
import os
import socket

import pytest

from deskyard.errors import BadInput, StoreUnreachable
from deskyard.registry import bundle
from deskyard.simulate.ground_truth import write_history
from deskyard.simulate.world import SimulatedWorld
from training.fit import backend
from training.fit.backend import use_backend


@pytest.fixture(scope="module")
def cluster():
    """A scheduler and two workers, each a process of its own on this machine."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, silence_logs=50
    ) as made:
        yield made


@pytest.fixture(scope="module")
def address(cluster):
    return cluster.scheduler_address.replace("tcp://", "dask://")


def test_a_cluster_learns_the_same_bundle_to_the_byte(address, tmp_path, command):
    write_history(SimulatedWorld(seed=5), 100, tmp_path / "history.csv")
    quick = ("--targets", "queue", "--precision", "0.8", "--effort", "quick", "--no-mlflow")
    asked = ("train", tmp_path / "history.csv", *quick)
    said = command(*asked, "--out", tmp_path / "here")
    assert said.code == 0, said.err
    said = command(*asked, "--out", tmp_path / "there", "--backend", address)
    assert said.code == 0, said.err
    here, there = (bundle.load_bundle(tmp_path / name) for name in ("here", "there"))
    assert here.digest == there.digest


def test_a_cluster_lives_through_the_past_as_this_machine_does(address, tmp_path, command):
    write_history(SimulatedWorld(seed=5), 300, tmp_path / "history.csv")
    asked = (
        "backtest",
        tmp_path / "history.csv",
        "--precision",
        "0.6",
        "--targets",
        "queue",
        "--every",
        "90d",
        "--json",
    )
    here, there = command(*asked), command(*asked, "--backend", address)
    assert here.code == there.code == 0, there.err
    assert here.out == there.out
    assert json.loads(here.out)["policies"][0]["routed"] > 0


def test_the_work_is_done_by_the_workers(address, cluster):

    with use_backend(address):
        made = set(backend.run_parallel([(os.getpid, (), {}) for _ in range(20)], tickets=0))
    workers = {worker.pid for worker in cluster.workers.values()}
    assert made <= workers
    assert os.getpid() not in made
    assert list(backend.run_parallel([(os.getpid, (), {})], tickets=0)) == [os.getpid()]


@pytest.mark.parametrize("wrong", ["here", "tcp://127.0.0.1:8786", "dask://127.0.0.1", "dask://:1"])
def test_what_is_no_address_is_refused(wrong):
    with pytest.raises(BadInput, match=r"such as dask://10\.0\.0\.5:8786"), use_backend(wrong):
        pass


def test_a_scheduler_that_is_not_there_is_told(monkeypatch):
    monkeypatch.setattr(backend, "CONNECT_TIMEOUT", 1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(StoreUnreachable, match="no Dask scheduler answers"), use_backend(f"dask://127.0.0.1:{port}"):
        pass


def test_a_worker_that_would_learn_otherwise_is_refused(address, monkeypatch):
    here = backend.library_versions() | {"scikit-learn": "0.1"}
    told = backend.library_versions()
    monkeypatch.setattr(backend, "library_versions", lambda: here)
    with pytest.raises(BadInput, match=rf"has scikit-learn {told['scikit-learn']} instead of 0\.1"):
        backend._check_workers(_Told(told))
    with pytest.raises(BadInput, match="no worker"):
        backend._check_workers(_Told(None))


class _Told:
    """A cluster whose only worker tells these versions."""

    def __init__(self, told):
        self.told = told

    def run(self, _):
        return {"tcp://worker": self.told} if self.told else {}
