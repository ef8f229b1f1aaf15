"""Trains the notebooks' model once and caches it: training takes half a minute, and four notebooks use one model."""

import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np

from deskyard.domain.ticket import Target, Ticket
from deskyard.guarantees.contract import Contract, Evidence
from deskyard.guarantees.contract_fitting import fit_contract
from deskyard.model.scorer import Scorer
from deskyard.registry import bundle
from deskyard.reports.report_files import read_figures, write_figures
from deskyard.settings import settings
from deskyard.version import __version__
from training.data.history import History
from training.pipeline.options import Options
from training.pipeline.run import train_model
from training.pipeline.trained import TrainingResult
from training.report import build_document

_LAST_FILE: Final = "positions.npy"
"""The file that is written last: if it exists, the cached run is complete."""


@dataclass(frozen=True, slots=True)
class CachedRun:
    """The results of a training run for one target.

    `report`: the target's part of report.json. `findings`: those of the data audit, as plain values. `evidence`: the
    contract is fitted to it. `holdout_evidence`: predictions and true labels of the holdout `tickets`, in their order,
    as positions in `labels`. `scorer`: the saved model, trained on all tickets including the holdout; it is used for
    explanations, not for measurements.
    """

    target: Target
    report: dict[str, Any]
    findings: list[dict[str, Any]]
    labels: tuple[str, ...]
    evidence: Evidence
    holdout_evidence: Evidence
    tickets: list[Ticket]
    scorer: Scorer

    def fit_contract(self, required_precision: float) -> Contract:
        """The contract that the evidence supports at `required_precision` (between 0 and 1)."""
        return fit_contract(self.target, self.evidence, self.labels, required_precision)


def train_or_load(history: History, target: Target = "queue", required_precision: float = 0.9) -> CachedRun:
    """The training run on `history`, loaded from the state folder if a notebook has trained it before.

    Quick effort, with the data audit. A different history, options or version of deskyard trigger a new training;
    delete `var/notebooks` after changing the code.
    """
    options = Options(targets=(target,), precision=required_precision, effort="quick", audit=True)
    name = sha256(json.dumps([history.digest, asdict(options), __version__]).encode()).hexdigest()[:16]
    folder = settings().state / "notebooks" / name
    if not (folder / _LAST_FILE).exists():
        _save(train_model(history, options), target, folder)
    return _load(folder, target, history)


def _save(trained: TrainingResult, target: Target, folder: Path) -> None:
    digest = bundle.save_bundle(folder / "bundle", trained.scorer, trained.evidence, trained.card, {})
    write_figures(folder / "bundle", build_document(trained, digest, folder / "bundle", {}, "notebook"))
    evaluation = trained.evaluations[target]
    np.save(folder / "evidence.npy", evaluation.evidence)
    np.save(folder / "rows.npy", evaluation.holdout_evidence)
    np.save(folder / _LAST_FILE, trained.case.holdout_predictions[target].positions)


def _load(folder: Path, target: Target, history: History) -> CachedRun:
    loaded = bundle.load_bundle(folder / "bundle")
    document = read_figures(folder / "bundle", loaded.digest)
    return CachedRun(
        target=target,
        report=document["targets"][target],
        findings=document["findings"],
        labels=loaded.labels(target),
        evidence=np.load(folder / "evidence.npy"),
        holdout_evidence=np.load(folder / "rows.npy"),
        tickets=[history.tickets[i] for i in np.load(folder / _LAST_FILE).tolist()],
        scorer=loaded.scorer,
    )
