"""`/v1/models`: the champion, its challenger, promotion, rollback and retraining."""

from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Path, Query
from starlette.status import HTTP_202_ACCEPTED, HTTP_204_NO_CONTENT

from deskyard.errors import NotFound
from deskyard.registry import active_model, retraining_requests
from service.api.response_models.models import (
    BundleList,
    BundleResponse,
    BundleState,
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

BundleName = Annotated[str, Path(description="The name of a bundle, as `GET /v1/models` lists it.")]
Promote = Annotated[bool, Query(description="Put the new model in use if it is better.")]


@router.get("/v1/models/current", responses=problem_responses(400, 404, 503))
def get_current_model(context: ContextDep) -> ModelCardResponse:
    """The model that this process uses, with its card. A running request finishes with the model it began with."""
    champion = context.models.champion
    if champion.bundle is None:
        raise NotFound(champion.missing_reason.text if champion.missing_reason else "there is no model")
    return ModelCardResponse.from_bundle(champion.bundle)


@router.get("/v1/models", responses=problem_responses(400, 503))
def list_models(context: ContextDep) -> BundleList:
    """Every bundle in the models folder, the newest first."""
    # Imported here so that the service starts without machine-learning libraries.
    from deskyard.registry import listing

    with context.database.reading() as conn:
        active, status = active_model.get_active(conn), challenger_status.get_status(context, conn)
    bundles = listing.list_bundles(context.models.folder)
    champion = listing.find_champion(bundles, active)
    challenger_digest = status.challenger.digest if status else ""

    def state(bundle: "BundleSummary") -> BundleState:
        if bundle.error:
            return "broken"
        if bundle is champion:
            return "in_use"
        return "challenger" if bundle.digest == challenger_digest else "kept"

    return BundleList(items=[BundleResponse.from_summary(bundle, state(bundle)) for bundle in bundles])


@router.get("/v1/models/challenger", responses=problem_responses(400, 404, 503))
def get_challenger(context: ContextDep) -> ChallengerResponse:
    """The challenger, and how it compares with the champion."""
    with context.database.reading() as conn:
        status, live = challenger_status.get_status(context, conn), challenger_status.compare_live(context, conn)
    if status is None:
        raise NotFound("there is no challenger: PUT the name of a bundle to start one")
    challenger = status.challenger
    return ChallengerResponse(
        name=challenger.name,
        digest=challenger.digest,
        since=challenger.at,
        actor=challenger.actor,
        scored_tickets=status.scored_tickets,
        past_comparison=ComparisonResponse.from_comparison(status.past_comparison),
        live_comparison=ComparisonResponse.from_comparison(live),
    )


@router.put("/v1/models/challenger", responses=problem_responses(400, 404, 422, 503))
def set_challenger(body: ChallengerRequest, context: ContextDep, caller: CallerDep) -> ChallengerResponse:
    """Make a bundle the challenger: it scores every new ticket from now on; its predictions are stored, not applied."""
    from deskyard.registry import promotion

    promotion.start_challenge(context.database, context.models.folder, body.name, caller.actor)
    return get_challenger(context)


@router.delete("/v1/models/challenger", status_code=HTTP_204_NO_CONTENT, responses=problem_responses(400, 503))
def remove_challenger(context: ContextDep, caller: CallerDep) -> None:
    """Remove the challenger."""
    from deskyard.registry import promotion

    promotion.start_challenge(context.database, context.models.folder, "", caller.actor)


@router.get("/v1/models/retraining", responses=problem_responses(400, 503))
def get_retraining(context: ContextDep, training: TrainingDep) -> RetrainingStatus:
    """The pending retraining requests, the last finished one, and whether a training is running."""
    with context.database.reading() as conn:
        pending, last = retraining_requests.list_pending(conn), retraining_requests.get_last_finished(conn)
    run = training.newest_run()
    return RetrainingStatus(
        pending=[RetrainingRequestResponse.from_request(request) for request in pending],
        last=RetrainingRequestResponse.from_request(last) if last else None,
        running=run is not None and run.state == "running",
    )


@router.post("/v1/models/retraining", status_code=HTTP_202_ACCEPTED, responses=problem_responses(400, 409, 422, 503))
def start_retraining_run(
    context: ContextDep, training: TrainingDep, caller: CallerDep, *, promote: Promote = False
) -> RetrainingStatus:
    """Start a retraining on the desk's own tickets and compare the result with the model in use; `promote`: put it in
    use if the comparison says so. The training runs in the background; `GET` tells when it has ended."""
    start_retraining(context, training, caller.actor, promote=promote)
    return get_retraining(context, training)


@router.post("/v1/models/{name}/activate", responses=problem_responses(400, 404, 422, 503))
def activate_model(name: BundleName, context: ContextDep, caller: CallerDep) -> ModelCardResponse:
    """Put a bundle in use without downtime. A bundle that can't be used is refused, and the present one stays.

    This process uses it when the response arrives, every other process within seconds.
    """
    from deskyard.registry import promotion

    promotion.promote(context.database, context.models.folder, name, caller.actor)
    return _current_card(context)


@router.post("/v1/models/rollback", responses=problem_responses(400, 404, 422, 503))
def rollback_model(context: ContextDep, caller: CallerDep) -> ModelCardResponse:
    """Restore the model that was in use before the present one."""
    from deskyard.registry import promotion

    promotion.rollback(context.database, context.models.folder, caller.actor)
    return _current_card(context)


def _current_card(context: ContextDep) -> ModelCardResponse:
    context.policy_cache.invalidate()
    bundle = context.models.refresh().bundle
    if bundle is None:
        raise NotFound("the folder of the model that was just put in use has been removed: activate another one")
    return ModelCardResponse.from_bundle(bundle)
