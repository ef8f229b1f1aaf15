"""Connectors to ticket stores, opened by name: `open_store` turns a URL such as `desk:` into a `TicketStore`.

The module of a connector is imported only when it is opened.
"""

import difflib
import importlib
from typing import Final

from deskyard.connectors.base.ticket_store import (
    Capabilities,
    ConnectorClass,
    Delivery,
    DeliveryOutcome,
    DeliveryResult,
    Health,
    Move,
    StoredTicket,
    TicketPage,
    TicketStore,
    WebhookEvent,
)
from deskyard.domain.catalogue import Catalogue
from deskyard.errors import BadInput, ExtraMissing

__all__ = [
    "CONNECTORS",
    "TESTED_AGAINST",
    "Capabilities",
    "Catalogue",
    "ConnectorClass",
    "Delivery",
    "DeliveryOutcome",
    "DeliveryResult",
    "Health",
    "Move",
    "StoredTicket",
    "TicketPage",
    "TicketStore",
    "WebhookEvent",
    "connector_class",
    "open_store",
]  # fmt: skip

CONNECTORS: Final[dict[str, str]] = {
    "desk": "deskyard.connectors.builtin.store:DeskStore",
    "deskyard": "deskyard.connectors.deskyard_remote.store:DeskyardStore",
    "django-helpdesk": "deskyard.connectors.django_helpdesk.store:DjangoHelpdeskStore",
    "jira": "deskyard.connectors.jira.store:JiraStore",
    "roundup": "deskyard.connectors.roundup.store:RoundupStore",
    "rt": "deskyard.connectors.request_tracker.store:RtStore",
    "zammad": "deskyard.connectors.zammad.store:ZammadStore",
    "zendesk": "deskyard.connectors.zendesk.store:ZendeskStore",
    "znuny": "deskyard.connectors.znuny.store:ZnunyStore",
}
"""Name of a connector → its class ("module:class")."""

REAL_SERVER, VENDOR_SPEC, TICKET_FACTS = "real server", "vendor spec", "vendor's facts"

TESTED_AGAINST: Final[dict[str, str]] = {
    "desk": "built in",
    "deskyard": REAL_SERVER,
    "znuny": REAL_SERVER,
    "rt": REAL_SERVER,
    "roundup": REAL_SERVER,
    "django-helpdesk": REAL_SERVER,
    "zendesk": TICKET_FACTS,
    "jira": VENDOR_SPEC,
    "zammad": TICKET_FACTS,
}
"""Name of a connector → what it is tested against: a real server, a fake that is checked against the vendor's own API
description, or a fake built on facts known about the vendor. `docs/connectors/` gives versions and dates."""


def open_store(url: str) -> TicketStore:
    """The store of a URL: `desk:` (the database of the settings), `desk:sqlite:////folder/desk.db`, or the name and
    address of a help desk, as in `rt:https://router:token@rt.example.org/REST/2.0` (see
    `deskyard.connectors.base.connection_url`).

    Raises BadInput for an unknown store, and ExtraMissing if it needs a library that is not installed. Neither message
    quotes what follows the name, which may hold a password.

    >>> open_store("jirra://secret@example")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    deskyard.errors.BadInput: there is no ticket store 'jirra'...; choose from desk...
    """
    name, _, address = url.strip().partition(":")
    if name not in CONNECTORS:
        near = "".join(f" (did you mean {found!r}?)" for found in difflib.get_close_matches(name, CONNECTORS, 1, 0.75))
        raise BadInput(f"there is no ticket store {name[:40]!r}{near}; choose from {', '.join(sorted(CONNECTORS))}")
    return connector_class(name).from_address(address)


def connector_class(name: str) -> ConnectorClass:
    """The class of the connector of that name. Raises ExtraMissing."""
    module, _, class_name = CONNECTORS[name].partition(":")
    try:
        found: ConnectorClass = getattr(importlib.import_module(module), class_name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "deskyard":
            raise
        raise ExtraMissing(f"the store {name!r} needs the library {error.name!r}: install it") from error
    return found
