"""`/v1/models`: the model in use, the one that runs beside it, putting another in use, and learning anew."""

from typing import TYPE_CHECKING, Final

from fastapi import APIRouter
from starlette.status import HTTP_202_ACCEPTED, HTTP_204_NO_CONTENT

from deskyard.errors import NotThere
from deskyard.registry import active_model, retraining_requests
from service.api.response_models.models import (
    BundleSeen,
    BundlesSeen,
    ChallengerNamed,
    ChallengerSeen,
    ComparisonSeen,
    ModelCard,
    RetrainingSeen,
    WishSeen,
)
from service.background import challenger_status
from service.background.auto_retraining import begin
from service.http.dependencies import CalledBy, InLearning, InYard
from service.http.problem_details import problems

if TYPE_CHECKING:
    from deskyard.registry.listing import Shelved

router: Final = APIRouter(tags=["models"])


@router.get("/v1/models/current", responses=problems(400, 404, 503))
def current(yard: InYard) -> ModelCard:
    """The model in use by this process, with its card. A request under way ends on the model it began with."""
    champion = yard.models.champion
    if champion.bundle is None:
        raise NotThere(champion.missing.text if champion.missing else "there is no model")
    return ModelCard.of(champion.bundle)


@router.get("/v1/models", responses=problems(400, 503))
def listed(yard: InYard) -> BundlesSeen:
    """Every bundle in the folder of models."""
    from deskyard.registry import listing  # only here: the service starts without a learning library

    with yard.database.reading() as conn:
        now, beside = active_model.current(conn), challenger_status.look(yard, conn)
    kept = listing.shelved(yard.models.folder)
    champion = listing.in_use(kept, now)
    named = beside.challenger.digest if beside else ""

    def state(one: "Shelved") -> str:
        return "broken" if one.trouble else "in use" if one is champion else _beside(one.digest, named)

    items = [{**_told(one), "state": state(one), "trouble": one.trouble} for one in kept]
    return BundlesSeen(items=[BundleSeen.model_validate(item) for item in items])


@router.get("/v1/models/challenger", responses=problems(400, 404, 503))
def challenger(yard: InYard) -> ChallengerSeen:
    """The model that runs beside the one in use, and what the two are worth."""
    with yard.database.reading() as conn:
        found, live = challenger_status.look(yard, conn), challenger_status.live(yard, conn)
    if found is None:
        raise NotThere("nothing runs beside the model in use: PUT the name of a bundle")
    named = found.challenger
    return ChallengerSeen(
        name=named.name,
        digest=named.digest,
        since=named.at,
        actor=named.actor,
        asked=found.asked,
        past=ComparisonSeen.of(found.past),
        live=ComparisonSeen.of(live),
    )


@router.put("/v1/models/challenger", responses=problems(400, 404, 422, 503))
def challenge(named: ChallengerNamed, yard: InYard, caller: CalledBy) -> ChallengerSeen:
    """Let a bundle be asked about every new ticket from now on; what it says is kept and never acted on."""
    from deskyard.registry import promotion

    promotion.challenge(yard.database, yard.models.folder, named.name, caller.actor)
    return challenger(yard)


@router.delete("/v1/models/challenger", status_code=HTTP_204_NO_CONTENT, responses=problems(400, 503))
def let_none(yard: InYard, caller: CalledBy) -> None:
    """Let nothing run beside the model in use."""
    from deskyard.registry import promotion

    promotion.challenge(yard.database, yard.models.folder, "", caller.actor)


@router.get("/v1/models/retraining", responses=problems(400, 503))
def retraining(yard: InYard, learning: InLearning) -> RetrainingSeen:
    """Why the model should be trained anew, and what came of it the last time."""
    with yard.database.reading() as conn:
        held, last = retraining_requests.held(conn), retraining_requests.last(conn)
    run = learning.look()
    return RetrainingSeen(
        wanted=[WishSeen.model_validate(one) for one in held],
        last=WishSeen.model_validate(last) if last else None,
        running=run is not None and run.state == "running",
    )


@router.post("/v1/models/retraining", status_code=HTTP_202_ACCEPTED, responses=problems(400, 409, 422, 503))
def retrain(yard: InYard, learning: InLearning, caller: CalledBy, *, promote: bool = False) -> RetrainingSeen:
    """Begin to learn anew from the desk's own tickets and to compare with the model in use; `promote`: take its place
    where that is earned. It goes on when this answer is there; `GET` tells when it has ended."""
    begin(yard, learning, caller.actor, promote=promote)
    return retraining(yard, learning)


@router.post("/v1/models/{name}/activate", responses=problems(400, 404, 422, 503))
def activate(name: str, yard: InYard, caller: CalledBy) -> ModelCard:
    """Put a bundle in use without a pause; one that can't be used is refused, and the present one stays.

    This process has it when the answer comes, every other within seconds.
    """
    from deskyard.registry import promotion  # only here: the service starts without a learning library

    promotion.promote(yard.database, yard.models.folder, name, caller.actor)
    return _now(yard)


@router.post("/v1/models/rollback", responses=problems(400, 404, 422, 503))
def rollback(yard: InYard, caller: CalledBy) -> ModelCard:
    """Put the model in use again that was in use before the present one."""
    from deskyard.registry import promotion

    promotion.rollback(yard.database, yard.models.folder, caller.actor)
    return _now(yard)


def _now(yard: InYard) -> ModelCard:
    yard.glance.forget()
    bundle = yard.models.refresh().bundle
    if bundle is None:
        raise NotThere("the model that was put in use is gone again: its folder was removed meanwhile")
    return ModelCard.of(bundle)


def _told(one: "Shelved") -> dict[str, object]:
    return {"name": one.name, "digest": one.digest, "at": one.at, "targets": list(one.targets)}


def _beside(digest: str, named: str) -> str:
    return "challenger" if digest == named else "kept"
