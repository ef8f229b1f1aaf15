"""One finished run, kept for the next notebook: learning takes half a minute, and four notebooks look at one model."""

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
"""What is written last: where it lies, all lies."""


@dataclass(frozen=True, slots=True)
class CachedRun:
    """What a run of one target found.

    `report`: that target's part of the report's figures. `findings`: the audit's, as plain values. `evidence`: what the
    contract rests on. `rows`: what was said of the judged `tickets`, in their order, and what was true; positions are
    those of `labels`. `scorer`: the model that learnt from every ticket, the judged ones too: it explains, it is not
    judged here.
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
        """The contract that the evidence supports at the precision `asked` (0 < asked < 1)."""
        return fit_contract(self.target, self.evidence, self.labels, required_precision)


def train_or_load(history: History, target: Target = "queue", required_precision: float = 0.9) -> CachedRun:
    """The run on `history`, learnt now or read from the folder of state where a notebook learnt it before.

    Quick effort, with the audit. Another history, other options or another version of deskyard are learnt anew; delete
    `var/notebooks` after changing the code.
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
    judged = trained.evaluations[target]
    np.save(folder / "evidence.npy", judged.evidence)
    np.save(folder / "rows.npy", judged.holdout_evidence)
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
