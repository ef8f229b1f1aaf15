"""The page `/models/policy`: the policy as a form and as TOML, and the changes of past versions.

A form carries the version that it was filled in for; if the policy has changed since, it is shown again together with
those changes. Rules that the form does not show (pairs, stores, routes) stay as they are.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import FormData

from deskyard.breaker import circuit_breaker
from deskyard.desk import queues as desk_queues
from deskyard.domain.catalogue import TRIAGE
from deskyard.domain.ticket import TARGETS
from deskyard.errors import BadInput
from deskyard.policy import toml_format
from deskyard.policy.policy import Mode, Policy, Rule
from deskyard.policy.versions import Policies, PolicyVersion
from deskyard.reports.i18n import N_
from deskyard.text.storable import storable
from service.http.dependencies import CallerDep, ContextDep
from service.pages import layout, models
from service.runtime import policy_update
from service.runtime.context import AppContext
from service.runtime.policy_update import PolicyChange, PolicyConflict

router: Final = APIRouter(include_in_schema=False)

VERSIONS_SHOWN: Final = 10
"""Past versions on the page."""

MODES: Final = {
    "route": N_("route: set what the contract allows"),
    "suggest": N_("suggest: show to people"),
    "shadow": N_("shadow: record decisions only"),
    "off": N_("off: do nothing"),
}


@dataclass(frozen=True, slots=True)
class VersionDiff:
    """A version, and its changed lines against the one before, each as (sign, line)."""

    version: PolicyVersion
    lines: tuple[tuple[str, str], ...]


async def _form_data(request: Request) -> FormData:
    return await request.form(max_fields=5_000)


FormDep = Annotated[FormData, Depends(_form_data)]


@router.get("/models/policy")
def show_policy(request: Request, context: ContextDep) -> HTMLResponse:
    """The editor and the versions."""
    return _page(request, context)


@router.post("/models/policy")
def update_policy(request: Request, context: ContextDep, caller: CallerDep, form_data: FormDep) -> Response:
    """Save the policy of the form."""
    form = {name: storable(value) for name, value in form_data.multi_items() if isinstance(value, str)}
    try:
        switches = _parse_switches(form)
        return _update(context, caller, lambda now: _apply_switches(now, switches), form)
    except PolicyConflict:
        return _page(
            request,
            context,
            412,
            filled=_apply_switches(_current_version(context).policy, switches),
            conflict_number=_expected_number(form),
        )
    except BadInput as error:
        return _page(request, context, 422, error=str(error))


@router.post("/models/policy/text")
def update_policy_text(
    request: Request,
    context: ContextDep,
    caller: CallerDep,
    text: Annotated[str, Form()],
    version: Annotated[str, Form()] = "",
) -> Response:
    """Save a policy that is given as TOML."""
    text = storable(text)
    try:
        new_policy = toml_format.parse_policy(text)
        return _update(context, caller, lambda _now: new_policy, {"version": version})
    except PolicyConflict:
        return _page(request, context, 412, text=text, conflict_number=_expected_number({"version": version}))
    except BadInput as error:
        return _page(request, context, 422, text=text, error=str(error))


@router.post("/models/policy/breaker")
def release_label(
    context: ContextDep, caller: CallerDep, target: Annotated[str, Form()], label: Annotated[str, Form()]
) -> Response:
    """Release a label that the circuit breaker holds back."""
    new_policy = next((known for known in TARGETS if known == target), None)
    if new_policy is None:
        raise BadInput(f"{target[:50]!r} is not a target; choose from {', '.join(TARGETS)}")
    with context.changing_settings() as conn:
        circuit_breaker.close_breaker(conn, new_policy, storable(label), caller.actor, datetime.now(UTC))
    return layout.redirect("/models/policy")


def _update(context: AppContext, caller: CallerDep, change: PolicyChange, form: Mapping[str, str]) -> Response:
    version = policy_update.update_policy(context, caller.actor, change, _expected_number(form))
    return layout.redirect(f"/models/policy?done={version.number}")


def _expected_number(form: Mapping[str, str]) -> int:
    found = form.get("version", "")
    return int(found) if found.isascii() and found.isdigit() and len(found) < 18 else -1


def _current_version(context: AppContext) -> PolicyVersion:
    with context.database.reading() as conn:
        return Policies.current(conn)


def _page(request: Request, context: AppContext, status: int = 200, **shown: Any) -> HTMLResponse:
    with context.database.reading() as conn:
        version, past = Policies.current(conn), Policies.list_recent(conn, VERSIONS_SHOWN + 1)
        openings = circuit_breaker.list_current_openings(conn)
        queue_names = [one for one in desk_queues.list_queue_names(conn) if one != TRIAGE]
    filled: Policy = shown.pop("filled", version.policy)
    caller, diffs, seen = (
        layout.current_caller(request),
        _version_diffs(past),
        shown.get("conflict_number", version.number),
    )
    shown_queues = sorted({*queue_names, *filled.queues, *filled.pairs})
    defaults = {"conflict_number": None, "error": "", "text": version.text}
    return layout.render_page(
        request,
        "policy.html",
        status,
        **defaults | shown,
        current=version,
        filled=filled,
        modes=MODES,
        targets=TARGETS,
        target_names=models.TARGETS,
        openings=[
            one for one in openings if caller.queues is None or (one.target == "queue" and caller.may_see(one.label))
        ],
        no_rule=Rule(),
        queues=[one for one in shown_queues if caller.may_see(one)],
        may_manage=caller.may("POST", "/models/policy"),
        sees_all=caller.queues is None,
        versions=diffs[:VERSIONS_SHOWN],
        newer_versions=[one for one in diffs if one.version.number > seen],
        saved=request.query_params.get("done") == str(version.number),
    )


def _version_diffs(past: list[PolicyVersion]) -> list[VersionDiff]:
    """Each version with its changes, newest first."""
    texts = [one.text for one in past] + (
        [toml_format.format_policy(Policy())] if past and past[-1].number == 1 else []
    )
    return [
        VersionDiff(version, _diff_lines(before, version.text))
        for version, before in zip(past, texts[1:], strict=False)
    ]


def _diff_lines(before: str, after: str) -> tuple[tuple[str, str], ...]:
    """The removed and added lines, each with the heading of its table.

    >>> _diff_lines('precision = 0.9\\n[queues."IT"]\\nmode = "off"\\n', 'precision = 0.9\\n')
    (('-', '[queues."IT"] mode = "off"'),)
    """
    lines = difflib.ndiff(_lines_with_heading(before), _lines_with_heading(after))
    return tuple((line[0], line[2:]) for line in lines if line[0] in "+-")


def _lines_with_heading(text: str) -> list[str]:
    """The lines of TOML, each with its heading."""
    heading, found = "", []
    for line in text.splitlines():
        if line.startswith("["):
            heading = f"{line} "
        elif line.strip():
            found.append(heading + line)
    return found


def _parse_switches(form: Mapping[str, str]) -> dict[str, Any]:
    """The parts of a policy that the form sets. Raises BadInput for values that can't be used."""
    top = _parse_rule(form, "")
    queues = {name: key for key, name in form.items() if key.startswith("name.") and name}
    return {
        "mode": top.mode or Mode.SUGGEST,
        "precision": top.precision,
        "targets": {target: rule for target in TARGETS if (rule := _parse_rule(form, f"target.{target}.")) != Rule()},
        "queues": {
            name: _parse_rule(form, f"queue.{key.removeprefix('name.')}.") for name, key in sorted(queues.items())
        },
    }


def _apply_switches(now: Policy, switches: Mapping[str, Any]) -> Policy:
    """The policy with the rules of the form; queues that the form did not show keep theirs."""
    queues = {**now.queues, **switches["queues"]}
    kept = {name: rule for name, rule in queues.items() if rule != Rule()}
    new_policy = replace(now, **{**switches, "queues": kept})
    return toml_format.parse_policy(toml_format.format_policy(new_policy))


def _parse_rule(form: Mapping[str, str], prefix: str) -> Rule:
    mode, precision = form.get(f"{prefix}mode", ""), form.get(f"{prefix}precision", "").strip()
    if mode and mode not in list(Mode):
        raise BadInput(f"{mode[:50]!r} is not a mode; choose from {', '.join(Mode)}")
    return Rule(Mode(mode) if mode else None, _parse_percent(precision) if precision else None)


def _parse_percent(text: str) -> float:
    """A share (0..1) from a text in per cent.

    >>> _parse_percent("97,5"), _parse_percent("95 %")
    (0.975, 0.95)
    """
    try:
        share = round(float(text.replace(",", ".").replace("%", "").strip()) / 100, 5)
    except ValueError as error:
        raise BadInput(f"{text[:50]!r} is not a precision: write per cent, such as 95") from error
    if not 0.5 <= share < 1:
        raise BadInput(f"{text[:50]} is not a precision: it must be at least 50 and below 100 per cent")
    return share
