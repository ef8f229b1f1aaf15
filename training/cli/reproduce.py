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

from deskyard.cli.progress import bar, console
from deskyard.errors import BadInput, BundleMissing
from deskyard.features.sentence_encoder import Encoder, open_again
from deskyard.history.columns import parse_map
from deskyard.registry import bundle
from deskyard.settings import settings
from training.data.history import History, load
from training.data.provenance import Origin
from training.data.taxonomy import as_then
from training.fit import checkpoints
from training.pipeline.options import Options
from training.pipeline.run import train as run
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
    digest, card, made = _record(what)
    origin = Origin.of(files, moves, mapping or [], card["options"]["order"], test) if files else _origin(what, made)
    for line in _other_ground(card):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    history, judge = _read(origin, card)
    options = Options(**card["options"] | {"targets": tuple(card["options"]["targets"])})
    trained = run(history, options, judge, bar, _encoder(card, made))
    with tempfile.TemporaryDirectory() as folder:
        again = bundle.save(out or Path(folder) / "again", trained.scorer, trained.evidence, trained.card, {})
    if again == digest:
        typer.echo(f"the same bytes: {digest}")
        return
    parts = [name for name in sorted(card) if _plain(card[name]) != _plain(trained.card.get(name))]
    told = f"of the card {', '.join(parts)} differ" if parts else "the cards are alike, the weights differ"
    typer.echo(f"other bytes: {digest} then, {again} now; {told}")
    raise typer.Exit(1)


def _record(what: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Digest, card and `made` of a bundle, or of what MLflow keeps of a run."""
    models = settings().models
    folder = bundle.find(models, what)
    if folder.exists() or not re.fullmatch("[0-9a-f]{32}", what):
        return bundle.peek(folder)
    digest, card, made = mlflow_tracking.record(what, settings())
    try:
        return bundle.peek(bundle.with_digest(models, digest))
    except BundleMissing:
        return digest, card, made


def _origin(what: str, made: Mapping[str, Any]) -> Origin:
    if "from" not in made:
        raise BadInput(f"{what} does not say what it was learnt from: name the files of its history after it.")
    origin = Origin.read(made["from"])
    gone = [name for name in (*origin.tables, origin.moves, origin.test) if name and not Path(name).exists()]
    if gone:
        raise BadInput(f"{what} was learnt from {gone[0]}, which is not there: name the files of its history after it.")
    return origin


def _read(origin: Origin, card: Mapping[str, Any]) -> tuple[History, History | None]:
    """The history and the test file. Raises BadInput unless they are what was read then."""
    said = parse_map(list(origin.mapping))
    with origin.files() as (tables, moves):
        history = as_then(load(tables, said, moves=moves, order=origin.order), card)
    where = f"the desk as it stood at {origin.desk}" if origin.desk else ", ".join(origin.tables)
    _same(history, card["learnt_from"]["digest"], card["learnt_from"]["of"], where, bool(origin.desk))
    if not card["judged_on"]["digest"]:
        return history, None
    if not origin.test:
        raise BadInput("it was judged on a test file: name it with --test.")
    levels = {**history.priority_levels, **said.priority}
    judge = as_then(load([origin.test], replace(said, priority=levels), order=origin.order), card)
    _same(judge, card["judged_on"]["digest"], card["judged_on"]["tickets"], origin.test, False)
    return history, judge


def _same(history: History, digest: str, tickets: int, where: str, desk: bool) -> None:
    if history.digest == digest:
        return
    why = "tickets or their journey were erased or changed past it" if desk else "the files or --map are others"
    raise BadInput(
        f"it can't be trained again: {where} holds {len(history):,} tickets with the digest {history.digest[:16]}, and "
        f"it was learnt from {tickets:,} with {digest[:16]}: {why}."
    )


def _encoder(card: Mapping[str, Any], made: Mapping[str, Any]) -> Encoder | None:
    if "encoder" not in card:
        return None
    said, folder = card["encoder"], (made.get("encoder") or {}).get("folder")
    return open_again(said["kind"], said["digest"], [folder] if folder else [])


def _other_ground(card: Mapping[str, Any]) -> Iterator[str]:
    """What is installed otherwise than then, so that other bytes are no surprise."""
    here = checkpoints.versions()
    for name, then in card["versions"].items():
        if here.get(name) != then:
            yield f"{name} {then} then, {here.get(name, 'none')} now: the bytes may differ"
    if card["machine"] != platform.machine():
        yield f"{card['machine']} then, {platform.machine()} now: the bytes may differ"


def _plain(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
