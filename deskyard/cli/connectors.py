"""The door of `deskyard stores`: the help desks that can be connected, one line each, and what can be done there."""

from typing import Final

import typer

from deskyard import connectors
from deskyard.connectors.base.ticket_store import Capabilities

_FIELD_ORDER: Final = ("queue", "category", "priority", "assignee")


def list_connectors() -> None:
    """List the ticket stores: name, what it was proved against, and what can be done there.

    Example: `deskyard stores`, then `deskyard connect zammad:https://desk.example.org`
    """
    for name in connectors.CONNECTORS:
        typer.echo(format_connector(name))


def format_connector(name: str) -> str:
    """One store in one line, its name first."""
    caps: Capabilities = connectors.connector_class(name).caps
    return f"{name:<16} {connectors.TESTED_AGAINST[name]:<15} {'; '.join(_list_capabilities(caps))}"


def _list_capabilities(caps: Capabilities) -> list[str]:
    told = ["sets " + ", ".join(field for field in _FIELD_ORDER if field in caps.settable_fields)]
    told += [
        words
        for has, words in (
            (caps.atomic_writes, "one write"),
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
