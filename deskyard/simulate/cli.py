"""The command `deskyard simulate`: writes a synthetic history or a stream of synthetic tickets."""

import os
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from deskyard.errors import BadInput
from deskyard.simulate.files import split_name, to_json_line
from deskyard.simulate.ground_truth import request_bodies, side_file_paths, write_history
from deskyard.simulate.settings import SimulationSettings
from deskyard.simulate.world import SimulatedTicket, SimulatedWorld

_DEFAULT: Final = SimulationSettings()
_SHARES_PANEL: Final = "Shares of tickets (0 switches off)"
_SWITCHES_PANEL: Final = "Switches"
_HISTORY_SIZE: Final = 3000


def _share_option(value: float, text: str) -> float:
    option: float = typer.Option(value, help=text, rich_help_panel=_SHARES_PANEL)
    return option


def simulate(
    out: str = typer.Option(
        ..., "--out", help="FILE (.csv, .csv.gz, .jsonl, .parquet); - is the screen, with --stream."
    ),
    tickets: int | None = typer.Option(None, help="Number of tickets. Default 3000; endless with --stream."),
    seed: int = typer.Option(_DEFAULT.seed, help="Another seed: other tickets from the same desk."),
    world_seed: int = typer.Option(
        _DEFAULT.world_seed, help="Another desk: agents, requesters, frequencies of issues."
    ),
    days: int = typer.Option(_DEFAULT.days, help="Days that the history covers, from 2025-01-06."),
    stream: bool = typer.Option(False, "--stream", help="New tickets as JSON lines: bodies for POST /v1/tickets."),
    rate: float | None = typer.Option(None, help="With --stream: tickets per second. Default: as fast as possible."),
    russian: float = _share_option(_DEFAULT.russian, "Written in Russian."),
    other_languages: float = _share_option(
        _DEFAULT.other_languages, "In German, Spanish, Ukrainian or Portuguese; the rest is English."
    ),
    label_noise: float = _share_option(
        _DEFAULT.label_noise, "With a wrongly recorded category, queue or priority (each independently)."
    ),
    misroutes: float = _share_option(_DEFAULT.misroutes, "Routed to a wrong queue first, then reassigned."),
    typos: float = _share_option(_DEFAULT.typos, "With spelling mistakes."),
    html: float = _share_option(_DEFAULT.html, "Of the mails: in HTML."),
    quoted: float = _share_option(_DEFAULT.quoted, "Of the mails: with a quoted reply about another issue."),
    signatures: float = _share_option(_DEFAULT.signatures, "Of the mails: with a signature."),
    near_copies: float = _share_option(_DEFAULT.near_copies, "Nearly the same as an earlier ticket."),
    vague: float = _share_option(_DEFAULT.vague, "Vague: 'Nothing works!'"),
    ambiguous: float = _share_option(
        _DEFAULT.ambiguous, "In words that fit several issues (three in five get a distinguishing detail)."
    ),
    distractions: float = _share_option(
        _DEFAULT.distractions, "With words of other issues around the matter (drawn twice)."
    ),
    burst: bool = typer.Option(
        _DEFAULT.burst, help="One incident: many similar tickets in minutes.", rich_help_panel=_SWITCHES_PANEL
    ),
    rename: bool = typer.Option(
        _DEFAULT.rename, help="A category is renamed half way.", rich_help_panel=_SWITCHES_PANEL
    ),
) -> None:
    """Write a synthetic history with known true labels, or a stream of new synthetic tickets.

    Nobody and nothing in it is real. The same options give the same bytes. Beside FILE it writes the moves between
    queues and the truth: true labels, flags, and the ceiling, i.e. the accuracy of an oracle that knows how the texts
    were made.

    Example, a history of half a year: `deskyard simulate --tickets 3000 --seed 1 --out history.csv`

    Example, a load of 5 tickets per second from the same desk: `deskyard simulate --stream --rate 5 --seed 2 --out -`
    """
    settings = SimulationSettings(
        seed=seed,
        world_seed=world_seed,
        days=days,
        russian=russian,
        other_languages=other_languages,
        label_noise=label_noise,
        misroutes=misroutes,
        typos=typos,
        html=html,
        quoted=quoted,
        signatures=signatures,
        near_copies=near_copies,
        vague=vague,
        ambiguous=ambiguous,
        distractions=distractions,
        burst=burst,
        rename=rename,
    )
    world = SimulatedWorld(settings)
    if stream:
        _stream_tickets(world, tickets, rate, out)
        return
    if out == "-":
        raise BadInput("A history has side files, so it needs a file name: --out history.csv (or add --stream).")
    if rate is not None:
        raise BadInput("--rate is for --stream: a history is written as fast as possible.")
    _write_history(world, _HISTORY_SIZE if tickets is None else tickets, Path(out))


def _write_history(world: SimulatedWorld, count: int, path: Path) -> None:
    summary = write_history(world, count, path, _with_progress)
    typer.echo(f"{summary['tickets']} synthetic tickets: {path}")
    typer.echo("Side files: " + ", ".join(side.name for side in side_file_paths(path)))
    for target, shares in summary["ceiling"].items():
        typer.echo(
            f"  {target:9} the oracle is correct for {shares['measured']:.1%} "
            f"({shares['newest_fifth']:.1%} of the newest fifth); no honest model is much better"
        )


def _stream_tickets(world: SimulatedWorld, count: int | None, rate: float | None, out: str) -> None:
    if rate is not None and not rate > 0:
        raise BadInput(f"--rate is in tickets per second and must be above 0, not {rate:g}.")
    if out == "-":
        try:
            _write_stream(world, count, rate, sys.stdout)
        except BrokenPipeError:
            # The reader has closed the pipe; the flush at exit needs a file that still accepts output.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return
    if split_name(Path(out))[1] != ".jsonl":
        raise BadInput(f"A stream is JSON lines: let '{out}' end in .jsonl, or give - for the screen.")
    if count is None:
        raise BadInput("An endless stream would fill the disk: give --tickets, or --out -.")
    try:
        with Path(out).open("w", encoding="utf-8") as file:
            _write_stream(world, count, rate, file)
    except OSError as error:
        raise BadInput(f"Can't write to '{out}': {error.strerror or error}.") from error


def _write_stream(world: SimulatedWorld, count: int | None, rate: float | None, file: IO[str]) -> None:
    """Write one line per ticket, flushed; with a rate, each at its due time (late ones catch up)."""
    begin = time.monotonic()
    for number, body in enumerate(request_bodies(world.stream(count))):
        if rate is not None:
            time.sleep(max(0.0, begin + number / rate - time.monotonic()))
        file.write(to_json_line(body))
        file.flush()


def _with_progress(tickets: Iterable[SimulatedTicket], count: int) -> Iterator[SimulatedTicket]:
    """The tickets, with a progress bar on the terminal after the first second."""
    begin, bar = time.monotonic(), None
    console = Console(stderr=True)
    try:
        for number, simulated in enumerate(tickets):
            if bar is None and number % 500 == 499 and console.is_terminal and time.monotonic() - begin > 1:
                columns = (TextColumn("tickets"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
                bar = Progress(*columns, console=console, transient=True)
                bar.start()
                task = bar.add_task("tickets", total=count, completed=number)
            if bar is not None and number % 100 == 0:
                bar.update(task, completed=number)
            yield simulated
    finally:
        if bar is not None:
            bar.stop()
