"""`deskyard connectors`: the ticket stores that can be connected, and what can be done in each."""

from typing import Final

from rich.console import Console
from rich.table import Table

from deskyard import connectors
from deskyard.connectors.base.ticket_store import Capabilities

_FIELD_ORDER: Final = ("queue", "category", "priority", "assignee")

_PIPED_WIDTH: Final = 200
"""Columns outside a terminal: no row is wrapped."""


def list_connectors() -> None:
    """List the connectors: name, the version each was tested against, and what deskyard can do there.

    Example: `deskyard connectors`, then `deskyard connect zammad:https://desk.example.org`
    """
    table = Table.grid(padding=(0, 2))
    for name in connectors.CONNECTORS:
        caps: Capabilities = connectors.connector_class(name).caps
        table.add_row(name, connectors.TESTED_AGAINST[name], "; ".join(list_capabilities(caps)))
    out = Console(highlight=False, markup=False)
    (out if out.is_terminal else Console(width=_PIPED_WIDTH, highlight=False, markup=False)).print(table)


def list_capabilities(caps: Capabilities) -> list[str]:
    """What deskyard can do in a store, in words."""
    found = ["sets " + ", ".join(field for field in _FIELD_ORDER if field in caps.settable_fields)]
    found += [
        words
        for has, words in (
            (caps.atomic_writes, "atomic writes"),
            (caps.checks_version, "checks versions"),
            (caps.notes, "notes"),
            (caps.tags, "tags"),
            (caps.moves, "history"),
        )
        if has
    ]
    if caps.webhooks:
        found.append("signed webhooks" if caps.signed_webhooks else "webhooks with a secret")
    else:
        found.append("polled every minute")
    return found
