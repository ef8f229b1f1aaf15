"""A bundle: a trained model's folder, written completely or not at all, and opened without running code.

`manifest.json` names the one subfolder with the content (plain arrays, memory-mapped; JSON documents; the evidence) and
the sha256 of each of its files. Saving fills a new subfolder and then replaces the manifest in one step, so a process
killed at any moment leaves the old bundle or the new one. There is no pickle in it.
"""

import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from deskyard import atomic_files
from deskyard.domain.decision import Prediction
from deskyard.domain.ticket import Target, Ticket
from deskyard.errors import BadInput, BundleBroken, BundleMissing
from deskyard.explain.explanation import Explanation, explain
from deskyard.guarantees.contract import Contract, Evidence
from deskyard.guarantees.contract_fitting import fit_contract
from deskyard.model.scorer import Scorer
from deskyard.registry.bundle_content import from_content, open_encoder, to_arrays_and_documents
from deskyard.registry.bundle_files import (
    FORMAT_VERSION,
    MANIFEST_FILE,
    changed_file_error,
    compute_digest,
    compute_seal,
    is_intact,
    read_document,
    read_manifest,
    sha256,
    to_canonical_json,
)

REPORT_FILES: Final = ("report.json", "report.html")
EXTRA_FILES: Final = (*REPORT_FILES, "comparison.json")
"""Files of a training run beside the content, outside the digest; removed with the content."""
CHAMPION_FILE: Final = "CURRENT"
STALE_SECONDS: Final = 86_400.0
"""Seconds after which an unfinished save is taken for that of a killed process, and removed."""


@dataclass(frozen=True)
class Bundle:
    """A loaded model with the evidence for its contracts.

    `digest` identifies its content; `card` says what it was trained on and its test figures; `build_info` when and
    where (not part of the digest).
    """

    name: str
    digest: str
    card: dict[str, Any]
    build_info: dict[str, Any]
    scorer: Scorer
    evidence: Mapping[Target, Evidence]
    _contracts: dict[tuple[float, float | None], dict[Target, Contract]] = field(default_factory=dict, repr=False)

    @property
    def targets(self) -> tuple[Target, ...]:
        """The targets that it predicts."""
        return tuple(self.scorer.heads)

    @property
    def has_encoder(self) -> bool:
        """Whether the model has a sentence encoder, which takes milliseconds a ticket instead of fractions of one."""
        return self.scorer.encoder is not None

    @property
    def taxonomy_changes(self) -> list[dict[str, Any]]:
        """The taxonomy changes that it was trained with (`TaxonomyChange.to_dict`)."""
        return list(self.card.get("taxonomy", []))

    def labels(self, target: Target) -> tuple[str, ...]:
        """The labels of a target that it knows."""
        return self.scorer.heads[target].labels

    def predict(self, tickets: Sequence[Ticket]) -> list[dict[Target, Prediction]]:
        """One prediction for each target of each ticket, in order; safe to call from many threads."""
        return self.scorer.predict(tickets)

    def rank_labels(self, ticket: Ticket) -> dict[Target, list[tuple[str, float]]]:
        """All labels of each target with their probabilities, the most probable first."""
        return {
            target: sorted(zip(self.labels(target), shares.tolist(), strict=True), key=lambda pair: -pair[1])
            for target, shares in self.scorer.predict_proba(ticket).items()
        }

    def explain(self, ticket: Ticket) -> Explanation:
        """The explanation of its predictions for a ticket."""
        return explain(self.scorer, ticket)

    def contracts(
        self, precision: float | None = None, out_of_scope_rate: float | None = None
    ) -> dict[Target, Contract]:
        """The contract of each target at the required precision `precision` (0..1; None: that of training).

        `out_of_scope_rate` is the share (0..1) of out-of-scope tickets that may be routed, whatever that costs in
        coverage (None: the default, where its cost is reasonable).
        """
        required = self.card["asked_precision"] if precision is None else precision
        follows_drift = bool(self.card.get("follows_drift"))
        if (required, out_of_scope_rate) not in self._contracts:
            self._contracts[required, out_of_scope_rate] = {
                t: fit_contract(
                    t, self.evidence[t], head.labels, required, head.stated_parents, out_of_scope_rate, follows_drift
                )
                for t, head in self.scorer.heads.items()
            }
        return self._contracts[required, out_of_scope_rate]


def save_bundle(
    folder: Path,
    scorer: Scorer,
    evidence: Mapping[Target, Evidence],
    card: Mapping[str, Any],
    build_info: Mapping[str, Any],
) -> str:
    """Write a bundle to `folder` and return its digest; an existing bundle is replaced in one step.

    Raises BadInput when `folder` holds something else or can't be written.
    """
    try:
        return _write_bundle(folder, scorer, evidence, card, build_info)
    except OSError as error:
        raise BadInput(f"{folder} can't be written ({error.strerror or error}): name another folder.") from error


def _write_bundle(
    folder: Path,
    scorer: Scorer,
    evidence: Mapping[Target, Evidence],
    card: Mapping[str, Any],
    build_info: Mapping[str, Any],
) -> str:
    refuse_other_files(folder)
    folder.mkdir(parents=True, exist_ok=True)
    saving = Path(tempfile.mkdtemp(prefix=atomic_files.TEMPORARY_PREFIX, dir=folder))
    try:
        arrays, documents = to_arrays_and_documents(scorer, evidence)
        for name, array in arrays.items():
            with (saving / f"{name}.npy").open("wb") as file:
                np.save(file, array, allow_pickle=False)
                atomic_files.flush_to_disk(file)
        for name, document in (documents | {"card": dict(card)}).items():
            with (saving / f"{name}.json").open("wb") as file:
                file.write(to_canonical_json(document))
                atomic_files.flush_to_disk(file)
        files = {path.name: sha256(path) for path in sorted(saving.iterdir())}
        digest = compute_digest(files)
        content_folder = folder / digest[:16]
        if not is_intact(content_folder, files):
            shutil.rmtree(content_folder, ignore_errors=True)
            saving.rename(content_folder)
            atomic_files.sync_folder(folder)
        manifest = {
            "format": FORMAT_VERSION,
            "digest": digest,
            "folder": content_folder.name,
            "files": files,
            "made": dict(build_info),
        }
        atomic_files.write_file(folder / MANIFEST_FILE, to_canonical_json(manifest | {"seal": compute_seal(manifest)}))
    finally:
        shutil.rmtree(saving, ignore_errors=True)
    _remove_old_content(folder, keep=content_folder.name)
    return digest


def load_bundle(folder: Path) -> Bundle:
    """Open a bundle; every file is compared with the manifest before anything is used.

    Raises BundleMissing when there is none at `folder`, BundleBroken when a file is missing, changed or truncated, and
    EncoderMissing when the encoder that it was trained with is missing.
    """
    manifest = read_manifest(folder)
    content_folder = folder / str(manifest["folder"])
    for name, expected in manifest["files"].items():
        path = content_folder / name
        if not path.is_file():
            raise BundleBroken(f"{path} is missing: the bundle is incomplete. Train again or restore the folder.")
        if sha256(path) != expected:
            raise changed_file_error(path)
    encoder = open_encoder(content_folder, manifest["made"]) if "encoder.json" in manifest["files"] else None
    try:
        scorer, evidence = from_content(content_folder, encoder)
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise BundleBroken(
            f"{folder} is complete, but this version of deskyard can't read it ({error!r}): train again."
        ) from error
    return Bundle(
        name=folder.resolve().name,
        digest=manifest["digest"],
        card=read_document(content_folder, "card"),
        build_info=manifest["made"],
        scorer=scorer,
        evidence=evidence,
    )


def read_manifest_and_card(folder: Path) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Digest, card and build information of a bundle, without opening the rest; only `load_bundle` checks all of it.

    Raises BundleMissing when there is none at `folder`, BundleBroken when one of its files is missing or the card was
    changed.
    """
    manifest = read_manifest(folder)
    content_folder = folder / str(manifest["folder"])
    absent = next((name for name in manifest["files"] if not (content_folder / name).is_file()), None)
    if absent is not None:
        raise BundleBroken(
            f"{content_folder / absent} is missing: the bundle is incomplete. Train again or restore the folder."
        )
    if sha256(content_folder / "card.json") != manifest["files"].get("card.json"):
        raise changed_file_error(content_folder / "card.json")
    card = read_document(content_folder, "card")
    if not _is_card(card):
        raise BundleBroken(f"{content_folder / 'card.json'} is no model card. Train again or restore the folder.")
    return manifest["digest"], card, manifest["made"]


def _is_card(card: Any) -> bool:
    """Whether the parts of a card that lists of bundles show are there."""
    targets = card.get("targets", {}) if isinstance(card, dict) else None
    if not isinstance(targets, dict):
        return False
    parts = [card.get("learnt_from", {}), card.get("judged_on", {}), *targets.values()]
    return all(isinstance(part, dict) for part in parts)


def remembered_tickets(folder: Path) -> tuple[list[str], list[str]]:
    """The ids of the tickets that a bundle remembers, and the values of fields (`name=value`) in its vocabulary; the
    rest is not opened.

    Raises BundleMissing when there is none at `folder`, BundleBroken when these are missing or changed.
    """
    manifest = read_manifest(folder)
    content_folder = folder / str(manifest["folder"])
    for path in (content_folder / "memory_ids.json", content_folder / "columns.json"):
        if not path.is_file() or sha256(path) != manifest["files"].get(path.name):
            raise changed_file_error(path)
    return read_document(content_folder, "memory_ids"), read_document(content_folder, "columns")["fields"]


def champion_folder(models: Path) -> Path | None:
    """The folder of the bundle named in `models`/CURRENT; None when there is no champion yet."""
    current = models / CHAMPION_FILE
    if not current.is_file():
        return None
    name = current.read_text(encoding="utf-8").strip()
    if not name or Path(name).name != name:
        raise BundleBroken(f"{current} must hold the name of one bundle beside it, not {name!r}.")
    return models / name


def find_bundle(models: Path, name: str = "") -> Path:
    """The folder of a bundle: `name` is its path, or its name in `models`; "" and "champion" mean the champion.

    Raises BundleMissing when there is no champion.
    """
    if name and name != "champion":
        return Path(name) if Path(name).exists() or not (models / name).exists() else models / name
    folder = champion_folder(models)
    if folder is None:
        raise BundleMissing(f"there is no champion in {models}: run `deskyard train HISTORY` first.")
    return folder


def find_by_digest(models: Path, digest: str) -> Path:
    """The folder in `models` whose bundle has that digest. Raises BundleMissing when none has."""
    for manifest in sorted(models.glob(f"*/{MANIFEST_FILE}")):
        try:
            if read_manifest(manifest.parent)["digest"] == digest:
                return manifest.parent
        except BundleBroken:
            continue
    raise BundleMissing(
        f"no bundle in {models} has the digest {digest[:16]}: restore its folder to compute this decision again"
    )


def set_champion(models: Path, name: str) -> None:
    """Make the bundle `name` in `models` the champion, in one step."""
    atomic_files.write_file(models / CHAMPION_FILE, f"{name}\n".encode())


def refuse_other_files(folder: Path) -> None:
    """Raise BadInput when `folder` is a file or holds anything that is not part of a bundle."""
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder} is a file; --out takes a folder for the bundle.")
    if not folder.is_dir():
        return
    if (folder / MANIFEST_FILE).exists() and _is_bundle_manifest(folder / MANIFEST_FILE):
        return
    others = sorted(path.name for path in folder.iterdir() if not _is_bundle_file(path.name))
    if others:
        raise BadInput(f"{folder} holds other files ({', '.join(others[:3])}): name a new or empty folder.")


def _is_bundle_manifest(manifest: Path) -> bool:
    """Whether a manifest, intact or damaged, is that of a bundle."""
    return b'"seal"' in manifest.read_bytes() or b'"digest"' in manifest.read_bytes()


def _is_bundle_file(name: str) -> bool:
    return name.startswith(atomic_files.TEMPORARY_PREFIX) or (len(name) == 16 and set(name) <= set("0123456789abcdef"))


def _remove_old_content(folder: Path, keep: str) -> None:
    """Remove older content, and what a killed process left a day ago or earlier."""
    for path in folder.iterdir():
        unfinished = path.name.startswith(atomic_files.TEMPORARY_PREFIX)
        if unfinished and time.time() - path.stat().st_mtime < STALE_SECONDS:
            continue
        if (_is_bundle_file(path.name) or path.name in EXTRA_FILES) and path.name != keep:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
