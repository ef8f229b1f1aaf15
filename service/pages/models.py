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

from deskyard.domain.ticket import PLACING_TARGETS
from deskyard.errors import NotFound
from deskyard.policy.policy import Policy
from deskyard.policy.versions import Policies
from deskyard.registry import active_model, retraining_requests
from deskyard.registry.comparison import MIN_TICKETS
from deskyard.reports.i18n import N_
from service.auth.authorization import Caller
from service.background import challenger_status
from service.http.dependencies import CallerDep, ContextDep
from service.pages import layout
from service.runtime import policy_update
from service.runtime.context import AppContext

if TYPE_CHECKING:
    from deskyard.registry.bundle import Bundle
    from deskyard.registry.listing import BundleSummary

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

MISSING_EVIDENCE: Final = {
    "base_rate": N_("no better than always saying it"),
    "own_record": N_("too often wrong where it was said"),
    "no_evidence": N_("too few past tickets were as sure of it"),
    "too_rare": N_("a single ticket cannot be learnt from"),
}

COMPARISON_REASONS: Final = {
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

RETRAINING_REASONS: Final = {
    "schedule": N_("it is time"),
    "corrections": N_("people correct it"),
    "drift": N_("tickets have changed"),
    "person": N_("somebody asked for it"),
}

REPORT_HEADERS: Final = {
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
def models(request: Request, yard: ContextDep, precision: float | None = None, *, live: bool = False) -> HTMLResponse:
    """The page; `precision` (per cent) and `live` are what the slider and the live comparison ask, without scripts."""
    from deskyard.registry import (  # only here: without a model the service needs no learning library
        coverage_preview,
        listing,
    )

    caller, bundle = layout.current_caller(request), yard.models.champion.bundle
    with yard.database.reading() as conn:
        now, version, past = (
            active_model.get_active(conn),
            Policies.current(conn),
            active_model.list_recent_activations(conn, 2),
        )
        beside, wishes, retrained = (
            challenger_status.get_status(yard, conn),
            retraining_requests.list_pending(conn),
            retraining_requests.get_last_finished(conn),
        )
        kept = listing.list_bundles(yard.models.folder)
        champion = listing.find_champion(kept, now)
        other = listing.find_challenger(kept, champion, beside.challenger.digest if beside else "")
        compared = challenger_status.read_comparison(yard, conn, other.name, other.digest) if other else None
        lived = challenger_status.compare_live(yard, conn) if live else None
    lacking = coverage_preview.find_evidence_gaps(bundle, version.policy) if bundle else []
    return layout.render_page(
        request,
        "models.html",
        policy=version.policy,
        shelf=kept,
        champion=champion,
        put=now,
        refused=yard.models.champion.refusal,
        challenger=other,
        beside=listing.compare_scores(champion, other),
        contest=beside,
        compared=compared,
        lived=lived,
        wishes=wishes,
        retrained=retrained,
        alike=bool(champion and other and listing.is_judged_alike(champion, other)),
        may_go_back=len(past) > 1,
        lacking=[one for one in lacking if caller.queues is None or one.target not in PLACING_TARGETS or not one.label],
        **_coverage_preview(caller, bundle, version.policy, precision),
        **page_vocabulary(caller),
        run=request.app.state.training.look(),
        files=request.app.state.training.files() if caller.may("POST", "/models/train") else [],
        asked_first=version.policy.precision or 0.95,
    )


@router.get("/models/what-if")
def preview_coverage(request: Request, yard: ContextDep, precision: float) -> Response:
    """What would go at another precision."""
    with yard.database.reading() as conn:
        policy = Policies.current(conn).policy
    caller = layout.current_caller(request)
    told = _coverage_preview(caller, yard.models.champion.bundle, policy, precision)
    return layout.render_part(request, "models_what_if.html", **told, **page_vocabulary(caller))


@router.get("/models/live")
def live(request: Request, yard: ContextDep) -> Response:
    """The challenger beside the model in use, by what people made of new tickets."""
    with yard.database.reading() as conn:
        found = challenger_status.compare_live(yard, conn)
    return layout.render_part(
        request, "models_verdict.html", found=found, **page_vocabulary(layout.current_caller(request))
    )


@router.post("/models/challenge")
def challenge(yard: ContextDep, caller: CallerDep, name: Name = "") -> Response:
    """Let a bundle run beside the model in use; "" lets none."""
    from deskyard.registry import promotion

    promotion.start_challenge(yard.database, yard.models.folder, name, caller.actor)
    return layout.redirect("/models")


@router.get("/models/{name}/report")
def report(request: Request, yard: ContextDep, name: str) -> Response:
    """The report of a training run; it may hold every queue's labels, so only who sees all may look."""
    from deskyard.registry import listing

    found = _require_bundle(listing.list_bundles(yard.models.folder), name)
    if not found.has_report or layout.current_caller(request).queues is not None:
        raise NotFound(f"there is no report of {name[:100]!r}")
    return FileResponse(
        yard.models.folder / found.name / listing.REPORT_FILE, media_type="text/html", headers=REPORT_HEADERS
    )


@router.post("/models/promote")
def promote(yard: ContextDep, caller: CallerDep, name: Name) -> Response:
    """Put a bundle in use."""
    from deskyard.registry import promotion

    promotion.promote(yard.database, yard.models.folder, name, caller.actor)
    return _reload(yard)


@router.post("/models/rollback")
def rollback(yard: ContextDep, caller: CallerDep) -> Response:
    """Put the model in use again that was in use before."""
    from deskyard.registry import promotion

    promotion.rollback(yard.database, yard.models.folder, caller.actor)
    return _reload(yard)


@router.post("/models/halt")
def halt(yard: ContextDep, caller: CallerDep) -> Response:
    """Throw the kill switch."""
    policy_update.update_policy(yard, caller.actor, lambda now: replace(now, halted=True))
    return layout.redirect("/models")


@router.post("/models/resume")
def resume(yard: ContextDep, caller: CallerDep) -> Response:
    """Take the kill switch back."""
    policy_update.update_policy(yard, caller.actor, lambda now: replace(now, halted=False))
    return layout.redirect("/models")


def _coverage_preview(
    caller: Caller, bundle: "Bundle | None", policy: Policy, precision: float | None
) -> dict[str, Any]:
    """What would go at a precision in per cent (None: at the policy's)."""
    from deskyard.registry import coverage_preview

    if bundle is None:
        return {"asked": None, "wholes": [], "queues": []}
    placing = next((one for one in PLACING_TARGETS if one in bundle.targets), bundle.targets[0])
    usual = policy.effective_rule(placing, None).precision or bundle.card["asked_precision"]
    asked = coverage_preview.clamp_precision(usual if precision is None else precision / 100)
    return {
        "asked": asked,
        "wholes": coverage_preview.preview_targets(bundle, asked, policy.out_of_scope_rate),
        "queues": [one for one in coverage_preview.preview_queues(bundle, policy, asked) if caller.may_see(one.name)],
    }


def page_vocabulary(caller: Caller) -> dict[str, Any]:
    """What every part of the page shows things with, and what this caller may do and see."""
    rules, sees_all = caller.may("POST", "/models/promote"), caller.queues is None
    told = {
        "names": TARGETS,
        "figures": FIGURES,
        "why": MISSING_EVIDENCE,
        "grounds": COMPARISON_REASONS,
        "fewest": MIN_TICKETS,
        "reasons": RETRAINING_REASONS,
    }
    return {**told, "rules": rules, "sees_all": sees_all}


def _require_bundle(bundles: "list[BundleSummary]", name: str) -> "BundleSummary":
    for one in bundles:
        if one.name == name and Path(name).name == name:
            return one
    raise NotFound(f"there is no bundle {name[:100]!r} in the folder of models")


def _reload(context: AppContext) -> Response:
    context.policy_cache.invalidate()
    context.models.refresh()
    return layout.redirect("/models")
