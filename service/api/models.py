"""`/v1/models`: the model in use, the one that runs beside it, putting another in use, and learning anew."""

from typing import TYPE_CHECKING, Final

from fastapi import APIRouter
from starlette.status import HTTP_202_ACCEPTED, HTTP_204_NO_CONTENT

from deskyard.errors import NotFound
from deskyard.registry import active_model, retraining_requests
from service.api.response_models.models import (
    BundleList,
    BundleResponse,
    ChallengerRequest,
    ChallengerResponse,
    ComparisonResponse,
    ModelCardResponse,
    RetrainingRequestResponse,
    RetrainingStatus,
)
from service.background import challenger_status
from service.background.auto_retraining import start_retraining
from service.http.dependencies import CallerDep, ContextDep, TrainingDep
from service.http.problem_details import problem_responses

if TYPE_CHECKING:
    from deskyard.registry.listing import BundleSummary

router: Final = APIRouter(tags=["models"])


@router.get("/v1/models/current", responses=problem_responses(400, 404, 503))
def get_current_model(yard: ContextDep) -> ModelCardResponse:
    """The model in use by this process, with its card. A request under way ends on the model it began with."""
    champion = yard.models.champion
    if champion.bundle is None:
        raise NotFound(champion.missing_reason.text if champion.missing_reason else "there is no model")
    return ModelCardResponse.from_bundle(champion.bundle)


@router.get("/v1/models", responses=problem_responses(400, 503))
def list_models(yard: ContextDep) -> BundleList:
    """Every bundle in the folder of models."""
    from deskyard.registry import listing  # only here: the service starts without a learning library

    with yard.database.reading() as conn:
        now, beside = active_model.get_active(conn), challenger_status.get_status(yard, conn)
    kept = listing.list_bundles(yard.models.folder)
    champion = listing.find_champion(kept, now)
    named = beside.challenger.digest if beside else ""

    def state(one: "BundleSummary") -> str:
        return "broken" if one.error else "in use" if one is champion else _state(one.digest, named)

    items = [{**_bundle_fields(one), "state": state(one), "trouble": one.error} for one in kept]
    return BundleList(items=[BundleResponse.model_validate(item) for item in items])


@router.get("/v1/models/challenger", responses=problem_responses(400, 404, 503))
def get_challenger(yard: ContextDep) -> ChallengerResponse:
    """The model that runs beside the one in use, and what the two are worth."""
    with yard.database.reading() as conn:
        found, live = challenger_status.get_status(yard, conn), challenger_status.compare_live(yard, conn)
    if found is None:
        raise NotFound("nothing runs beside the model in use: PUT the name of a bundle")
    named = found.challenger
    return ChallengerResponse(
        name=named.name,
        digest=named.digest,
        since=named.at,
        actor=named.actor,
        asked=found.scored_tickets,
        past=ComparisonResponse.from_comparison(found.past_comparison),
        live=ComparisonResponse.from_comparison(live),
    )


@router.put("/v1/models/challenger", responses=problem_responses(400, 404, 422, 503))
def set_challenger(named: ChallengerRequest, yard: ContextDep, caller: CallerDep) -> ChallengerResponse:
    """Let a bundle be asked about every new ticket from now on; what it says is kept and never acted on."""
    from deskyard.registry import promotion

    promotion.start_challenge(yard.database, yard.models.folder, named.name, caller.actor)
    return get_challenger(yard)


@router.delete("/v1/models/challenger", status_code=HTTP_204_NO_CONTENT, responses=problem_responses(400, 503))
def remove_challenger(yard: ContextDep, caller: CallerDep) -> None:
    """Let nothing run beside the model in use."""
    from deskyard.registry import promotion

    promotion.start_challenge(yard.database, yard.models.folder, "", caller.actor)


@router.get("/v1/models/retraining", responses=problem_responses(400, 503))
def get_retraining(yard: ContextDep, learning: TrainingDep) -> RetrainingStatus:
    """Why the model should be trained anew, and what came of it the last time."""
    with yard.database.reading() as conn:
        held, last = retraining_requests.list_pending(conn), retraining_requests.get_last_finished(conn)
    run = learning.newest_run()
    return RetrainingStatus(
        wanted=[RetrainingRequestResponse.model_validate(one) for one in held],
        last=RetrainingRequestResponse.model_validate(last) if last else None,
        running=run is not None and run.state == "running",
    )


@router.post("/v1/models/retraining", status_code=HTTP_202_ACCEPTED, responses=problem_responses(400, 409, 422, 503))
def start_retraining_run(
    yard: ContextDep, learning: TrainingDep, caller: CallerDep, *, promote: bool = False
) -> RetrainingStatus:
    """Begin to learn anew from the desk's own tickets and to compare with the model in use; `promote`: take its place
    where that is earned. It goes on when this answer is there; `GET` tells when it has ended."""
    start_retraining(yard, learning, caller.actor, promote=promote)
    return get_retraining(yard, learning)


@router.post("/v1/models/{name}/activate", responses=problem_responses(400, 404, 422, 503))
def activate_model(name: str, yard: ContextDep, caller: CallerDep) -> ModelCardResponse:
    """Put a bundle in use without a pause; one that can't be used is refused, and the present one stays.

    This process has it when the answer comes, every other within seconds.
    """
    from deskyard.registry import promotion  # only here: the service starts without a learning library

    promotion.promote(yard.database, yard.models.folder, name, caller.actor)
    return _current_card(yard)


@router.post("/v1/models/rollback", responses=problem_responses(400, 404, 422, 503))
def rollback_model(yard: ContextDep, caller: CallerDep) -> ModelCardResponse:
    """Put the model in use again that was in use before the present one."""
    from deskyard.registry import promotion

    promotion.rollback(yard.database, yard.models.folder, caller.actor)
    return _current_card(yard)


def _current_card(context: ContextDep) -> ModelCardResponse:
    context.policy_cache.invalidate()
    bundle = context.models.refresh().bundle
    if bundle is None:
        raise NotFound("the model that was put in use is gone again: its folder was removed meanwhile")
    return ModelCardResponse.from_bundle(bundle)


def _bundle_fields(one: "BundleSummary") -> dict[str, object]:
    return {"name": one.name, "digest": one.digest, "at": one.trained_at, "targets": list(one.targets)}


def _state(digest: str, named: str) -> str:
    return "challenger" if digest == named else "kept"
