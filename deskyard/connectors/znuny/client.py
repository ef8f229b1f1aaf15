"""Znuny's generic interface on the wire: every call a POST with the credentials in its body, every refusal an error.

In come an operation's name and what it is asked; out comes its answer. Znuny says 200 to a refusal, and 500 to what it
does not understand; both are told apart here, so that nothing of it is taken for an answer.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from deskyard.connectors.base.http_client import ApiResponse, HttpClient
from deskyard.errors import AccessDenied, BadInput, NotFound, StoreRefused, StoreUnreachable

FIELDS_BY_ERROR: Final = {
    "Queue": "queue",
    "Priority": "priority",
    "Owner": "assignee",
    "Lock": "assignee",
    "DynamicField": "category",
}
"""What Znuny names in a refusal, in our words."""

_UNKNOWN_OPERATION: Final = "determine Operation"


def query(http: HttpClient, operation: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """What an operation answers that changes nothing. Raises the error that its refusal is."""
    return read_response(operation, http.query("POST", f"/{operation}", json=data, accept=(500,)), http.base)


def send(http: HttpClient, operation: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """What an operation answers that writes; it is sent once. Raises the error that its refusal is."""
    return read_response(operation, http.send("POST", f"/{operation}", json=data, accept=(500,)), http.base)


def read_response(operation: str, response: ApiResponse, base: str) -> dict[str, Any]:
    """The answer, unless it is a refusal.

    >>> error = {"ErrorCode": "TicketUpdate.AuthFail", "ErrorMessage": "TicketUpdate: User could not be authenticated!"}
    >>> read_response("TicketUpdate", ApiResponse(200, {}, {"Error": error}), "https://desk")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    deskyard.errors.NotAllowed: Znuny: User could not be authenticated!: check login, password and rights of ...
    """
    data = response.data
    if response.status == 500:
        told = str(data.get("faultstring", "")) if isinstance(data, dict) else re.sub(r"<[^>]*>|\s+", " ", str(data))
        if _UNKNOWN_OPERATION in told:
            raise BadInput(f"the web service {base} has no operation {operation}: import Deskyard.yml there once more")
        raise StoreUnreachable(f"{operation} at {base} answered 500: {told.strip()[:200]}")
    if not isinstance(data, dict):
        raise BadInput(
            f"{base} is no web service of Znuny: the address ends in nph-genericinterface.pl/Webservice/Deskyard"
        )
    if isinstance(data.get("Error"), dict):
        raise refusal_error(str(data["Error"].get("ErrorCode")), str(data["Error"].get("ErrorMessage")))
    return data


def refusal_error(code: str, message: str) -> Exception:
    """The error that a refusal is.

    >>> refusal_error("TicketUpdate.InvalidParameter", "TicketUpdate: Ticket->QueueID or Ticket->Queue parameter is invalid!")
    StoreRefused('queue: Ticket->QueueID or Ticket->Queue parameter is invalid!')
    >>> refusal_error("TicketGet.AccessDenied", "TicketGet: User does not have access to the ticket!")
    NotThere("Znuny has no such ticket, or does not let deskyard's account see it")
    """
    told = message.partition(": ")[2] or message
    kind = code.rpartition(".")[2]
    if kind in ("AccessDenied", "NotValidTicketID", "NotTicketData") and "permissions" not in told:
        return NotFound("Znuny has no such ticket, or does not let deskyard's account see it")
    if kind in ("AuthFail", "AccessDenied"):
        return AccessDenied(f"Znuny: {told}: check login, password and rights of deskyard's account there")
    named = re.match(r"(?:Ticket->)?(Queue|Priority|Owner|Lock|DynamicField)", told)
    return StoreRefused(FIELDS_BY_ERROR[named[1]] if named else "request", told)
