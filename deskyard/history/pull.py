"""`deskyard pull`: the tickets of a foreign help desk as a history to train on, with all changes since.

It writes a table of tickets and one of moves. What was read is kept page by page in a working file beside the table, so
that an interrupted run continues where it stopped. Nothing is written in the help desk.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from deskyard.connectors import CONNECTORS, Move, StoredTicket, TicketStore, connector_class, open_store
from deskyard.connectors.base.connection_url import ConnectionUrl
from deskyard.domain.status import is_solved
from deskyard.domain.ticket import TARGETS
from deskyard.errors import BadInput, NotFound, StoreUnreachable
from deskyard.history.column_mapping import MOVE_COLUMNS
from deskyard.history.export import COLUMNS, default_moves_path
from deskyard.sync import credentials
from deskyard.tabular.writer import SUFFIXES, open_writer

PAGE_SIZE: Final = 100
MAX_FAILED_REQUESTS: Final = 20
"""Consecutive failed requests after which the run ends."""


@dataclass(slots=True)
class PullCounts:
    """How many tickets and moves were read, and how many tickets have a label of each target."""

    tickets: int = 0
    moves: int = 0
    labels: Counter[str] = field(default_factory=Counter)


def pull(
    url: Annotated[str, typer.Argument(help="The ticket store, such as rt:https://router@rt.example.org/REST/2.0")],
    out: Annotated[Path, typer.Option(help=f"The table of tickets: {', '.join(SUFFIXES)}.")],
    moves: Annotated[Path | None, typer.Option(help="The file of changes; FILE.moves.csv if left out.")] = None,
    secret: Annotated[
        str, typer.Option(envvar="DESKYARD_SECRET", help="The password or token, if the URL has none.")
    ] = "",
) -> None:
    """Read a help desk's tickets as a history to train on; an interrupted run continues where it stopped.

    Example: `deskyard pull rt:https://router@rt.example.org/REST/2.0 --out history.parquet`, then
    `deskyard train history.parquet --moves history.moves.csv`
    """
    store = open_store(with_secret(url, secret))
    try:
        counts = pull_tickets(store, url, out, moves or default_moves_path(out), Console(stderr=True, highlight=False))
    finally:
        store.close()
    labels = ", ".join(f"{counts.labels[target]:,} {target}" for target in TARGETS)
    typer.echo(f"{counts.tickets:,} tickets to {out}; labels: {labels}.", err=True)
    if store.caps.moves:
        typer.echo(f"{counts.moves:,} moves to {moves or default_moves_path(out)}.", err=True)
    else:
        typer.echo("This help desk does not provide the history of changes, so there are no moves.", err=True)


def with_secret(url: str, secret: str) -> str:
    """The URL with the secret, else with that of the connection of this name.

    >>> with_secret("rt:https://router@rt.example.org", "s3cret/")
    'rt:https://router:s3cret%2F@rt.example.org'
    """
    name, _, address = url.partition(":")
    if name not in CONNECTORS or name == "desk" or not address:
        return url
    found = ConnectionUrl.parse(address, getattr(connector_class(name), "options", ()))
    secret = secret or found.secret or credentials.read_secret(name)
    return f"{name}:{replace(found, secret=secret).format(secrets=True)}"


def pull_tickets(store: TicketStore, url: str, out: Path, moves: Path, console: Console) -> PullCounts:
    """Read all tickets into the working file, then write the tables."""
    if moves.absolute() == out.absolute():
        raise BadInput(f"--moves {moves}: this is the table of tickets; name another file.")
    if not any(out.name.lower().endswith(known) for known in SUFFIXES):
        raise BadInput(f"{out}: tables are written as {', '.join(SUFFIXES)}; name the file with one of these endings.")
    working = out.with_name(f".{out.name}.pulling")
    fingerprint = sha256(url.encode()).hexdigest()[:16]
    _read_pages(store, working, fingerprint, console)
    counts = _write_tables(working, out, moves if store.caps.moves else None)
    working.unlink()
    return counts


def _read_pages(store: TicketStore, working: Path, store_fingerprint: str, console: Console) -> None:
    """Append pages to the working file until there is no more."""
    cursor, known = _resume_position(working, store_fingerprint)
    if known:
        console.print(f"Continuing after {known:,} tickets that were read before.")
    started, failures, more = time.monotonic(), 0, True
    with working.open("a", encoding="utf-8") as file, console.status("Reading…") as status:
        if not known:
            file.write(json.dumps({"mark": store_fingerprint}) + "\n")
        while more:
            try:
                page = store.pull(cursor, PAGE_SIZE)
                tickets = [_ticket_record(store, one) for one in page.tickets]
            except StoreUnreachable as error:
                failures += 1
                if failures > MAX_FAILED_REQUESTS:
                    raise StoreUnreachable(
                        f"{error}. What was read is kept: run the same command again to continue", error.retry_after
                    ) from error
                status.update(f"{known:,} tickets; waiting {error.retry_after:.0f} s for the help desk")
                time.sleep(error.retry_after)
                continue
            failures, cursor, more = 0, page.cursor, page.more
            file.write(json.dumps({"cursor": cursor, "tickets": tickets}, ensure_ascii=False) + "\n")
            file.flush()
            known += len(tickets)
            pace = known / max(time.monotonic() - started, 1e-9)
            newest = f", up to {page.tickets[-1].updated_at:%Y-%m-%d}" if page.tickets else ""
            status.update(f"{known:,} tickets{newest}, {pace:.0f} a second")


def _resume_position(working: Path, store_fingerprint: str) -> tuple[str | None, int]:
    """The cursor to continue from (None: the beginning) and the number of tickets read; drops an unfinished line."""
    if not working.exists():
        return None, 0
    cursor, known, complete_bytes = None, 0, 0
    with working.open("rb") as file:
        for number, raw in enumerate(file):
            try:
                line = json.loads(raw)
            except ValueError:
                break
            if not raw.endswith(b"\n"):
                break
            if number == 0 and line.get("mark") != store_fingerprint:
                raise BadInput(f"{working} belongs to another help desk: remove it, or name another --out")
            if number:
                cursor, known = line["cursor"], known + len(line["tickets"])
            complete_bytes += len(raw)
    with working.open("rb+") as file:
        file.truncate(complete_bytes)
    return cursor, known


def _ticket_record(store: TicketStore, stored: StoredTicket) -> dict[str, Any]:
    ticket = stored.ticket
    moves: list[Move] = []
    if store.caps.moves:
        try:
            moves = store.fetch_moves(stored.ref)
        except NotFound:
            moves = []
    return {
        "ref": stored.ref,
        "row": {
            "id": stored.ref,
            "created_at": ticket.created_at.isoformat() if ticket.created_at else None,
            "subject": ticket.subject,
            "body": ticket.body,
            "channel": ticket.channel,
            "language": ticket.language,
            "requester": ticket.requester,
            "organisation": ticket.organisation,
            "resolved_at": _find_resolved_at(stored, moves),
            **{target: _trusted_label(stored, target, moves) for target in TARGETS},
            **{f"x_{name.strip().casefold()}": value for name, value in ticket.fields.items() if name.strip()},
        },
        "moves": [[stored.ref, move.at.isoformat(), move.actor, move.field, move.was, move.became] for move in moves],
    }


def _trusted_label(stored: StoredTicket, target: str, moves: list[Move]) -> str | None:
    """The current label, unless deskyard set it in a ticket that is not solved: it should not be trained on that."""
    value = stored.value(target)
    last = next((move for move in reversed(moves) if move.field == target), None)
    by_deskyard = last.by_deskyard if last is not None else bool(stored.markers) and stored.last_change_by_deskyard
    return None if by_deskyard and not is_solved(stored.status) else value


def _find_resolved_at(stored: StoredTicket, moves: list[Move]) -> str | None:
    found = None
    for move in moves:
        if move.field == "status":
            found = (found or move.at) if is_solved(move.became) else None
    return found.isoformat() if found and is_solved(stored.status) else None


def _write_tables(working: Path, out: Path, moves: Path | None) -> PullCounts:
    """Write the tables, with each ticket once, as it was read last."""
    last: dict[str, int] = {}
    columns: dict[str, None] = {}
    for number, record in enumerate(_iter_records(working)):
        last[record["ref"]] = number
        columns |= dict.fromkeys(name for name in record["row"] if name not in COLUMNS)
    counts = PullCounts()
    with ExitStack() as stack:
        table = stack.enter_context(open_writer(out, [*COLUMNS, *sorted(columns)], numbers=()))
        moves_writer = stack.enter_context(open_writer(moves, MOVE_COLUMNS, numbers=())) if moves is not None else None
        for number, record in enumerate(_iter_records(working)):
            if last[record["ref"]] != number:
                continue
            table.write(record["row"])
            counts.tickets += 1
            counts.labels.update(target for target in TARGETS if record["row"].get(target))
            if moves_writer is not None:
                for move in record["moves"]:
                    moves_writer.write(dict(zip(MOVE_COLUMNS, move, strict=True)))
                counts.moves += len(record["moves"])
    return counts


def _iter_records(working: Path) -> Iterator[Mapping[str, Any]]:
    with working.open(encoding="utf-8") as file:
        next(file)
        for line in file:
            yield from json.loads(line)["tickets"]
