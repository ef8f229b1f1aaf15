"""The command `deskyard reproduce`: trains a bundle again from its own record and compares the bytes.

The record is the bundle's card (options, seed, the history's digest, libraries) and its provenance. The desk's own
history is reconstructed for the time of that training. Existing data is not changed.
"""

import hashlib
import json
import platform
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from deskyard.cli.progress import console, track_with_bar
from deskyard.errors import BadInput, BundleMissing
from deskyard.features.sentence_encoder import Encoder, reopen_encoder
from deskyard.history.columns import parse_mapping
from deskyard.registry import bundle
from deskyard.settings import settings
from training.cli.train import load_test_history
from training.data.history import History
from training.data.load import load_history
from training.data.provenance import Provenance
from training.data.taxonomy import to_bundle_names
from training.fit import checkpoints
from training.pipeline.options import Options, read_stored_options
from training.pipeline.run import train_model
from training.publish import mlflow_tracking


def reproduce(
    what: Annotated[str, typer.Argument(metavar="RUN", help="A bundle (name or folder), or the id of an MLflow run.")],
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILES]", help="The history, if its files have been moved.")
    ] = None,
    moves: Annotated[Path | None, typer.Option(help="Its ticket history, likewise.")] = None,
    mapping: Annotated[list[str] | None, typer.Option("--map", help="As in that training. Repeatable.")] = None,
    test: Annotated[Path | None, typer.Option(help="The test file, likewise.")] = None,
    out: Annotated[Path | None, typer.Option(help="Save the new bundle to this folder.")] = None,
) -> None:
    """Train a bundle again from its own record and check that the bytes are the same (exit code 1 if not).

    Example: `deskyard reproduce 2026-01-31-120000`
    """
    digest, card, build_info = _load_record(what)
    origin = (
        Provenance.from_files(files, moves, mapping or [], card["options"]["order"], test)
        if files
        else _load_provenance(what, build_info)
    )
    for line in _environment_differences(card):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    history, test_history = _read_history(origin, card)
    stored = read_stored_options(card["options"])
    options = Options(**stored | {"targets": tuple(stored["targets"])})
    trained = train_model(history, options, test_history, track_with_bar, _open_encoder(card, build_info))
    with tempfile.TemporaryDirectory() as folder:
        new_digest = bundle.save_bundle(
            out or Path(folder) / "again", trained.scorer, trained.evidence, trained.card, {}
        )
    if new_digest == digest:
        typer.echo(f"the same bytes: {digest}")
        return
    parts = [name for name in sorted(card) if _format_value(card[name]) != _format_value(trained.card.get(name))]
    reason = f"of the card {', '.join(parts)} differ" if parts else "the cards are equal, the weights differ"
    typer.echo(f"other bytes: {digest} then, {new_digest} now; {reason}")
    raise typer.Exit(1)


def _load_record(what: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Digest, card and build info of a bundle, or of an MLflow run."""
    models = settings().models
    folder = bundle.find_bundle(models, what)
    if folder.exists() or not re.fullmatch("[0-9a-f]{32}", what):
        return bundle.read_manifest_and_card(folder)
    digest, card, build_info = mlflow_tracking.load_run_record(what, settings())
    try:
        return bundle.read_manifest_and_card(bundle.find_by_digest(models, digest))
    except BundleMissing:
        return digest, card, build_info


def _load_provenance(what: str, build_info: Mapping[str, Any]) -> Provenance:
    if "from" not in build_info:
        raise BadInput(f"{what} does not record its history: name the files after it.")
    origin = Provenance.from_json(build_info["from"])
    missing = [name for name in (*origin.tables, origin.moves, origin.test) if name and not Path(name).exists()]
    if missing:
        raise BadInput(f"{what} was trained on {missing[0]}, which is missing: name the files of its history after it.")
    return origin


def _read_history(origin: Provenance, card: Mapping[str, Any]) -> tuple[History, History | None]:
    """The history and the test history. Raises BadInput unless their content is that of the training."""
    columns = parse_mapping(list(origin.mapping))
    with origin.open_files() as (tables, moves):
        read = load_history(tables, columns, moves=moves, order=origin.order, known_labels=origin.labels)
    history = to_bundle_names(read, card)
    where = f"the desk at {origin.desk}" if origin.desk else ", ".join(origin.tables)
    _check_same_history(history, card["learnt_from"]["digest"], card["learnt_from"]["of"], where, bool(origin.desk))
    if not card["judged_on"]["digest"]:
        return history, None
    if not origin.test:
        raise BadInput("it was evaluated on a test file: name it with --test.")
    test = to_bundle_names(load_test_history(origin.test, read, origin.order), card)
    _check_same_history(test, card["judged_on"]["digest"], card["judged_on"]["tickets"], origin.test, False)
    return history, test


def _check_same_history(history: History, digest: str, tickets: int, where: str, desk: bool) -> None:
    if history.digest == digest:
        return
    reason = "tickets or their history were erased or changed" if desk else "the files or --map are different"
    raise BadInput(
        f"it can't be trained again: {where} has {len(history):,} tickets with the digest {history.digest[:16]}, and "
        f"it was trained on {tickets:,} with {digest[:16]}: {reason}."
    )


def _open_encoder(card: Mapping[str, Any], build_info: Mapping[str, Any]) -> Encoder | None:
    if "encoder" not in card:
        return None
    stored, folder = card["encoder"], (build_info.get("encoder") or {}).get("folder")
    return reopen_encoder(stored["kind"], stored["digest"], [folder] if folder else [])


def _environment_differences(card: Mapping[str, Any]) -> Iterator[str]:
    """Differences of libraries and machine from the training, which may change the bytes."""
    here = checkpoints.library_versions()
    for name, then in card["versions"].items():
        if here.get(name) != then:
            yield f"{name} {then} then, {here.get(name, 'none')} now: the bytes may differ"
    if card["machine"] != platform.machine():
        yield f"{card['machine']} then, {platform.machine()} now: the bytes may differ"


def _format_value(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
