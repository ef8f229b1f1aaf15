"""The command line: a table of commands, each opened by name at the moment it is called.

Nothing heavy is imported to show the help, and a command whose optional part is missing says which one to install.
"""

import importlib
import os
import sys
from typing import Any, Final

# More BLAS threads than cores make a fit many times slower; this must stand before numpy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import typer
from typer.core import TyperCommand, TyperGroup

from deskyard.errors import DeskyardError, ExtraMissing
from deskyard.version import __version__

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "simulate": ("deskyard.simulate.cli:simulate", "Make a synthetic history whose truth is known."),
    "train": ("training.cli.train:train", "Learn from a history: a bundle and an honest table."),
    "retrain": (
        "training.cli.retrain:retrain",
        "Learn anew, compare with the champion, take its place if it is earned.",
    ),
    "compare": ("training.cli.compare:compare", "Compare two models on tickets that neither has learnt from."),
    "reproduce": ("training.cli.reproduce:reproduce", "Train a run's bundle again from its own record, byte for byte."),
    "backtest": (
        "training.cli.backtest:backtest",
        "Say what a policy would have done with the past, and what it saves.",
    ),
    "predict": ("deskyard.cli.predict:predict", "Predict the tickets of a file with a bundle."),
    "card": ("deskyard.cli.card:card", "Show what a bundle learnt from and how well it was judged."),
    "report": ("deskyard.cli.report:report", "Make the weekly report on routing, or that of a training run again."),
    "models": ("deskyard.cli.models:models", "List the bundles: which is in use, which are broken."),
    "promote": ("deskyard.cli.models:promote", "Put a bundle in use, without a pause."),
    "rollback": ("deskyard.cli.models:rollback", "Go back to the model that was in use before."),
    "challenge": ("deskyard.cli.models:challenge", "Let a bundle run beside the model in use, never acted on."),
    "policy": ("deskyard.cli.policy:policy", "Say how far the machine may go: suggest, route, off, shadow."),
    "taxonomy": ("deskyard.cli.taxonomy:taxonomy", "Rename, merge, split and retire labels, from a day on."),
    "breaker": ("deskyard.cli.breaker:breaker", "Show what the circuit breaker holds back, and let it go."),
    "key": ("deskyard.cli.key:key", "Say who may come in: keys to the service, each with a role."),
    "user": ("deskyard.cli.user:user", "Say who may sign in to the pages: users, each with a role."),
    "undo": ("deskyard.cli.undo:undo_", "Take back what the machine set and nobody touched."),
    "export-history": ("deskyard.history.export:export_history", "Write the desk's tickets as a table to train on."),
    "drift": ("training.cli.drift:drift", "Say what has changed on the desk: words, labels, classes, new topics."),
    "labels": ("service.cli.labels:labels", "Say which tickets people should label, and take their labels."),
    "forget": ("deskyard.cli.forget:forget", "Erase what a requester wrote, or the texts of tickets solved long ago."),
    "verify": ("service.tickets.replay:verify", "Compute decisions again and compare them byte for byte."),
    "serve": ("service.cli.serve:serve", "Take new tickets over HTTP and place them in queues."),
    "work": ("service.cli.serve:worker", "Deliver, read and notify without serving: more hands, on PostgreSQL."),
    "stores": (
        "deskyard.cli.connectors:list_connectors",
        "List the help desks that can be connected, and what can be done there.",
    ),
    "connect": ("service.cli.connect:connect", "Connect a help desk or a mailbox, after a look at it."),
    "connections": ("service.cli.connect:list_connections", "List what is connected, and how it does."),
    "disconnect": ("service.cli.connect:disconnect", "Work with a help desk or mailbox no more."),
    "notify": ("service.cli.notify:notify", "Say who is told when a ticket reaches a queue."),
    "pull": ("deskyard.history.pull:pull", "Read a help desk's tickets as a history to train on."),
    "shadow-report": (
        "deskyard.analytics.shadow_report:shadow_report",
        "Show what would have been written, beside what people did.",
    ),
    "demo": ("deskyard.cli.demo:demo", "See all of it at work on a simulated desk."),
    "check": ("deskyard.cli.check:check", "Say what is wrong with this installation and what to do."),
}
"""Command → where it lives ("module:function") and its line in the help."""


class CommandGroup(TyperGroup):
    """The table above as a command group."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The table's order is the order of work."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command's line for the help, with nothing imported."""
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name][1]) if cmd_name in COMMANDS else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The real command, opened because it is about to run."""
        name = args[0]
        if name not in COMMANDS:
            return super().resolve_command(ctx, args)
        return name, open_command(name), args[1:]


def open_command(name: str) -> Any:
    """Import the function behind `name` and make it a command; raises PartMissing when a library is not there."""
    module, function = COMMANDS[name][0].split(":")
    try:
        door = getattr(importlib.import_module(module), function)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in ("deskyard", "training", "service"):
            raise
        raise ExtraMissing(f"'{name}' needs the library {error.name!r}: install it, or run `make setup`.") from error
    if isinstance(door, typer.Typer):
        return typer.main.get_command(door)
    app = typer.Typer(add_completion=False, rich_markup_mode="markdown")
    app.command(name)(door)
    return typer.main.get_command(app)


app = typer.Typer(cls=CommandGroup, add_completion=False, rich_markup_mode="markdown", no_args_is_help=True)


@app.callback(invoke_without_command=True)
def deskyard(
    version: bool = typer.Option(False, "--version", help="Show the version and stop."),
) -> None:
    """A help desk's tickets find their queue by themselves, and nobody is fooled about how well.

    A first walk: `deskyard simulate --tickets 3000 --seed 1 --out history.csv`, then `deskyard train history.csv`,
    then `deskyard serve`. Each command shows an example with `--help`.
    """
    if version:
        typer.echo(f"deskyard {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line; an error made on purpose is one sentence and exit code 2, never a traceback."""
    try:
        app()
    except DeskyardError as error:
        typer.secho(f"deskyard: {error}", fg="red", err=True)
        sys.exit(2)
