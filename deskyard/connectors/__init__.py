"""Where tickets live: one file a store, each opened by its name at the moment it is needed.

In comes a URL such as `desk:`; out goes a `TicketStore`. `files` reads and writes tables of tickets.
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
"""A store's name → where its class is ("module:class")."""

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
"""What a store was proved against: a real server, a fake whose every message keeps to the vendor's own description, or
a fake built on what is known of the vendor. `docs/connectors/` says it with versions and dates."""


def open_store(url: str) -> TicketStore:
    """The store that a URL names: `desk:` (the settings' database), `desk:sqlite:////folder/desk.db`, or a help desk's
    name and address, as in `rt:https://router:token@rt.example.org/REST/2.0` (see
    `deskyard.connectors.base.connection_url`).

    Raises BadInput for a store that does not exist, and PartMissing when it needs a library that is not installed.
    Neither message quotes what follows the name: it may hold a password.

    >>> open_store("jirra://secret@example")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    deskyard.errors.BadInput: there is no ticket store 'jirra'...; choose from desk...
    """
    name, _, place = url.strip().partition(":")
    if name not in CONNECTORS:
        near = "".join(f" (did you mean {found!r}?)" for found in difflib.get_close_matches(name, CONNECTORS, 1, 0.75))
        raise BadInput(f"there is no ticket store {name[:40]!r}{near}; choose from {', '.join(sorted(CONNECTORS))}")
    return connector_class(name).from_address(place)


def connector_class(name: str) -> ConnectorClass:
    """The class of the store of that name."""
    module, _, wanted = CONNECTORS[name].partition(":")
    try:
        found: ConnectorClass = getattr(importlib.import_module(module), wanted)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "deskyard":
            raise
        raise ExtraMissing(f"the store {name!r} needs the library {error.name!r}: install it") from error
    return found
