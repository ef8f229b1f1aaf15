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

router: Final = APIRouter(include_in_schema=False)


@router.get("/left-out-mails")
def show_left_out_mails(request: Request, context: ContextDep) -> HTMLResponse:
    """The page."""
    with context.database.reading() as conn:
        mails, by_connection = left_out_mails.list_mails(conn), left_out_mails.count_by_kind(conn)
    counts = Counter[str]()
    for kinds in by_connection.values():
        counts.update(kinds)
    return layout.render_page(request, "left_out_mails.html", mails=mails, counts=counts, kind_names=KIND_NAMES)


@router.post("/left-out-mails/{id}")
def take_in(id: Annotated[str, Path()], context: ContextDep, caller: CallerDep) -> Response:  # noqa: A002
    """Want a mail to become a ticket with the next pull of its mailbox."""
    number = parse_ticket_number(id, "left-out mail")
    with context.database.writing() as conn:
        left_out_mails.request(conn, number, caller.actor.name)
        audit_log.record_action(conn, caller.actor, "mail.take_in", str(number), datetime.now(UTC))
    return layout.redirect("/left-out-mails")
