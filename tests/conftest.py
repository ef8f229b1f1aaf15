"""What many tests need: a simulated past, the one bundle trained on it, a small sure bundle, and the command."""

import fcntl
import os

# More BLAS threads than cores make a fit many times slower; this must stand before numpy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from deskyard.simulate.world import World
from deskyard.ticket import TARGETS, Ticket
from training.history import History

PAST = 700
"""Simulated tickets that the session's bundle is learnt from."""

SUBJECTS = {
    "IT": "the vpn client drops the connection and the laptop is offline",
    "Billing": "the invoice shows a wrong amount, please refund the payment",
    "Кадры/Отпуск": "прошу согласовать отпуск и больничный лист",
}


def simulate(tickets: int, seed: int = 5, **changes) -> History:
    """A history as `training.history.load` gives it, from the simulated desk."""
    past = list(World(seed=seed, **changes).tickets(tickets))
    labels = {target: [one.labels[target] for one in past] for target in TARGETS}
    return History(tickets=[one.ticket for one in past], labels=labels, digest=f"simulated {tickets} {seed}")


@pytest.fixture(scope="session")
def make_history() -> Callable[..., History]:
    return simulate


@pytest.fixture(scope="session")
def past() -> History:
    return simulate(PAST)


@contextmanager
def only_one_process(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def shared(tmp_path_factory) -> Path:
    """A folder that all workers of this session share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def learnt(shared, past) -> Path:
    """The folder of the bundle that was trained on `past`, asked for 80 %; one worker trains it for all."""
    from deskyard import bundle
    from training.run import Options, train

    folder = shared / "learnt"
    with only_one_process(shared / "learnt.lock"):
        if not (folder / bundle.MANIFEST).exists():
            trained = train(past, Options(precision=0.8))
            bundle.save(folder, trained.scorer, trained.evidence, trained.card, {"at": "once"})
    return folder


class Made(NamedTuple):
    """What goes into a bundle."""

    scorer: object
    evidence: dict
    card: dict


@pytest.fixture(scope="session")
def made() -> Made:
    """A model of three queues, two priorities and two assignees, each proved by 400 past tickets."""
    from deskyard.contract import EVIDENCE
    from deskyard.features import count
    from deskyard.model import TicketModel

    labels = {"priority": ("low", "high"), "queue": tuple(SUBJECTS), "assignee": ("ann", "борис")}
    tickets = [Ticket(id=str(n), subject=text) for n, text in enumerate(list(SUBJECTS.values()) * 20)]
    which = np.arange(len(tickets), dtype=np.int32) % 3
    truth = {"priority": np.minimum(which, 1), "queue": which, "assignee": np.minimum(which, 1)}
    model = TicketModel({target: len(names) for target, names in labels.items()}).fit(count(tickets), truth)
    evidence = {}
    for target, names in labels.items():
        evidence[target] = np.zeros(400, EVIDENCE)
        evidence[target]["confidence"] = np.linspace(0.5, 1, 400)
        evidence[target]["predicted"] = evidence[target]["truth"] = np.arange(400) % len(names)
    scorer = model.scorer(labels, {target: np.array([4.0, 0.3, 0.0]) for target in labels})
    return Made(scorer, evidence, {"asked_precision": 0.95})


@pytest.fixture(scope="session")
def champion(tmp_path_factory, made) -> Path:
    """A home whose champion is that model."""
    from deskyard import bundle

    home = tmp_path_factory.mktemp("champion")
    bundle.save(home / "models" / "tiny", *made, {})
    bundle.crown(home / "models", "tiny")
    return home


@pytest.fixture
def home(monkeypatch, tmp_path) -> Iterator[Path]:
    """An empty home, and a folder of its own to work in."""
    from deskyard.settings import settings

    folder = tmp_path / "home"
    folder.mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("DESKYARD_HOME", str(folder))
    monkeypatch.delenv("DESKYARD_DATABASE_URL", raising=False)
    settings.cache_clear()
    yield folder
    settings.cache_clear()


class Said(NamedTuple):
    """What a command answered."""

    code: int
    out: str
    err: str


@pytest.fixture
def command(home, monkeypatch, capsys) -> Callable[..., Said]:
    """`deskyard ...` in this process, through the door that people use; a traceback fails the test."""
    from deskyard.cli import main

    def run(*arguments) -> Said:
        with monkeypatch.context() as patched:
            patched.setattr(sys, "argv", ["deskyard", *map(str, arguments)])
            patched.setattr(sys, "excepthook", sys.excepthook)  # typer replaces it
            try:
                code = main() or 0
            except SystemExit as end:
                code = end.code or 0
        return Said(code, *capsys.readouterr())

    return run


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """With DESKYARD_NO_SKIPS a skip is a failure, except for want of the data beside the checkout (../shared)."""
    report = yield
    if report.skipped and os.environ.get("DESKYARD_NO_SKIPS") and "../shared" not in str(report.longrepr):
        report.outcome, report.longrepr = "failed", f"skipped where nothing may be: {report.longrepr}"
    return report
