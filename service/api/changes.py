"""`/v1/changes`, `/v1/catalogue`, `/v1/me`: what another deskyard (or any program that mirrors this desk) asks of it.

In come cursors and moments; out go tickets in the order in which they changed, none left out, what the desk has now,
and whom this service takes the caller for. "Ours" is seen from the caller: its own writing and its own notes.
"""

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, BaseModel, Field

from deskyard.connectors.base.ticket_store import StoredTicket
from deskyard.connectors.builtin import changes as desk_pull
from deskyard.db.pagination import DEFAULT_PAGE_SIZE
from deskyard.desk import catalogue as floor
from deskyard.desk import tickets
from deskyard.domain.status import Status
from deskyard.errors import BadInput
from deskyard.version import __version__
from service.api.response_models.audit import ActorResponse
from service.http.dependencies import CallerDep, ContextDep, PageLimit
from service.http.problem_details import problem_responses

router: Final = APIRouter(tags=["changes"])

ChangeCursor = Annotated[str | None, Query(max_length=300, description="`cursor` of the page before.")]
Since = Annotated[
    AwareDatetime | None,
    Query(description="Instead of a cursor: leave out what did not get_changed_ticket since that moment."),
]


class ChangedTicket(BaseModel):
    """A ticket as it was filed and where it stands.

    `markers`: the ids of the deliveries whose note it bears. `ours`: the caller did what was done to it last.
    `load_human_steps`: the fields that a person set after it was filed.
    """

    id: str
    version: int
    updated_at: datetime
    queue: str
    category: str | None
    priority: str | None
    assignee: str | None
    status: Status
    markers: list[str]
    ours: bool
    by_people: list[str]
    source: str
    external_id: str | None
    subject: str
    body: str
    channel: str
    language: str
    requester: str
    organisation: str
    created_at: datetime | None
    fields: dict[str, str]

    @classmethod
    def from_stored(cls, seen: StoredTicket) -> "ChangedTicket":
        """The same, for JSON."""
        ticket = seen.ticket
        return cls.model_validate(
            {
                "id": seen.ref,
                "version": int(seen.version),
                "updated_at": seen.updated_at,
                **{name: seen.value(name) for name in ("queue", "category", "priority", "assignee", "status")},
                "markers": sorted(seen.markers),
                "ours": seen.last_change_by_deskyard,
                "by_people": sorted(seen.set_by_people),
                "source": ticket.source,
                "external_id": ticket.id or None,
                "subject": ticket.subject,
                "body": ticket.body,
                "channel": ticket.channel,
                "language": ticket.language,
                "requester": ticket.requester,
                "organisation": ticket.organisation,
                "created_at": ticket.created_at,
                "fields": dict(ticket.fields),
            }
        )


class ChangePage(BaseModel):
    """Tickets by (`updated_at`, number). `cursor` continues, now if `more`, else later.

    The first page after one without `more` repeats the tickets of about a minute: drop those whose (`id`, `version`)
    was seen.
    """

    items: list[ChangedTicket]
    cursor: str
    more: bool


class CatalogueResponse(BaseModel):
    """What a ticket can be given now: open queues with their defaults, present agents with the queues that each serves,
    and priorities, least urgent first. Any text will do as a category where `categories` is null."""

    queues: dict[str, dict[str, str]]
    agents: dict[str, list[str]]
    priorities: list[str]
    categories: list[str] | None


class MeResponse(BaseModel):
    """Whom the service takes the caller for, and its own version."""

    actor: ActorResponse
    role: str = Field(description="A machine's word gives way to a person's.")
    version: str


@router.get("/v1/changes", responses=problem_responses(400, 422, 503))
def list_changes(
    yard: ContextDep,
    caller: CallerDep,
    limit: PageLimit = DEFAULT_PAGE_SIZE,
    cursor: ChangeCursor = None,
    since: Since = None,
) -> ChangePage:
    """The tickets that changed since the cursor (with neither cursor nor moment: all), oldest change first."""
    if cursor is not None and since is not None:
        raise BadInput("a cursor says where to begin: leave `since` out")
    if since is not None:
        try:
            cursor = desk_pull.start_cursor(since.astimezone(UTC))
        except OverflowError as error:
            raise BadInput("`since` lies outside the years 1 to 9999 of UTC") from error
    with yard.database.reading() as conn:
        page = desk_pull.read_page(conn, cursor, limit, datetime.now(UTC), caller.actor)
    return ChangePage(
        items=[ChangedTicket.from_stored(seen) for seen in page.tickets], cursor=page.cursor, more=page.more
    )


@router.get("/v1/changes/{id}", responses=problem_responses(400, 404, 422, 503))
def get_changed_ticket(
    id: Annotated[str, Path(description="The desk's number of the ticket.")],  # noqa: A002 - the address calls it so
    yard: ContextDep,
    caller: CallerDep,
) -> ChangedTicket:
    """One ticket as the pages show it. Its journey and comments are at /v1/tickets."""
    with yard.database.reading() as conn:
        filed = tickets.get_ticket(conn, tickets.parse_ticket_number(id))
        return ChangedTicket.from_stored(desk_pull.to_stored_tickets(conn, [filed], caller.actor)[0])


@router.get("/v1/catalogue", responses=problem_responses(400, 503))
def get_catalogue(yard: ContextDep) -> CatalogueResponse:
    """What a ticket can be given now, in one answer."""
    with yard.database.reading() as conn:
        found = floor.load_catalogue(conn)
    categories = None if found.categories is None else list(found.categories)
    return CatalogueResponse(**found.to_dict(), priorities=list(found.priorities), categories=categories)


@router.get("/v1/me", responses=problem_responses(400))
def get_me(caller: CallerDep) -> MeResponse:
    """Who calls."""
    return MeResponse(actor=ActorResponse.from_actor(caller.actor), role=caller.role, version=__version__)
