"""The command line: a table of commands, each opened by name when it is called.

Showing the help imports nothing heavy, and a command whose optional part is missing says what to install.
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

from deskyard.environment import prepare_process
from deskyard.errors import DeskyardError, ExtraMissing
from deskyard.version import __version__

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "simulate": ("deskyard.simulate.cli:simulate", "Make a synthetic history with known labels."),
    "train": ("training.cli.train:train", "Train a model on a history and measure it."),
    "retrain": (
        "training.cli.retrain:retrain",
        "Train a new model, compare it with the champion, and replace the champion if it is better.",
    ),
    "compare": ("training.cli.compare:compare", "Compare two models on tickets that neither was trained on."),
    "reproduce": ("training.cli.reproduce:reproduce", "Train a bundle again from its record and compare it bytewise."),
    "backtest": (
        "training.cli.backtest:backtest",
        "Run a policy on past tickets and show what it would have done and saved.",
    ),
    "predict": ("deskyard.cli.predict:predict", "Predict the tickets of a file with a bundle."),
    "card": ("deskyard.cli.card:card", "Show what a bundle was trained on and its test figures."),
    "report": ("deskyard.cli.report:report", "Write the weekly report on routing, or a training report again."),
    "models": ("deskyard.cli.models:models", "List the bundles: which one is in use, which are broken."),
    "promote": ("deskyard.cli.models:promote", "Put a bundle in use, without a pause."),
    "rollback": ("deskyard.cli.models:rollback", "Go back to the model that was in use before."),
    "challenge": ("deskyard.cli.models:challenge", "Run a bundle in shadow mode beside the model in use."),
    "policy": ("deskyard.cli.policy:policy", "Show and change the policy: route, suggest, shadow or off."),
    "taxonomy": ("deskyard.cli.taxonomy:taxonomy", "Rename, merge, split and retire labels, each from a day on."),
    "breaker": ("deskyard.cli.breaker:breaker", "Show, check and close the circuit breaker."),
    "key": ("deskyard.cli.key:key", "Create, list and revoke API keys, each with a role."),
    "user": ("deskyard.cli.user:user", "Create and change users of the pages, each with a role."),
    "undo": ("deskyard.cli.undo:undo_", "Undo what the model set and nobody changed since."),
    "export-history": ("deskyard.history.export:export_history", "Write the desk's tickets as a table to train on."),
    "drift": ("training.cli.drift:drift", "Show what has changed: words, channels, languages, labels, new topics."),
    "labels": ("service.cli.labels:labels", "Show which tickets people should label; export and import labels."),
    "forget": ("deskyard.cli.forget:forget", "Erase a requester's texts, or those of tickets solved long ago."),
    "verify": ("service.tickets.replay:verify", "Compute past decisions again and compare them bytewise."),
    "serve": ("service.cli.serve:serve", "Serve the API and the pages, and route new tickets."),
    "work": (
        "service.cli.serve:worker",
        "Run a worker that delivers, reads and notifies, without serving.",
    ),
    "connectors": (
        "deskyard.cli.connectors:list_connectors",
        "List the connectors, and what deskyard can do in each ticket store.",
    ),
    "connect": ("service.cli.connect:connect", "Connect a help desk or a mailbox, after checking it."),
    "connections": ("service.cli.connect:list_connections", "List the connections and their states."),
    "disconnect": ("service.cli.connect:disconnect", "Remove a connection to a help desk or mailbox."),
    "notify": ("service.cli.notify:notify", "Set who is notified when a ticket reaches a queue."),
    "pull": ("deskyard.history.pull:pull", "Read a help desk's tickets as a history to train on."),
    "shadow-report": (
        "deskyard.analytics.shadow_report:shadow_report",
        "Compare what the model would have set with what people did.",
    ),
    "demo": ("deskyard.cli.demo:demo", "Run everything on a simulated desk."),
    "check": ("deskyard.cli.check:check", "Check this installation and say what to do about problems."),
}
"""Command → its function ("module:function") and its line in the help."""


class CommandGroup(TyperGroup):
    """The commands of `COMMANDS` as a group."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The commands in the order of the table, which is the order of work."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command with its line of help; nothing is imported."""
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name][1]) if cmd_name in COMMANDS else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command with its function, imported because it is about to run."""
        name = args[0]
        if name not in COMMANDS:
            return super().resolve_command(ctx, args)
        return name, open_command(name), args[1:]


def open_command(name: str) -> Any:
    """Import the function behind `name` and make it a command; raises ExtraMissing when a library is missing."""
    module, function = COMMANDS[name][0].split(":")
    try:
        command_function = getattr(importlib.import_module(module), function)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in ("deskyard", "training", "service"):
            raise
        raise ExtraMissing(f"'{name}' needs the library {error.name!r}: install it, or run `make setup`.") from error
    if isinstance(command_function, typer.Typer):
        return typer.main.get_command(command_function)
    app = typer.Typer(add_completion=False, rich_markup_mode="markdown")
    app.command(name)(command_function)
    return typer.main.get_command(app)


app = typer.Typer(cls=CommandGroup, add_completion=False, rich_markup_mode="markdown", no_args_is_help=True)


@app.callback(invoke_without_command=True)
def deskyard(
    version: bool = typer.Option(False, "--version", help="Show the version and exit."),
) -> None:
    """Route a help desk's tickets with a model of its history and a measured precision.

    First steps: `deskyard simulate --tickets 3000 --seed 1 --out history.csv`, then `deskyard train history.csv`,
    then `deskyard serve`. Each command shows an example with `--help`.
    """
    if version:
        typer.echo(f"deskyard {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line; a `DeskyardError` is printed as one sentence, with exit code 2 and no traceback."""
    try:
        prepare_process()
        app()
    except DeskyardError as error:
        typer.secho(f"deskyard: {error}", fg="red", err=True)
        sys.exit(2)
