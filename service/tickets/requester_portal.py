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
from deskyard.desk.tickets import Filed
from deskyard.domain.status import is_solved
from deskyard.domain.ticket import Ticket
from deskyard.errors import StoreConflict
from deskyard.policy.policy import TRIAGE
from deskyard.policy.versions import Policies
from service.runtime.context import Yard
from service.tickets import corrections, rescoring, routing

LONGEST: Final = 20_000
"""Characters of a text, as many as a model reads."""

State = Literal["received", "placed", "taken", "asked", "solved", "closed", "erased"]


@dataclass(frozen=True, slots=True)
class Asked:
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
class Standing:
    """How a request stands, as its requester may see it: in a word, and what was said, each with whether they did."""

    filed: Filed
    link: StatusLink
    state: State
    said: tuple[tuple[Comment, bool], ...]

    @property
    def takes_answers(self) -> bool:
        """Whether something can still be said."""
        return self.state not in ("closed", "erased")

    @property
    def takes_stars(self) -> bool:
        """Whether there is a solution to rate."""
        return self.state in ("solved", "closed")


def file(yard: Yard, asked: Asked) -> str:
    """File a request, and return the secret of its address; the same form again is the same request."""
    secret = asked.secret
    done = routing.route(yard, asked.ticket, key=status_links.digest(f"form {secret}"))
    with yard.database.writing() as conn:
        status_links.keep(conn, int(done.answer["ticket"]["id"]), secret, datetime.now(UTC))
    return secret


def standing(yard: Yard, secret: str) -> Standing:
    """How the request stands that a secret opens. Raises NotThere."""
    with yard.database.reading() as conn:
        return _standing(conn, secret)


def answer(yard: Yard, secret: str, text: str, key: str) -> None:
    """Say something more about one's request; `key` names the form that it was written in.

    A request that waited for it or was solved is open again; one that waits in triage is scored again. Raises NotThere,
    and StoreConflict for one that is closed.
    """
    now = standing(yard, secret)
    if not now.takes_answers:
        raise StoreConflict(f"this request is {now.state}: file a new one")
    number, by = now.filed.id, rescoring.requester(now.filed)
    if not corrections.say(yard, number, by, text, public=True, key=f"form {key}")[1]:
        return
    if now.filed.status in ("waiting", "resolved"):
        corrections.correct(yard, number, {"status": "open"}, by, seen=None, why="the requester answered")
    rescoring.again(yard, number)


def rate(yard: Yard, secret: str, stars: int, said: str) -> None:
    """Say how good the solution was. Raises NotThere, BadInput, and StoreConflict where there is none yet."""
    with yard.database.writing() as conn:
        now = _standing(conn, secret)
        if not now.takes_stars:
            raise StoreConflict("there is no solution to rate yet")
        status_links.rate(conn, now.link, stars, said, datetime.now(UTC))


def _standing(conn: Connection, secret: str) -> Standing:
    link = status_links.find(conn, secret)
    filed = tickets.get(conn, link.ticket)
    said = tuple((one, rescoring.by_requester(filed, one)) for one in comments.of(conn, link.ticket) if one.public)
    waits = filed.queue in (TRIAGE, Policies.current(conn).policy.fallback)
    return Standing(filed, link, _state(filed, waits), said)


def _state(filed: Filed, waits: bool) -> State:
    if filed.erased_at is not None:
        return "erased"
    if is_solved(filed.status):
        return "solved" if filed.status == "resolved" else "closed"
    if filed.status == "waiting":
        return "asked"
    if filed.status == "open" and filed.assignee:
        return "taken"
    return "received" if waits else "placed"
