"""The files of a bundle: the manifest that names them with their sha256, JSON documents and arrays."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from deskyard.errors import BundleBroken, BundleMissing

FORMAT_VERSION: Final = 4
MANIFEST_FILE: Final = "manifest.json"
MMAP_MIN_BYTES: Final = 1 << 20
"""Arrays of more bytes than this are memory-mapped, so that processes share them."""


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a bundle, checked against its seal.

    Raises BundleMissing where there is none, BundleBroken where it is damaged or has another format.
    """
    path = folder / MANIFEST_FILE
    if not path.is_file():
        raise BundleMissing(f"{folder} holds no bundle (no {MANIFEST_FILE}): train one, or name another folder.")
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BundleBroken(f"{path} can't be read ({error.strerror or error}).") from error
    try:
        manifest = json.loads(raw)
        seal = manifest.pop("seal")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise changed_file_error(path) from error
    if seal != compute_seal(manifest) or raw != to_canonical_json(manifest | {"seal": seal}):
        raise changed_file_error(path)
    if manifest.get("format") != FORMAT_VERSION:
        raise BundleBroken(
            f"{path} has format {manifest.get('format')}; this deskyard reads format {FORMAT_VERSION}. Train again."
        )
    if not _is_well_formed(manifest):
        raise BundleBroken(f"{path} is no manifest of a bundle, or names files outside of it. Train again.")
    return dict(manifest)


def _is_well_formed(manifest: Mapping[str, Any]) -> bool:
    """Whether a manifest has all members, and names files by bare names only."""
    files, folder, made = manifest.get("files"), manifest.get("folder"), manifest.get("made")
    if not (isinstance(files, dict) and isinstance(made, dict) and isinstance(manifest.get("digest"), str)):
        return False
    names = (*files, folder)
    return all(isinstance(name, str) and name not in ("", "..") and Path(name).name == name for name in names)


def changed_file_error(path: Path) -> BundleBroken:
    """The error for a file that is not as it was saved."""
    return BundleBroken(f"{path} is not as it was saved (changed or truncated). Train again or restore the folder.")


def is_intact(content_folder: Path, files: Mapping[str, str]) -> bool:
    """Whether all files (name → sha256) exist as they were saved."""
    return all(
        (content_folder / name).is_file() and sha256(content_folder / name) == expected
        for name, expected in files.items()
    )


def to_canonical_json(document: Any) -> bytes:
    """A document as the bytes that are hashed and written: JSON, sorted keys."""
    return (json.dumps(document, ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode()


def compute_seal(manifest: Mapping[str, Any]) -> str:
    """The sha256 of a manifest without its seal, as 64 hexadecimal characters."""
    return hashlib.sha256(to_canonical_json(manifest)).hexdigest()


def compute_digest(files: Mapping[str, str]) -> str:
    """The digest of a bundle's content: the sha256 of its files' sha256, as 64 hexadecimal characters."""
    return hashlib.sha256(to_canonical_json(files)).hexdigest()


def sha256(path: Path) -> str:
    """The sha256 of a file, as 64 hexadecimal characters. Raises BundleBroken where it can't be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BundleBroken(f"{path} can't be read ({error.strerror or error}).") from error


def read_array(content_folder: Path, name: str) -> npt.NDArray[Any]:
    """An array of a bundle; large ones are memory-mapped."""
    path = content_folder / f"{name}.npy"
    mapped: Literal["r"] | None = "r" if path.stat().st_size > MMAP_MIN_BYTES else None
    return np.asarray(np.load(path, mmap_mode=mapped, allow_pickle=False))  # a memmap's own indexing is slow


def read_document(content_folder: Path, name: str) -> Any:
    """A JSON document of a bundle."""
    return json.loads((content_folder / f"{name}.json").read_text(encoding="utf-8"))
