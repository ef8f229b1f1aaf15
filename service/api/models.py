"""`/v1/models`: the model in use, and putting another in use."""

from typing import Final

from fastapi import APIRouter

from deskyard.errors import NotThere
from service.api.doors import CalledBy, InYard
from service.api.shapes import ModelCard
from service.problems import problems

router: Final = APIRouter(tags=["models"])


@router.get("/v1/models/current", responses=problems(400, 404, 503))
def current(yard: InYard) -> ModelCard:
    """The model in use by this process, with its card. A request under way ends on the model it began with."""
    champion = yard.models.champion
    if champion.bundle is None:
        raise NotThere(champion.missing.text if champion.missing else "there is no model")
    return ModelCard.of(champion.bundle)


@router.post("/v1/models/{name}/activate", responses=problems(400, 404, 422, 503))
def activate(name: str, yard: InYard, caller: CalledBy) -> ModelCard:
    """Put a bundle in use without a pause; one that can't be used is refused, and the present one stays.

    This process has it when the answer comes, every other within seconds.
    """
    from deskyard import promotion  # only here: the service starts without a learning library

    promotion.promote(yard.database, yard.models.folder, name, caller.actor)
    return _now(yard)


@router.post("/v1/models/rollback", responses=problems(400, 404, 422, 503))
def rollback(yard: InYard, caller: CalledBy) -> ModelCard:
    """Put the model in use again that was in use before the present one."""
    from deskyard import promotion

    promotion.rollback(yard.database, yard.models.folder, caller.actor)
    return _now(yard)


def _now(yard: InYard) -> ModelCard:
    yard.glance.forget()
    bundle = yard.models.refresh().bundle
    if bundle is None:
        raise NotThere("the model that was put in use is gone again: its folder was removed meanwhile")
    return ModelCard.of(bundle)
