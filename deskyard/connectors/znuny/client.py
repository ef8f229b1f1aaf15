"""Calls operations of Znuny's generic interface: a POST with the credentials in its body.

Znuny answers with status 200 to a refused call, and with 500 to one that it does not understand; both become errors.
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
"""Name in a refusal of Znuny → our field."""

_UNKNOWN_OPERATION: Final = "determine Operation"


def query(http: HttpClient, operation: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """The response of an operation that changes nothing. Raises an error for a refusal."""
    return read_response(operation, http.query("POST", f"/{operation}", json=data, accept=(500,)), http.base)


def send(http: HttpClient, operation: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """The response of an operation that writes; it is sent once. Raises an error for a refusal."""
    return read_response(operation, http.send("POST", f"/{operation}", json=data, accept=(500,)), http.base)


def read_response(operation: str, response: ApiResponse, base: str) -> dict[str, Any]:
    """The data of a response. Raises an error for a refusal.

    >>> error = {"ErrorCode": "TicketUpdate.AuthFail", "ErrorMessage": "TicketUpdate: User could not be authenticated!"}
    >>> read_response("TicketUpdate", ApiResponse(200, {}, {"Error": error}), "https://desk")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    deskyard.errors.AccessDenied: Znuny: User could not be authenticated!: check login, password and rights of ...
    """
    data = response.data
    if response.status == 500:
        text = str(data.get("faultstring", "")) if isinstance(data, dict) else re.sub(r"<[^>]*>|\s+", " ", str(data))
        if _UNKNOWN_OPERATION in text:
            raise BadInput(f"the web service {base} has no operation {operation}: import Deskyard.yml there again")
        raise StoreUnreachable(f"{operation} at {base} answered 500: {text.strip()[:200]}")
    if not isinstance(data, dict):
        raise BadInput(
            f"{base} is not a web service of Znuny: its address ends in nph-genericinterface.pl/Webservice/Deskyard"
        )
    if isinstance(data.get("Error"), dict):
        raise refusal_error(str(data["Error"].get("ErrorCode")), str(data["Error"].get("ErrorMessage")))
    return data


def refusal_error(code: str, message: str) -> Exception:
    """The error for a refusal.

    >>> refusal_error("TicketUpdate.InvalidParameter", "TicketUpdate: Ticket->QueueID parameter is invalid!")
    StoreRefused('queue: Ticket->QueueID parameter is invalid!')
    >>> refusal_error("TicketGet.AccessDenied", "TicketGet: User does not have access to the ticket!")
    NotFound("Znuny has no such ticket, or does not let deskyard's account see it")
    """
    text = message.partition(": ")[2] or message
    kind = code.rpartition(".")[2]
    if kind in ("AccessDenied", "NotValidTicketID", "NotTicketData") and "permissions" not in text:
        return NotFound("Znuny has no such ticket, or does not let deskyard's account see it")
    if kind in ("AuthFail", "AccessDenied"):
        return AccessDenied(f"Znuny: {text}: check login, password and rights of deskyard's account there")
    named = re.match(r"(?:Ticket->)?(Queue|Priority|Owner|Lock|DynamicField)", text)
    return StoreRefused(FIELDS_BY_ERROR[named[1]] if named else "request", text)
