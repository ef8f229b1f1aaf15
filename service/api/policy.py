"""`/v1/policy`: how far the machine may go, as TOML, every version of it, and what became of labels."""

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
        raise HTTPException(400, f"the body is not UTF-8: byte {error.start} is not") from error


_TEXT_SCHEMA: Final = {"schema": {"type": "string"}}


@router.get(
    "/v1/policy",
    response_model=PolicyResponse,
    responses={200: {"content": {TOML: _TEXT_SCHEMA}}, **problem_responses(400, 503)},
)
def get_policy(request: Request, yard: ContextDep) -> Response | PolicyResponse:
    """The policy in force; `Accept: application/toml` gives it as the file that PUT takes."""
    with yard.database.reading() as conn:
        version = Policies.current(conn)
    if TOML in request.headers.get("accept", ""):
        return Response(version.text, media_type=TOML)
    return PolicyResponse.from_version(version)


@router.get("/v1/policy/versions", responses=problem_responses(400, 422, 503))
def list_policy_versions(
    yard: ContextDep, limit: Annotated[int, Query(ge=1, le=MAX_PAGE_SIZE)] = 20
) -> PolicyVersionList:
    """The newest versions of the policy, newest first. None is ever changed or lost."""
    with yard.database.reading() as conn:
        return PolicyVersionList(
            items=[PolicyResponse.from_version(version) for version in Policies.list_recent(conn, limit)]
        )


@router.put(
    "/v1/policy",
    openapi_extra={"requestBody": {"required": True, "content": {TOML: _TEXT_SCHEMA}}},
    responses=problem_responses(400, 413, 415, 422, 503),
)
def put_policy(text: Annotated[str, Depends(_read_toml)], yard: ContextDep, caller: CallerDep) -> PolicyResponse:
    """Put a policy in force from the next ticket on. A wrong line is named by its number, and nothing changes."""
    wanted, at = toml_format.parse_policy(text), datetime.now(UTC)
    with yard.changing_settings() as conn:
        before = Policies.current(conn)
        version = Policies.add_version(conn, wanted, caller.actor.name, at)
        if version.number != before.number:
            audit_log.record_action(conn, caller.actor, "policy.put", f"version {version.number}", at)
    return PolicyResponse.from_version(version)


@router.get("/v1/policy/taxonomy", responses=problem_responses(400, 422, 503))
def get_taxonomy(
    yard: ContextDep,
    caller: CallerDep,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE_SIZE)] = taxonomy_changes.PAGE_SIZE,
) -> TaxonomyResponse:
    """Which labels were renamed, merged, split and retired, or will be, and what splits leave to people; `limit`: so
    many of the newest tickets of each split."""
    with yard.database.reading() as conn:
        held = Policies.current(conn).policy.taxonomy
        tasks = taxonomy_changes.list_split_tasks(conn, datetime.now(UTC).date(), limit)
    return TaxonomyResponse(
        turns=[TaxonomyChangeResponse.from_change(turn) for turn in held],
        tasks=[
            SplitTask(
                turn=TaxonomyChangeResponse.from_change(task.change),
                tickets=[str(one.id) for one in task.tickets if caller.may_see(one.queue)],
                waiting=task.waiting,
                chosen=task.chosen,
            )
            for task in tasks
        ],
    )


@router.post("/v1/policy/taxonomy", responses=problem_responses(400, 413, 422, 503))
def add_taxonomy_change(asked: TaxonomyChangeRequest, yard: ContextDep, caller: CallerDep) -> PolicyResponse:
    """Rename, merge, split or retire labels from a day on: a new version of the policy. What contradicts an earlier
    turn is refused in a sentence, and nothing changes."""
    at = datetime.now(UTC)
    wanted = asked.to_change(at.date())
    with yard.changing_settings() as conn:
        return PolicyResponse.from_version(
            taxonomy_changes.add_change(conn, wanted, caller.actor, at, storable(asked.why))
        )
