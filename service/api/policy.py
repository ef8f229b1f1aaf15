"""`/v1/policy`: the policy as TOML, its versions, and the taxonomy changes that it holds."""

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import Response

from deskyard.db.pagination import MAX_PAGE_SIZE
from deskyard.desk import taxonomy_changes
from deskyard.journal import audit_log
from deskyard.policy import toml_format
from deskyard.policy.versions import Policies
from deskyard.text.storable import storable
from service.api.response_models.policy import (
    PolicyResponse,
    PolicyVersionList,
    SplitTask,
    TaxonomyChangeRequest,
    TaxonomyChangeResponse,
    TaxonomyResponse,
)
from service.http.dependencies import CallerDep, ContextDep
from service.http.problem_details import problem_responses

router: Final = APIRouter(tags=["policy"])

TOML: Final = "application/toml"


async def _read_toml(request: Request) -> str:
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != TOML:
        raise HTTPException(415, f"send the policy as TOML, with the header Content-Type: {TOML}")
    try:
        return storable((await request.body()).decode())
    except UnicodeDecodeError as error:
        raise HTTPException(400, f"the body is not UTF-8: see byte {error.start}") from error


_TEXT_SCHEMA: Final = {"schema": {"type": "string"}}


@router.get(
    "/v1/policy",
    response_model=PolicyResponse,
    responses={200: {"content": {TOML: _TEXT_SCHEMA}}, **problem_responses(400, 503)},
)
def get_policy(request: Request, context: ContextDep) -> Response | PolicyResponse:
    """The policy in force; with `Accept: application/toml` as the file that PUT accepts."""
    with context.database.reading() as conn:
        version = Policies.current(conn)
    if TOML in request.headers.get("accept", ""):
        return Response(version.text, media_type=TOML)
    return PolicyResponse.from_version(version)


@router.get("/v1/policy/versions", responses=problem_responses(400, 422, 503))
def list_policy_versions(
    context: ContextDep, limit: Annotated[int, Query(ge=1, le=MAX_PAGE_SIZE, description="Most versions.")] = 20
) -> PolicyVersionList:
    """The newest versions of the policy, newest first. A version is never changed or deleted."""
    with context.database.reading() as conn:
        return PolicyVersionList(
            items=[PolicyResponse.from_version(version) for version in Policies.list_recent(conn, limit)]
        )


@router.put(
    "/v1/policy",
    openapi_extra={"requestBody": {"required": True, "content": {TOML: _TEXT_SCHEMA}}},
    responses=problem_responses(400, 413, 415, 422, 503),
)
def put_policy(text: Annotated[str, Depends(_read_toml)], context: ContextDep, caller: CallerDep) -> PolicyResponse:
    """Put a policy in force from the next ticket on. If a line is wrong, its number is named and nothing changes."""
    new_policy, at = toml_format.parse_policy(text), datetime.now(UTC)
    with context.changing_settings() as conn:
        before = Policies.current(conn)
        version = Policies.add_version(conn, new_policy, caller.actor.name, at)
        if version.number != before.number:
            audit_log.record_action(conn, caller.actor, "policy.put", f"version {version.number}", at)
    return PolicyResponse.from_version(version)


@router.get("/v1/policy/taxonomy", responses=problem_responses(400, 422, 503))
def get_taxonomy(
    context: ContextDep,
    caller: CallerDep,
    limit: Annotated[
        int, Query(ge=1, le=MAX_PAGE_SIZE, description="Most tickets of each split.")
    ] = taxonomy_changes.PAGE_SIZE,
) -> TaxonomyResponse:
    """The labels that were or will be renamed, merged, split or retired, and the tickets that splits leave to people;
    `limit`: how many of the newest tickets of each split."""
    with context.database.reading() as conn:
        changes = Policies.current(conn).policy.taxonomy
        tasks = taxonomy_changes.list_split_tasks(conn, datetime.now(UTC).date(), limit)
    return TaxonomyResponse(
        changes=[TaxonomyChangeResponse.from_change(change) for change in changes],
        tasks=[
            SplitTask(
                change=TaxonomyChangeResponse.from_change(task.change),
                tickets=[str(ticket.id) for ticket in task.tickets if caller.may_see(ticket.queue)],
                waiting=task.waiting,
                chosen=task.chosen,
            )
            for task in tasks
        ],
    )


@router.post("/v1/policy/taxonomy", responses=problem_responses(400, 413, 422, 503))
def add_taxonomy_change(body: TaxonomyChangeRequest, context: ContextDep, caller: CallerDep) -> PolicyResponse:
    """Rename, merge, split or retire labels from a day on, as a new version of the policy. A change that contradicts an
    earlier one is refused, and nothing changes."""
    at = datetime.now(UTC)
    change = body.to_change(at.date())
    with context.changing_settings() as conn:
        return PolicyResponse.from_version(
            taxonomy_changes.add_change(conn, change, caller.actor, at, storable(body.reason))
        )
