"""Asking for help without an account: file a request, look at how it stands, answer, say whether it helped.

In come a form's texts and the secret of a request's own address; out go what the requester may see, and nothing that
the desk said among itself. The address opens one request, to whoever knows it.
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
"""Characters of a text, as many as a model reads."""

State = Literal["received", "placed", "taken", "asked", "solved", "closed", "erased"]


@dataclass(frozen=True, slots=True)
class HelpRequest:
    """What somebody wrote into the form; `token` is the form's own, so that it is sent once."""

    subject: str
    body: str
    requester: str
    token: str

    @property
    def secret(self) -> str:
        """What opens the request: 256 bits that follow from the form and its texts, so that sending the same form twice
        gives one request and one address, and another text another."""
        told = "\0".join(("deskyard status", self.token, self.subject, self.body, self.requester))
        return base64.urlsafe_b64encode(hashlib.sha256(told.encode()).digest()).decode().rstrip("=")

    @property
    def ticket(self) -> Ticket:
        """The same as a ticket."""
        return Ticket(
            id="", source="form", subject=self.subject, body=self.body, channel="form", requester=self.requester
        )


@dataclass(frozen=True, slots=True)
class RequestStatus:
    """How a request stands, as its requester may see it: in a word, and what was said, each with whether they did."""

    ticket: DeskTicket
    link: StatusLink
    state: State
    comments: tuple[tuple[Comment, bool], ...]

    @property
    def accepts_replies(self) -> bool:
        """Whether something can still be said."""
        return self.state not in ("closed", "erased")

    @property
    def accepts_rating(self) -> bool:
        """Whether there is a solution to rate."""
        return self.state in ("solved", "closed")


def submit_request(context: AppContext, request: HelpRequest) -> str:
    """File a request, and return the secret of its address; the same form again is the same request."""
    secret = request.secret
    done = routing.route_ticket(context, request.ticket, key=status_links.hash_secret(f"form {secret}"))
    with context.database.writing() as conn:
        status_links.add_link(conn, int(done.answer["ticket"]["id"]), secret, datetime.now(UTC))
    return secret


def get_status(context: AppContext, secret: str) -> RequestStatus:
    """How the request stands that a secret opens. Raises NotThere."""
    with context.database.reading() as conn:
        return _request_status(conn, secret)


def add_reply(context: AppContext, secret: str, text: str, key: str) -> None:
    """Say something more about one's request; `key` names the form that it was written in.

    A request that waited for it or was solved is open again; one that waits in triage is scored again. Raises NotThere,
    and StoreConflict for one that is closed.
    """
    now = get_status(context, secret)
    if not now.accepts_replies:
        raise StoreConflict(f"this request is {now.state}: file a new one")
    number, by = now.ticket.id, rescoring.requester_actor(now.ticket)
    if not corrections.add_comment(context, number, by, text, public=True, key=f"form {key}")[1]:
        return
    if now.ticket.status in ("waiting", "resolved"):
        corrections.change_ticket(
            context, number, {"status": "open"}, by, expected_version=None, why="the requester answered"
        )
    rescoring.rescore(context, number)


def rate_solution(context: AppContext, secret: str, stars: int, comment: str) -> None:
    """Say how good the solution was. Raises NotThere, BadInput, and StoreConflict where there is none yet."""
    with context.database.writing() as conn:
        now = _request_status(conn, secret)
        if not now.accepts_rating:
            raise StoreConflict("there is no solution to rate yet")
        status_links.rate_solution(conn, now.link, stars, comment, datetime.now(UTC))


def _request_status(conn: Connection, secret: str) -> RequestStatus:
    link = status_links.find_link(conn, secret)
    filed = tickets.get_ticket(conn, link.ticket)
    said = tuple(
        (one, rescoring.is_by_requester(filed, one)) for one in comments.list_comments(conn, link.ticket) if one.public
    )
    waits = filed.queue in (TRIAGE, Policies.current(conn).policy.fallback)
    return RequestStatus(filed, link, _state(filed, waits), said)


def _state(ticket: DeskTicket, waits: bool) -> State:
    if ticket.erased_at is not None:
        return "erased"
    if is_solved(ticket.status):
        return "solved" if ticket.status == "resolved" else "closed"
    if ticket.status == "waiting":
        return "asked"
    if ticket.status == "open" and ticket.assignee:
        return "taken"
    return "received" if waits else "placed"
