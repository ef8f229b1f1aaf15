"""The door of `deskyard stores`: the help desks that can be connected, one line each, and what can be done there."""

from typing import Final

import typer

from deskyard import connectors
from deskyard.connectors.base.ticket_store import Capabilities

_ORDER: Final = ("queue", "category", "priority", "assignee")


def stores_() -> None:
    """List the ticket stores: name, what it was proved against, and what can be done there.

    Example: `deskyard stores`, then `deskyard connect zammad:https://desk.example.org`
    """
    for name in connectors.STORES:
        typer.echo(line(name))


def line(name: str) -> str:
    """One store in one line, its name first."""
    caps: Capabilities = connectors.kind(name).caps
    return f"{name:<16} {connectors.PROVED[name]:<15} {'; '.join(_told(caps))}"


def _told(caps: Capabilities) -> list[str]:
    told = ["sets " + ", ".join(field for field in _ORDER if field in caps.sets)]
    told += [
        words
        for has, words in (
            (caps.one_write, "one write"),
            (caps.checks_version, "checks versions"),
            (caps.notes, "notes"),
            (caps.tags, "tags"),
            (caps.moves, "moves"),
        )
        if has
    ]
    if caps.webhooks:
        told.append("signed webhooks" if caps.signed_webhooks else "webhooks with a secret")
    else:
        told.append("polled each minute")
    return told
