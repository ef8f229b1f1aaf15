"""The page `/left-out-mails`: mails that became no ticket, why, and a button that takes one in after all."""

from collections import Counter
from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, Response

from deskyard.desk.tickets import parse_ticket_number
from deskyard.journal import audit_log
from deskyard.mail import auto_reply
from deskyard.reports.i18n import N_
from deskyard.sync import left_out_mails
from service.http.dependencies import CallerDep, ContextDep
from service.pages import layout

KIND_NAMES: Final = {
    auto_reply.AUTO_REPLY: N_("automatic replies"),
    auto_reply.BOUNCE: N_("reports of mail servers"),
    auto_reply.AUTOMATIC: N_("mails of programs"),
    auto_reply.LIST: N_("mailing lists"),
    auto_reply.OWN: N_("our own mails"),
    auto_reply.EARLIER: N_("from before the connection"),
}
"""Kind of reason → its name on the page."""

REASONS: Final = (
    N_("deskyard sent it itself"),
    N_("it comes from our own address"),
    N_("a mail server's report, not a person's message"),
    N_("a post of a mailing list"),
    N_("an automatic message"),
    N_("an automatic reply (by its sender)"),
    N_("an automatic reply (by its subject and text)"),
    N_("it was received before the mailbox was connected"),
    N_("the message is no longer in the folder: move it back there, and it is read as a new one"),
)
"""What the stored reasons and troubles say, without the header that some of them name in parentheses."""

router: Final = APIRouter(include_in_schema=False)


@router.get("/left-out-mails")
def show_left_out_mails(request: Request, context: ContextDep) -> HTMLResponse:
    """The page."""
    with context.database.reading() as conn:
        mails, by_connection = left_out_mails.list_mails(conn), left_out_mails.count_by_kind(conn)
    counts = Counter[str]()
    for kinds in by_connection.values():
        counts.update(kinds)
    return layout.render_page(
        request,
        "left_out_mails.html",
        mails=mails,
        counts=counts,
        kind_names=KIND_NAMES,
        reasons=REASONS,
        split=split_reason,
    )


def split_reason(reason: str) -> tuple[str, str]:
    """A reason as it is translated, and the header that it names in parentheses.

    >>> split_reason("an automatic message (Precedence: junk)"), split_reason("an automatic reply (by its sender)")
    (('an automatic message', '(Precedence: junk)'), ('an automatic reply (by its sender)', ''))
    """
    if reason in REASONS:
        return reason, ""
    sentence, space, header = reason.partition(" (")
    return sentence, space.strip() + header


@router.post("/left-out-mails/{id}")
def take_in(id: Annotated[str, Path()], context: ContextDep, caller: CallerDep) -> Response:  # noqa: A002
    """Want a mail to become a ticket with the next pull of its mailbox."""
    number = parse_ticket_number(id, "left-out mail")
    with context.database.writing() as conn:
        left_out_mails.request(conn, number, caller.actor.name)
        audit_log.record_action(conn, caller.actor, "mail.take_in", str(number), datetime.now(UTC))
    return layout.redirect(f"/left-out-mails#mail-{number}")
