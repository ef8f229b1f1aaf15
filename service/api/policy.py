"""`/v1/policy`: how far the machine may go, as TOML, every version of it, and what became of labels."""

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import Response

from deskyard.db.pagination import LONGEST_PAGE
from deskyard.db.tables.base import storable
from deskyard.desk import taxonomy_changes
from deskyard.journal import audit_log
from deskyard.policy import toml_format
from deskyard.policy.versions import Policies
from service.api.response_models.policy import PolicySeen, PolicyVersions, TaskSeen, TaxonomySeen, TurnAsked, TurnSeen
from service.http.dependencies import CalledBy, InYard
from service.http.problem_details import problems

router: Final = APIRouter(tags=["policy"])

TOML: Final = "application/toml"


async def _toml(request: Request) -> str:
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != TOML:
        raise HTTPException(415, f"send the policy as TOML, with the header Content-Type: {TOML}")
    try:
        return storable((await request.body()).decode())
    except UnicodeDecodeError as error:
        raise HTTPException(400, f"the body is not UTF-8: byte {error.start} is not") from error


_TEXT: Final = {"schema": {"type": "string"}}


@router.get(
    "/v1/policy",
    response_model=PolicySeen,
    responses={200: {"content": {TOML: _TEXT}}, **problems(400, 503)},
)
def policy(request: Request, yard: InYard) -> Response | PolicySeen:
    """The policy in force; `Accept: application/toml` gives it as the file that PUT takes."""
    with yard.database.reading() as conn:
        version = Policies.current(conn)
    if TOML in request.headers.get("accept", ""):
        return Response(version.text, media_type=TOML)
    return PolicySeen.of(version)


@router.get("/v1/policy/versions", responses=problems(400, 422, 503))
def versions(yard: InYard, limit: Annotated[int, Query(ge=1, le=LONGEST_PAGE)] = 20) -> PolicyVersions:
    """The newest versions of the policy, newest first. None is ever changed or lost."""
    with yard.database.reading() as conn:
        return PolicyVersions(items=[PolicySeen.of(version) for version in Policies.past(conn, limit)])


@router.put(
    "/v1/policy",
    openapi_extra={"requestBody": {"required": True, "content": {TOML: _TEXT}}},
    responses=problems(400, 413, 415, 422, 503),
)
def put(text: Annotated[str, Depends(_toml)], yard: InYard, caller: CalledBy) -> PolicySeen:
    """Put a policy in force from the next ticket on. A wrong line is named by its number, and nothing changes."""
    wanted, at = toml_format.read(text), datetime.now(UTC)
    with yard.changing() as conn:
        before = Policies.current(conn)
        version = Policies.put(conn, wanted, caller.actor.name, at)
        if version.number != before.number:
            audit_log.note(conn, caller.actor, "policy.put", f"version {version.number}", at)
    return PolicySeen.of(version)


@router.get("/v1/policy/taxonomy", responses=problems(400, 422, 503))
def taxonomy(
    yard: InYard, caller: CalledBy, limit: Annotated[int, Query(ge=1, le=LONGEST_PAGE)] = taxonomy_changes.PAGE
) -> TaxonomySeen:
    """Which labels were renamed, merged, split and retired, or will be, and what splits leave to people; `limit`: so
    many of the newest tickets of each split."""
    with yard.database.reading() as conn:
        held = Policies.current(conn).policy.taxonomy
        tasks = taxonomy_changes.tasks(conn, datetime.now(UTC).date(), limit)
    return TaxonomySeen(
        turns=[TurnSeen.of(turn) for turn in held],
        tasks=[
            TaskSeen(
                turn=TurnSeen.of(task.turn),
                tickets=[str(one.id) for one in task.tickets if caller.sees(one.queue)],
                waiting=task.waiting,
                chosen=task.chosen,
            )
            for task in tasks
        ],
    )


@router.post("/v1/policy/taxonomy", responses=problems(400, 413, 422, 503))
def turn(asked: TurnAsked, yard: InYard, caller: CalledBy) -> PolicySeen:
    """Rename, merge, split or retire labels from a day on: a new version of the policy. What contradicts an earlier
    turn is refused in a sentence, and nothing changes."""
    at = datetime.now(UTC)
    wanted = asked.turn(at.date())
    with yard.changing() as conn:
        return PolicySeen.of(taxonomy_changes.put(conn, wanted, caller.actor, at, storable(asked.why)))
