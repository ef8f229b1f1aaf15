"""The page `/models`: champion and challenger, a preview of coverage at another precision, labels without enough
evidence, and all bundles with their reports.

Promotion, rollback and the kill switch take effect in every process with the next ticket.
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

METRIC_NAMES: Final = {
    "accuracy": N_("accuracy"),
    "top3": N_("top-3 accuracy"),
    "macro_f1": N_("macro F1"),
    "coverage": N_("automatic routing"),
    "precision": N_("precision of routing"),
    "precision_lower95": N_("precision, lower bound (95 %% confidence)"),
}

MISSING_EVIDENCE: Final = {
    "base_rate": N_("no better than always predicting it"),
    "own_record": N_("predicted wrongly too often"),
    "no_evidence": N_("too few past tickets with this confidence"),
    "too_rare": N_("one ticket is not enough to learn from"),
}

COMPARISON_REASONS: Final = {
    "better": N_("significantly better: where they differ, it wins %(gained)s tickets and loses %(lost)s"),
    "none_better": N_("no significant improvement"),
    "no_better_than_majority": N_("no better than always predicting the most frequent label"),
    "too_few": N_("not enough new tickets: %(n)s of %(required)s"),
    "missing": N_("it does not predict this target, but the model in use does"),
    "worse": N_("significantly worse: where they differ, it wins %(gained)s tickets and loses %(lost)s"),
    "contract_broken": N_(
        "of %(n)s tickets it would have routed only %(correct)s were correct; required precision %(required_precision)s"
    ),
    "no_contract": N_("it has no contract and would route nothing, while the model in use has one"),
}
"""Code of `deskyard.registry.comparison` → why a challenger may be promoted or may not."""

RETRAINING_REASONS: Final = {
    "schedule": N_("scheduled"),
    "corrections": N_("many corrections"),
    "drift": N_("drift detected"),
    "person": N_("requested by a person"),
}

REPORT_HEADERS: Final = {
    "Content-Security-Policy": (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
}
"""Headers of a report: it may show what it contains, and run or load nothing."""

Name = Annotated[str, Form(max_length=255)]


@router.get("/models")
def models(
    request: Request, context: ContextDep, precision: float | None = None, *, live: bool = False
) -> HTMLResponse:
    """The page; `precision` (per cent) and `live` stand for the slider and the live comparison without scripts."""
    from deskyard.registry import (  # only here: without a model the service needs no learning library
        coverage_preview,
        listing,
    )

    caller, bundle = layout.current_caller(request), context.models.champion.bundle
    with context.database.reading() as conn:
        now, version, activations = (
            active_model.get_active(conn),
            Policies.current(conn),
            active_model.list_recent_activations(conn, 2),
        )
        challenger_state, requests, last_retraining = (
            challenger_status.get_status(context, conn),
            retraining_requests.list_pending(conn),
            retraining_requests.get_last_finished(conn),
        )
        bundles = listing.list_bundles(context.models.folder)
        champion = listing.find_champion(bundles, now)
        challenger = listing.find_challenger(
            bundles, champion, challenger_state.challenger.digest if challenger_state else ""
        )
        past_comparison = (
            challenger_status.read_comparison(context, conn, challenger.name, challenger.digest) if challenger else None
        )
        live_comparison = challenger_status.compare_live(context, conn) if live else None
    gaps = coverage_preview.find_evidence_gaps(bundle, version.policy) if bundle else []
    return layout.render_page(
        request,
        "models.html",
        policy=version.policy,
        bundles=bundles,
        champion=champion,
        activation=now,
        refusal=context.models.champion.refusal,
        challenger=challenger,
        score_comparisons=listing.compare_scores(champion, challenger),
        challenger_state=challenger_state,
        past_comparison=past_comparison,
        live_comparison=live_comparison,
        retraining_requests=requests,
        last_retraining=last_retraining,
        judged_alike=bool(champion and challenger and listing.is_judged_alike(champion, challenger)),
        can_roll_back=len(activations) > 1,
        evidence_gaps=[
            one for one in gaps if caller.queues is None or one.target not in PLACING_TARGETS or not one.label
        ],
        **_coverage_preview(caller, bundle, version.policy, precision),
        **page_vocabulary(caller),
        run=request.app.state.training.newest_run(),
        files=request.app.state.training.history_files() if caller.may("POST", "/models/train") else [],
        default_precision=version.policy.precision or 0.95,
    )


@router.get("/models/what-if")
def preview_coverage(request: Request, context: ContextDep, precision: float) -> Response:
    """What would be routed at another required precision (per cent)."""
    with context.database.reading() as conn:
        policy = Policies.current(conn).policy
    caller = layout.current_caller(request)
    shown = _coverage_preview(caller, context.models.champion.bundle, policy, precision)
    return layout.render_part(request, "models_preview.html", **shown, **page_vocabulary(caller))


@router.get("/models/live")
def live(request: Request, context: ContextDep) -> Response:
    """The comparison of challenger and champion on new tickets, by the labels that people set."""
    with context.database.reading() as conn:
        found = challenger_status.compare_live(context, conn)
    return layout.render_part(
        request, "models_comparison.html", comparison=found, **page_vocabulary(layout.current_caller(request))
    )


@router.post("/models/challenge")
def challenge(context: ContextDep, caller: CallerDep, name: Name = "") -> Response:
    """Start shadow scoring with a bundle; "" stops it."""
    from deskyard.registry import promotion

    promotion.start_challenge(context.database, context.models.folder, name, caller.actor)
    return layout.redirect("/models")


@router.get("/models/{name}/report")
def report(request: Request, context: ContextDep, name: str) -> Response:
    """The report of a training run. It may name labels of every queue, so readers of some queues only get a 404."""
    from deskyard.registry import listing

    found = _require_bundle(listing.list_bundles(context.models.folder), name)
    if not found.has_report or layout.current_caller(request).queues is not None:
        raise NotFound(f"there is no report of {name[:100]!r}")
    return FileResponse(
        context.models.folder / found.name / listing.REPORT_FILE, media_type="text/html", headers=REPORT_HEADERS
    )


@router.post("/models/promote")
def promote(context: ContextDep, caller: CallerDep, name: Name) -> Response:
    """Promote a bundle to champion."""
    from deskyard.registry import promotion

    promotion.promote(context.database, context.models.folder, name, caller.actor)
    return _reload(context)


@router.post("/models/rollback")
def rollback(context: ContextDep, caller: CallerDep) -> Response:
    """Go back to the previous champion."""
    from deskyard.registry import promotion

    promotion.rollback(context.database, context.models.folder, caller.actor)
    return _reload(context)


@router.post("/models/halt")
def halt(context: ContextDep, caller: CallerDep) -> Response:
    """Switch the kill switch on: no ticket is routed."""
    policy_update.update_policy(context, caller.actor, lambda now: replace(now, halted=True))
    return layout.redirect("/models")


@router.post("/models/resume")
def resume(context: ContextDep, caller: CallerDep) -> Response:
    """Switch the kill switch off."""
    policy_update.update_policy(context, caller.actor, lambda now: replace(now, halted=False))
    return layout.redirect("/models")


def _coverage_preview(
    caller: Caller, bundle: "Bundle | None", policy: Policy, precision: float | None
) -> dict[str, Any]:
    """The variables of the coverage preview at a precision in per cent (None: at that of the policy)."""
    from deskyard.registry import coverage_preview

    if bundle is None:
        return {"precision": None, "target_estimates": [], "queue_estimates": []}
    placing = next((one for one in PLACING_TARGETS if one in bundle.targets), bundle.targets[0])
    default_precision = policy.effective_rule(placing, None).precision or bundle.card["asked_precision"]
    required_precision = coverage_preview.clamp_precision(default_precision if precision is None else precision / 100)
    return {
        "precision": required_precision,
        "target_estimates": coverage_preview.preview_targets(bundle, required_precision, policy.out_of_scope_rate),
        "queue_estimates": [
            one
            for one in coverage_preview.preview_queues(bundle, policy, required_precision)
            if caller.may_see(one.name)
        ],
    }


def page_vocabulary(caller: Caller) -> dict[str, Any]:
    """The names that every part of the page shows, and what this caller may do and see."""
    may_manage, sees_all = caller.may("POST", "/models/promote"), caller.queues is None
    shown = {
        "target_names": TARGETS,
        "metric_names": METRIC_NAMES,
        "missing_evidence": MISSING_EVIDENCE,
        "comparison_reasons": COMPARISON_REASONS,
        "min_tickets": MIN_TICKETS,
        "retraining_reasons": RETRAINING_REASONS,
    }
    return {**shown, "may_manage": may_manage, "sees_all": sees_all}


def _require_bundle(bundles: "list[BundleSummary]", name: str) -> "BundleSummary":
    for one in bundles:
        if one.name == name and Path(name).name == name:
            return one
    raise NotFound(f"there is no bundle {name[:100]!r} in the folder of models")


def _reload(context: AppContext) -> Response:
    context.policy_cache.invalidate()
    context.models.refresh()
    return layout.redirect("/models")
