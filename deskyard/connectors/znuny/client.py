"""Znuny's generic interface on the wire: every call a POST with the credentials in its body, every refusal an error.

In come an operation's name and what it is asked; out comes its answer. Znuny says 200 to a refusal, and 500 to what it
does not understand; both are told apart here, so that nothing of it is taken for an answer.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from deskyard.connectors.base.http_client import Answer, Http
from deskyard.errors import BadInput, NotAllowed, NotThere, StoreRefused, StoreUnreachable

FIELDS: Final = {
    "Queue": "queue",
    "Priority": "priority",
    "Owner": "assignee",
    "Lock": "assignee",
    "DynamicField": "category",
}
"""What Znuny names in a refusal, in our words."""

_NO_OPERATION: Final = "determine Operation"


def ask(http: Http, operation: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """What an operation answers that changes nothing. Raises the error that its refusal is."""
    return read(operation, http.ask("POST", f"/{operation}", json=data, accept=(500,)), http.base)


def send(http: Http, operation: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """What an operation answers that writes; it is sent once. Raises the error that its refusal is."""
    return read(operation, http.send("POST", f"/{operation}", json=data, accept=(500,)), http.base)


def read(operation: str, answer: Answer, base: str) -> dict[str, Any]:
    """The answer, unless it is a refusal.

    >>> error = {"ErrorCode": "TicketUpdate.AuthFail", "ErrorMessage": "TicketUpdate: User could not be authenticated!"}
    >>> read("TicketUpdate", Answer(200, {}, {"Error": error}), "https://desk")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    deskyard.errors.NotAllowed: Znuny: User could not be authenticated!: check login, password and rights of ...
    """
    data = answer.data
    if answer.status == 500:
        told = str(data.get("faultstring", "")) if isinstance(data, dict) else re.sub(r"<[^>]*>|\s+", " ", str(data))
        if _NO_OPERATION in told:
            raise BadInput(f"the web service {base} has no operation {operation}: import Deskyard.yml there once more")
        raise StoreUnreachable(f"{operation} at {base} answered 500: {told.strip()[:200]}")
    if not isinstance(data, dict):
        raise BadInput(
            f"{base} is no web service of Znuny: the address ends in nph-genericinterface.pl/Webservice/Deskyard"
        )
    if isinstance(data.get("Error"), dict):
        raise refusal(str(data["Error"].get("ErrorCode")), str(data["Error"].get("ErrorMessage")))
    return data


def refusal(code: str, message: str) -> Exception:
    """The error that a refusal is.

    >>> refusal("TicketUpdate.InvalidParameter", "TicketUpdate: Ticket->QueueID or Ticket->Queue parameter is invalid!")
    StoreRefused('queue: Ticket->QueueID or Ticket->Queue parameter is invalid!')
    >>> refusal("TicketGet.AccessDenied", "TicketGet: User does not have access to the ticket!")
    NotThere("Znuny has no such ticket, or does not let deskyard's account see it")
    """
    told = message.partition(": ")[2] or message
    kind = code.rpartition(".")[2]
    if kind in ("AccessDenied", "NotValidTicketID", "NotTicketData") and "permissions" not in told:
        return NotThere("Znuny has no such ticket, or does not let deskyard's account see it")
    if kind in ("AuthFail", "AccessDenied"):
        return NotAllowed(f"Znuny: {told}: check login, password and rights of deskyard's account there")
    named = re.match(r"(?:Ticket->)?(Queue|Priority|Owner|Lock|DynamicField)", told)
    return StoreRefused(FIELDS[named[1]] if named else "request", told)
