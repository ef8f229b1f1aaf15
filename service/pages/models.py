"""`/models`: the model in use beside the one that wants its place, what it would route at another precision, which
labels it knows too little of, and every bundle with its report.

In come questions and an admin's deeds; the page only shows. Promoting, going back and the kill switch hold for every
process from the next ticket on.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import FileResponse, HTMLResponse, Response

from deskyard.errors import NotThere
from deskyard.policy.policy import PLACING, Policy
from deskyard.policy.versions import Policies
from deskyard.registry import active_model, retraining_requests
from deskyard.registry.comparison import FEWEST
from deskyard.reports.i18n import N_
from service.auth.authorization import Caller
from service.background import challenger_status
from service.http.dependencies import CalledBy, InYard
from service.pages import layout
from service.runtime import policy_update
from service.runtime.context import Yard

if TYPE_CHECKING:
    from deskyard.registry.bundle import Bundle
    from deskyard.registry.listing import Shelved

router: Final = APIRouter(include_in_schema=False)

TARGETS: Final = {
    "category": N_("category"),
    "priority": N_("priority"),
    "queue": N_("queue"),
    "assignee": N_("assignee"),
}

FIGURES: Final = {
    "accuracy": N_("right at the first guess"),
    "top3": N_("right among three guesses"),
    "macro_f1": N_("every label counted alike (F1)"),
    "coverage": N_("goes by itself"),
    "precision": N_("of that, right"),
    "precision_lower95": N_("of that, right at least (95 %% sure)"),
}

WHY: Final = {
    "base_rate": N_("no better than always saying it"),
    "own_record": N_("too often wrong where it was said"),
    "no_evidence": N_("too few past tickets were as sure of it"),
    "too_rare": N_("a single ticket cannot be learnt from"),
}

GROUNDS: Final = {
    "better": N_("better than chance explains: where they part, it gains %(gained)s tickets and loses %(lost)s"),
    "none_better": N_("nothing is better than chance explains"),
    "luck": N_("no better than always saying the commonest label"),
    "too_few": N_("too few new tickets to judge by: %(n)s, and it takes %(takes)s"),
    "missing": N_("it does not predict that, and the model in use does"),
    "worse": N_("worse than chance explains: where they part, it gains %(gained)s tickets and loses %(lost)s"),
    "broken": N_("of %(n)s tickets that it would have routed only %(gained)s were right, and %(asked)s are promised"),
    "unproved": N_("it proves no contract, so nothing would be routed, and the model in use keeps one"),
}
"""Why a challenger has earned the place or has not, by `deskyard.registry.comparison`'s code."""

WANTED: Final = {
    "schedule": N_("it is time"),
    "corrections": N_("people correct it"),
    "drift": N_("tickets have changed"),
    "person": N_("somebody asked for it"),
}

SANDBOX: Final = {
    "Content-Security-Policy": (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""For a report: it may show what it holds and do nothing."""

Name = Annotated[str, Form(max_length=255)]


@router.get("/models")
def models(request: Request, yard: InYard, precision: float | None = None, *, live: bool = False) -> HTMLResponse:
    """The page; `precision` (per cent) and `live` are what the slider and the live comparison ask, without scripts."""
    from deskyard.registry import (  # only here: without a model the service needs no learning library
        coverage_preview,
        listing,
    )

    caller, bundle = layout.who(request), yard.models.champion.bundle
    with yard.database.reading() as conn:
        now, version, past = active_model.current(conn), Policies.current(conn), active_model.past(conn, 2)
        beside, wishes, retrained = (
            challenger_status.look(yard, conn),
            retraining_requests.held(conn),
            retraining_requests.last(conn),
        )
        kept = listing.shelved(yard.models.folder)
        champion = listing.in_use(kept, now)
        other = listing.challenger(kept, champion, beside.challenger.digest if beside else "")
        compared = challenger_status.compared(yard, conn, other.name, other.digest) if other else None
        lived = challenger_status.live(yard, conn) if live else None
    lacking = coverage_preview.lacking(bundle, version.policy) if bundle else []
    return layout.page(
        request,
        "models.html",
        policy=version.policy,
        shelf=kept,
        champion=champion,
        put=now,
        refused=yard.models.champion.refused,
        challenger=other,
        beside=listing.beside(champion, other),
        contest=beside,
        compared=compared,
        lived=lived,
        wishes=wishes,
        retrained=retrained,
        alike=bool(champion and other and listing.judged_alike(champion, other)),
        may_go_back=len(past) > 1,
        lacking=[one for one in lacking if caller.queues is None or one.target not in PLACING or not one.label],
        **_what_if(caller, bundle, version.policy, precision),
        **words(caller),
        run=request.app.state.learning.look(),
        files=request.app.state.learning.files() if caller.may("POST", "/models/train") else [],
        asked_first=version.policy.precision or 0.95,
    )


@router.get("/models/what-if")
def at_precision(request: Request, yard: InYard, precision: float) -> Response:
    """What would go at another precision."""
    with yard.database.reading() as conn:
        policy = Policies.current(conn).policy
    caller = layout.who(request)
    told = _what_if(caller, yard.models.champion.bundle, policy, precision)
    return layout.part(request, "models_what_if.html", **told, **words(caller))


@router.get("/models/live")
def live(request: Request, yard: InYard) -> Response:
    """The challenger beside the model in use, by what people made of new tickets."""
    with yard.database.reading() as conn:
        found = challenger_status.live(yard, conn)
    return layout.part(request, "models_verdict.html", found=found, **words(layout.who(request)))


@router.post("/models/challenge")
def challenge(yard: InYard, caller: CalledBy, name: Name = "") -> Response:
    """Let a bundle run beside the model in use; "" lets none."""
    from deskyard.registry import promotion

    promotion.challenge(yard.database, yard.models.folder, name, caller.actor)
    return layout.go("/models")


@router.get("/models/{name}/report")
def report(request: Request, yard: InYard, name: str) -> Response:
    """The report of a training run; it may hold every queue's labels, so only who sees all may look."""
    from deskyard.registry import listing

    found = _found(listing.shelved(yard.models.folder), name)
    if not found.reported or layout.who(request).queues is not None:
        raise NotThere(f"there is no report of {name[:100]!r}")
    return FileResponse(yard.models.folder / found.name / listing.REPORT, media_type="text/html", headers=SANDBOX)


@router.post("/models/promote")
def promote(yard: InYard, caller: CalledBy, name: Name) -> Response:
    """Put a bundle in use."""
    from deskyard.registry import promotion

    promotion.promote(yard.database, yard.models.folder, name, caller.actor)
    return _taken(yard)


@router.post("/models/rollback")
def rollback(yard: InYard, caller: CalledBy) -> Response:
    """Put the model in use again that was in use before."""
    from deskyard.registry import promotion

    promotion.rollback(yard.database, yard.models.folder, caller.actor)
    return _taken(yard)


@router.post("/models/halt")
def halt(yard: InYard, caller: CalledBy) -> Response:
    """Throw the kill switch."""
    policy_update.rule(yard, caller.actor, lambda now: replace(now, halted=True))
    return layout.go("/models")


@router.post("/models/resume")
def resume(yard: InYard, caller: CalledBy) -> Response:
    """Take the kill switch back."""
    policy_update.rule(yard, caller.actor, lambda now: replace(now, halted=False))
    return layout.go("/models")


def _what_if(caller: Caller, bundle: "Bundle | None", policy: Policy, precision: float | None) -> dict[str, Any]:
    """What would go at a precision in per cent (None: at the policy's)."""
    from deskyard.registry import coverage_preview

    if bundle is None:
        return {"asked": None, "wholes": [], "queues": []}
    placing = next((one for one in PLACING if one in bundle.targets), bundle.targets[0])
    usual = policy.rule(placing, None).precision or bundle.card["asked_precision"]
    asked = coverage_preview.asked(usual if precision is None else precision / 100)
    return {
        "asked": asked,
        "wholes": coverage_preview.targets(bundle, asked, policy.out_of_scope_rate),
        "queues": [one for one in coverage_preview.queues(bundle, policy, asked) if caller.sees(one.name)],
    }


def words(caller: Caller) -> dict[str, Any]:
    """What every part of the page shows things with, and what this caller may do and see."""
    rules, sees_all = caller.may("POST", "/models/promote"), caller.queues is None
    told = {"names": TARGETS, "figures": FIGURES, "why": WHY, "grounds": GROUNDS, "fewest": FEWEST, "reasons": WANTED}
    return {**told, "rules": rules, "sees_all": sees_all}


def _found(shelf: "list[Shelved]", name: str) -> "Shelved":
    for one in shelf:
        if one.name == name and Path(name).name == name:
            return one
    raise NotThere(f"there is no bundle {name[:100]!r} in the folder of models")


def _taken(yard: Yard) -> Response:
    yard.glance.forget()
    yard.models.refresh()
    return layout.go("/models")
