"""`/v1/changes`, `/v1/catalogue`, `/v1/me`: endpoints for another deskyard, or any program that mirrors this desk.

Changes are returned in the order in which they happened, without gaps. `ours` is relative to the caller: true where the
caller itself made the last change.
"""

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, Field

from deskyard.connectors.base.ticket_store import StoredTicket
from deskyard.connectors.builtin import changes as desk_changes
from deskyard.db.pagination import DEFAULT_PAGE_SIZE
from deskyard.desk import catalogue as desk_catalogue
from deskyard.desk import tickets
from deskyard.domain.status import Status
from deskyard.errors import BadInput
from deskyard.version import __version__
from service.api.api_model import ApiModel
from service.api.response_models.audit import ActorResponse
from service.http.dependencies import CallerDep, ContextDep, PageLimit
from service.http.problem_details import problem_responses

router: Final = APIRouter(tags=["changes"])

ChangeCursor = Annotated[str | None, Query(max_length=300, description="`cursor` of the previous page.")]
Since = Annotated[
    AwareDatetime | None,
    Query(description="Instead of a cursor: only tickets that changed at or after this time."),
]


class ChangedTicket(ApiModel):
    """A ticket as it was received and its current values."""

    id: str
    """Number of the ticket."""

    version: int
    """Number of changes so far."""

    updated_at: datetime
    """When it was last changed."""

    queue: str
    """Queue that it is in now."""

    category: str | None
    """Category; null until it is set."""

    priority: str | None
    """Priority; null until it is set."""

    assignee: str | None
    """Agent that it is assigned to; null if there is none."""

    status: Status
    """Status."""

    markers: list[str]
    """Ids of the deliveries whose note it carries."""

    ours: bool
    """Whether the caller made the last change."""

    by_people: list[str]
    """Fields that a person set after the ticket was received."""

    source: str
    """Where it came from."""

    external_id: str | None
    """Its id there; null if it has none."""

    subject: str
    """Subject as first written."""

    body: str
    """Text as first written."""

    channel: str
    """How it arrived: mail, form, chat, phone, monitoring and so on."""

    language: str
    """Language, as the sender gave it."""

    requester: str
    """Person who needs help."""

    organisation: str
    """Organisation of the requester."""

    created_at: datetime | None
    """When it was filed; null if that is unknown."""

    fields: dict[str, str]
    """Other values that were known when it was filed."""

    @classmethod
    def from_stored(cls, stored: StoredTicket) -> "ChangedTicket":
        """The response for a ticket as the connector of this desk reads it."""
        ticket = stored.ticket
        return cls.model_validate(
            {
                "id": stored.ref,
                "version": int(stored.version),
                "updated_at": stored.updated_at,
                **{name: stored.value(name) for name in ("queue", "category", "priority", "assignee", "status")},
                "markers": sorted(stored.markers),
                "ours": stored.last_change_by_deskyard,
                "by_people": sorted(stored.set_by_people),
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


class ChangePage(ApiModel):
    """Tickets ordered by `updated_at`, then number. `cursor` continues the list: at once if `more`, otherwise later.

    The first page after one without `more` repeats the tickets of about the last minute: skip those whose (`id`,
    `version`) you have already read.
    """

    items: list[ChangedTicket]
    """Tickets in the order of their changes."""

    cursor: str
    """Cursor of the next page, also at the end of the list."""

    more: bool
    """Whether there is another page now."""


class CatalogueResponse(ApiModel):
    """The values that a ticket can have now."""

    queues: dict[str, dict[str, str]]
    """Open queues, each with its default values by field."""

    agents: dict[str, list[str]]
    """Present agents, each with the queues that they serve."""

    priorities: list[str]
    """Priorities, least urgent first."""

    categories: list[str] | None
    """Categories; null if any text is allowed."""


class MeResponse(ApiModel):
    """The caller as the service knows it, and the version of the service."""

    actor: ActorResponse
    """Who calls."""

    role: str = Field(description="`machine`: changes by this caller never override a person's.")
    version: str
    """Version of the service."""


@router.get("/v1/changes", responses=problem_responses(400, 422, 503))
def list_changes(
    context: ContextDep,
    caller: CallerDep,
    limit: PageLimit = DEFAULT_PAGE_SIZE,
    cursor: ChangeCursor = None,
    since: Since = None,
) -> ChangePage:
    """The tickets that changed since `cursor` or `since` (all tickets without either), oldest change first."""
    if cursor is not None and since is not None:
        raise BadInput("give either `cursor` or `since`, not both")
    if since is not None:
        try:
            cursor = desk_changes.start_cursor(since.astimezone(UTC))
        except OverflowError as error:
            raise BadInput("`since` must lie in the years 1 to 9999 (UTC)") from error
    with context.database.reading() as conn:
        page = desk_changes.read_page(conn, cursor, limit, datetime.now(UTC), caller.actor)
    return ChangePage(
        items=[ChangedTicket.from_stored(ticket) for ticket in page.tickets], cursor=page.cursor, more=page.more
    )


@router.get("/v1/changes/{id}", responses=problem_responses(400, 404, 422, 503))
def get_changed_ticket(
    id: Annotated[str, Path(description="The desk's number of the ticket.")],  # noqa: A002 - the name of the path parameter
    context: ContextDep,
    caller: CallerDep,
) -> ChangedTicket:
    """One ticket as `/v1/changes` returns it. Its history and comments are at /v1/tickets."""
    with context.database.reading() as conn:
        ticket = tickets.get_ticket(conn, tickets.parse_ticket_number(id))
        return ChangedTicket.from_stored(desk_changes.to_stored_tickets(conn, [ticket], caller.actor)[0])


@router.get("/v1/catalogue", responses=problem_responses(400, 503))
def get_catalogue(context: ContextDep) -> CatalogueResponse:
    """The values that a ticket can have now."""
    with context.database.reading() as conn:
        catalogue = desk_catalogue.load_catalogue(conn)
    categories = None if catalogue.categories is None else list(catalogue.categories)
    return CatalogueResponse(**catalogue.to_dict(), priorities=list(catalogue.priorities), categories=categories)


@router.get("/v1/me", responses=problem_responses(400))
def get_me(caller: CallerDep) -> MeResponse:
    """The caller, its role, and the version of the service."""
    return MeResponse(actor=ActorResponse.from_actor(caller.actor), role=caller.role, version=__version__)
