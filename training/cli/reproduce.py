"""The door of `deskyard reproduce`: a run's bundle trained again from its own record, and compared byte for byte.

The record is the bundle's card (options, seed, the history's digest, libraries) and what it says it was learnt from.
The desk's own history is rebuilt as it stood then, by its journey. Nothing of what is there is touched.
"""

import hashlib
import json
import platform
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from deskyard.cli.progress import console, track_with_bar
from deskyard.errors import BadInput, BundleMissing
from deskyard.features.sentence_encoder import Encoder, reopen_encoder
from deskyard.history.columns import parse_mapping
from deskyard.registry import bundle
from deskyard.settings import settings
from training.data.history import History, load_history
from training.data.provenance import Provenance
from training.data.taxonomy import to_bundle_names
from training.fit import checkpoints
from training.pipeline.options import Options
from training.pipeline.run import train_model as run
from training.publish import mlflow_tracking


def reproduce(
    what: Annotated[str, typer.Argument(metavar="RUN", help="A bundle (name or folder), or the id of an MLflow run.")],
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILES]", help="The history, where it lies elsewhere by now.")
    ] = None,
    moves: Annotated[Path | None, typer.Option(help="Its journey, likewise.")] = None,
    mapping: Annotated[list[str] | None, typer.Option("--map", help="As it was said then. Repeatable.")] = None,
    test: Annotated[Path | None, typer.Option(help="The test file, likewise.")] = None,
    out: Annotated[Path | None, typer.Option(help="Keep what is trained in this folder.")] = None,
) -> None:
    """Train a run's bundle again from its own record, and say whether it is the same bytes (exit code 1 if not).

    Example: `deskyard reproduce 2026-01-31-120000`
    """
    digest, card, made = _load_record(what)
    origin = (
        Provenance.from_files(files, moves, mapping or [], card["options"]["order"], test)
        if files
        else _load_provenance(what, made)
    )
    for line in _environment_differences(card):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    history, judge = _read_history(origin, card)
    options = Options(**card["options"] | {"targets": tuple(card["options"]["targets"])})
    trained = run(history, options, judge, track_with_bar, _open_encoder(card, made))
    with tempfile.TemporaryDirectory() as folder:
        again = bundle.save_bundle(out or Path(folder) / "again", trained.scorer, trained.evidence, trained.card, {})
    if again == digest:
        typer.echo(f"the same bytes: {digest}")
        return
    parts = [name for name in sorted(card) if _format_value(card[name]) != _format_value(trained.card.get(name))]
    told = f"of the card {', '.join(parts)} differ" if parts else "the cards are alike, the weights differ"
    typer.echo(f"other bytes: {digest} then, {again} now; {told}")
    raise typer.Exit(1)


def _load_record(what: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Digest, card and `made` of a bundle, or of what MLflow keeps of a run."""
    models = settings().models
    folder = bundle.find_bundle(models, what)
    if folder.exists() or not re.fullmatch("[0-9a-f]{32}", what):
        return bundle.read_manifest_and_card(folder)
    digest, card, made = mlflow_tracking.load_run_record(what, settings())
    try:
        return bundle.read_manifest_and_card(bundle.find_by_digest(models, digest))
    except BundleMissing:
        return digest, card, made


def _load_provenance(what: str, build_info: Mapping[str, Any]) -> Provenance:
    if "from" not in build_info:
        raise BadInput(f"{what} does not say what it was learnt from: name the files of its history after it.")
    origin = Provenance.from_json(build_info["from"])
    gone = [name for name in (*origin.tables, origin.moves, origin.test) if name and not Path(name).exists()]
    if gone:
        raise BadInput(f"{what} was learnt from {gone[0]}, which is not there: name the files of its history after it.")
    return origin


def _read_history(origin: Provenance, card: Mapping[str, Any]) -> tuple[History, History | None]:
    """The history and the test file. Raises BadInput unless they are what was read then."""
    said = parse_mapping(list(origin.mapping))
    with origin.open_files() as (tables, moves):
        history = to_bundle_names(load_history(tables, said, moves=moves, order=origin.order), card)
    where = f"the desk as it stood at {origin.desk}" if origin.desk else ", ".join(origin.tables)
    _check_same_history(history, card["learnt_from"]["digest"], card["learnt_from"]["of"], where, bool(origin.desk))
    if not card["judged_on"]["digest"]:
        return history, None
    if not origin.test:
        raise BadInput("it was judged on a test file: name it with --test.")
    levels = {**history.priority_levels, **said.priority}
    judge = to_bundle_names(load_history([origin.test], replace(said, priority=levels), order=origin.order), card)
    _check_same_history(judge, card["judged_on"]["digest"], card["judged_on"]["tickets"], origin.test, False)
    return history, judge


def _check_same_history(history: History, digest: str, tickets: int, where: str, desk: bool) -> None:
    if history.digest == digest:
        return
    why = "tickets or their journey were erased or changed past it" if desk else "the files or --map are others"
    raise BadInput(
        f"it can't be trained again: {where} holds {len(history):,} tickets with the digest {history.digest[:16]}, and "
        f"it was learnt from {tickets:,} with {digest[:16]}: {why}."
    )


def _open_encoder(card: Mapping[str, Any], build_info: Mapping[str, Any]) -> Encoder | None:
    if "encoder" not in card:
        return None
    said, folder = card["encoder"], (build_info.get("encoder") or {}).get("folder")
    return reopen_encoder(said["kind"], said["digest"], [folder] if folder else [])


def _environment_differences(card: Mapping[str, Any]) -> Iterator[str]:
    """What is installed otherwise than then, so that other bytes are no surprise."""
    here = checkpoints.library_versions()
    for name, then in card["versions"].items():
        if here.get(name) != then:
            yield f"{name} {then} then, {here.get(name, 'none')} now: the bytes may differ"
    if card["machine"] != platform.machine():
        yield f"{card['machine']} then, {platform.machine()} now: the bytes may differ"


def _format_value(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
