"""The requester portal: submitting a request without an account, seeing its status, replying and rating.

A request is reached by a URL with a secret, which opens this request to whoever knows it. Requesters see public
comments only.
"""

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from sqlalchemy import Connection

from deskyard.desk import comments, status_links, tickets
from deskyard.desk.comments import Comment
from deskyard.desk.status_links import StatusLink
from deskyard.desk.tickets import DeskTicket
from deskyard.domain.catalogue import TRIAGE
from deskyard.domain.status import is_solved
from deskyard.domain.ticket import Ticket
from deskyard.errors import StoreConflict
from deskyard.policy.versions import Policies
from service.runtime.context import AppContext
from service.tickets import corrections, rescoring, routing

MAX_TEXT: Final = 20_000
"""Most characters of a text, as many as a model reads."""

State = Literal["received", "placed", "taken", "asked", "solved", "closed", "erased"]


@dataclass(frozen=True, slots=True)
class HelpRequest:
    """A filled form; `token` is that of the form, so that a repeated submission is recognised."""

    subject: str
    body: str
    requester: str
    token: str

    @property
    def secret(self) -> str:
        """The secret of the request's URL: 256 bits derived from the form and its texts, so that a form sent twice
        gives one request."""
        content = "\0".join(("deskyard status", self.token, self.subject, self.body, self.requester))
        return base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).decode().rstrip("=")

    @property
    def ticket(self) -> Ticket:
        """The request as a ticket."""
        return Ticket(
            id="", source="form", subject=self.subject, body=self.body, channel="form", requester=self.requester
        )


@dataclass(frozen=True, slots=True)
class RequestStatus:
    """A request as its requester may see it: its state, and the public comments, each with whether they wrote it."""

    ticket: DeskTicket
    link: StatusLink
    state: State
    comments: tuple[tuple[Comment, bool], ...]

    @property
    def accepts_replies(self) -> bool:
        """Whether the requester can still reply."""
        return self.state not in ("closed", "erased")

    @property
    def accepts_rating(self) -> bool:
        """Whether there is a solution to rate."""
        return self.state in ("solved", "closed")


def submit_request(context: AppContext, request: HelpRequest) -> str:
    """Submit a request and return the secret of its URL; submitting the same form again adds nothing."""
    secret = request.secret
    receipt = routing.route_ticket(context, request.ticket, key=status_links.hash_secret(f"form {secret}"))
    with context.database.writing() as conn:
        status_links.add_link(conn, int(receipt.answer["ticket"]["id"]), secret, datetime.now(UTC))
    return secret


def get_status(context: AppContext, secret: str) -> RequestStatus:
    """The status of the request with that secret. Raises NotFound."""
    with context.database.reading() as conn:
        return _request_status(conn, secret)


def add_reply(context: AppContext, secret: str, text: str, key: str) -> None:
    """Add a reply of the requester; `key` identifies its form, so that a repeated submission is recognised.

    A waiting or resolved request is opened again; one that waits in triage is scored again. Raises NotFound, and
    StoreConflict for a closed or erased request.
    """
    status = get_status(context, secret)
    if not status.accepts_replies:
        raise StoreConflict(f"this request is {status.state}: submit a new one")
    number, requester = status.ticket.id, rescoring.requester_actor(status.ticket)
    if not corrections.add_comment(context, number, requester, text, public=True, key=f"form {key}")[1]:
        return
    if status.ticket.status in ("waiting", "resolved"):
        corrections.change_ticket(
            context, number, {"status": "open"}, requester, expected_version=None, why="the requester replied"
        )
    rescoring.rescore(context, number)


def rate_solution(context: AppContext, secret: str, stars: int, comment: str) -> None:
    """Rate the solution. Raises NotFound, BadInput, and StoreConflict if there is no solution yet."""
    with context.database.writing() as conn:
        status = _request_status(conn, secret)
        if not status.accepts_rating:
            raise StoreConflict("there is no solution to rate yet")
        status_links.rate_solution(conn, status.link, stars, comment, datetime.now(UTC))


def _request_status(conn: Connection, secret: str) -> RequestStatus:
    link = status_links.find_link(conn, secret)
    ticket = tickets.get_ticket(conn, link.ticket)
    public_comments = tuple(
        (one, rescoring.is_by_requester(ticket, one)) for one in comments.list_comments(conn, link.ticket) if one.public
    )
    is_waiting = ticket.queue in (TRIAGE, Policies.current(conn).policy.fallback)
    return RequestStatus(ticket, link, _state(ticket, is_waiting), public_comments)


def _state(ticket: DeskTicket, is_waiting: bool) -> State:
    if ticket.erased_at is not None:
        return "erased"
    if is_solved(ticket.status):
        return "solved" if ticket.status == "resolved" else "closed"
    if ticket.status == "waiting":
        return "asked"
    if ticket.status == "open" and ticket.assignee:
        return "taken"
    return "received" if is_waiting else "placed"
