"""`/models/policy`: how far the machine may go, switch by switch, and what each version changed.

In comes a form with the version it was filled in for, out goes a new version, or the form again with what is wrong or
what somebody else changed meanwhile. What the form does not show (pairs, stores, routes) stays as it is.
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
"""Past versions that are shown."""

MODES: Final = {
    "route": N_("route: set what is proved"),
    "suggest": N_("suggest: show it to people"),
    "shadow": N_("shadow: only write down what it would do"),
    "off": N_("off: stay out"),
}


@dataclass(frozen=True, slots=True)
class VersionDiff:
    """A version, and the lines by which it differs from the one before (sign, line)."""

    version: PolicyVersion
    lines: tuple[tuple[str, str], ...]


async def _form_data(request: Request) -> FormData:
    return await request.form(max_fields=5_000)


FormDep = Annotated[FormData, Depends(_form_data)]


@router.get("/models/policy")
def show_policy(request: Request, yard: ContextDep) -> HTMLResponse:
    """The editor and the versions."""
    return _page(request, yard)


@router.post("/models/policy")
def update_policy(request: Request, yard: ContextDep, caller: CallerDep, sent: FormDep) -> Response:
    """Put what the form says in force."""
    said = {name: storable(value) for name, value in sent.multi_items() if isinstance(value, str)}
    try:
        switches = _parse_switches(said)
        return _update(yard, caller, lambda now: _apply_switches(now, switches), said)
    except PolicyConflict:
        return _page(
            request,
            yard,
            412,
            filled=_apply_switches(_current_version(yard).policy, switches),
            overtaken=_expected_number(said),
        )
    except BadInput as error:
        return _page(request, yard, 422, wrong=str(error))


@router.post("/models/policy/text")
def update_policy_text(
    request: Request,
    yard: ContextDep,
    caller: CallerDep,
    text: Annotated[str, Form()],
    seen: Annotated[str, Form()] = "",
) -> Response:
    """Put a policy in force that was written as TOML."""
    text = storable(text)
    try:
        wanted = toml_format.parse_policy(text)
        return _update(yard, caller, lambda _now: wanted, {"seen": seen})
    except PolicyConflict:
        return _page(request, yard, 412, text=text, overtaken=_expected_number({"seen": seen}))
    except BadInput as error:
        return _page(request, yard, 422, text=text, wrong=str(error))


@router.post("/models/policy/breaker")
def release_label(
    yard: ContextDep, caller: CallerDep, target: Annotated[str, Form()], label: Annotated[str, Form()]
) -> Response:
    """Let the machine fill a class again that the circuit breaker holds back."""
    wanted = next((known for known in TARGETS if known == target), None)
    if wanted is None:
        raise BadInput(f"{target[:50]!r} is no target: choose from {', '.join(TARGETS)}")
    with yard.changing_settings() as conn:
        circuit_breaker.close_breaker(conn, wanted, storable(label), caller.actor, datetime.now(UTC))
    return layout.redirect("/models/policy")


def _update(context: AppContext, caller: CallerDep, change: PolicyChange, form: Mapping[str, str]) -> Response:
    version = policy_update.update_policy(context, caller.actor, change, _expected_number(form))
    return layout.redirect(f"/models/policy?done={version.number}")


def _expected_number(form: Mapping[str, str]) -> int:
    found = form.get("seen", "")
    return int(found) if found.isascii() and found.isdigit() and len(found) < 18 else -1


def _current_version(context: AppContext) -> PolicyVersion:
    with context.database.reading() as conn:
        return Policies.current(conn)


def _page(request: Request, context: AppContext, status: int = 200, **shown: Any) -> HTMLResponse:
    with context.database.reading() as conn:
        version, past = Policies.current(conn), Policies.list_recent(conn, VERSIONS_SHOWN + 1)
        held = circuit_breaker.list_current_openings(conn)
        there = [one for one in desk_queues.list_queue_names(conn) if one != TRIAGE]
    filled: Policy = shown.pop("filled", version.policy)
    caller, told, seen = layout.current_caller(request), _version_diffs(past), shown.get("overtaken", version.number)
    named = sorted({*there, *filled.queues, *filled.pairs})
    usual = {"overtaken": None, "wrong": "", "text": version.text}
    return layout.render_page(
        request,
        "policy.html",
        status,
        **usual | shown,
        in_force=version,
        filled=filled,
        modes=MODES,
        targets=TARGETS,
        names=models.TARGETS,
        held=[one for one in held if caller.queues is None or (one.target == "queue" and caller.may_see(one.label))],
        unsaid=Rule(),
        queues=[one for one in named if caller.may_see(one)],
        rules=caller.may("POST", "/models/policy"),
        sees_all=caller.queues is None,
        past=told[:VERSIONS_SHOWN],
        meanwhile=[one for one in told if one.version.number > seen],
        done=request.query_params.get("done") == str(version.number),
    )


def _version_diffs(past: list[PolicyVersion]) -> list[VersionDiff]:
    """Each version with what it changed, newest first."""
    texts = [one.text for one in past] + (
        [toml_format.format_policy(Policy())] if past and past[-1].number == 1 else []
    )
    return [
        VersionDiff(version, _diff_lines(before, version.text))
        for version, before in zip(past, texts[1:], strict=False)
    ]


def _diff_lines(before: str, after: str) -> tuple[tuple[str, str], ...]:
    """The lines that went and came, under the heading of their part.

    >>> _diff_lines('mode = "suggest"\\n\\n[queues."IT"]\\nmode = "off"\\n', 'mode = "route"\\n')
    (('-', 'mode = "suggest"'), ('+', 'mode = "route"'), ('-', '[queues."IT"] mode = "off"'))
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
    """What the form says, as parts of a policy. Raises BadInput for what is no switch."""
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
    """The policy with the switches of the form; queues that the form did not show keep theirs."""
    queues = {**now.queues, **switches["queues"]}
    kept = {name: rule for name, rule in queues.items() if rule != Rule()}
    wanted = replace(now, **{**switches, "queues": kept})
    return toml_format.parse_policy(toml_format.format_policy(wanted))


def _parse_rule(form: Mapping[str, str], prefix: str) -> Rule:
    mode, precision = form.get(f"{prefix}mode", ""), form.get(f"{prefix}precision", "").strip()
    if mode and mode not in list(Mode):
        raise BadInput(f"{mode[:50]!r} is no mode: choose {', '.join(Mode)}")
    return Rule(Mode(mode) if mode else None, _parse_percent(precision) if precision else None)


def _parse_percent(text: str) -> float:
    """A share from per cent as people write them.

    >>> _parse_percent("97,5"), _parse_percent("95 %")
    (0.975, 0.95)
    """
    try:
        share = round(float(text.replace(",", ".").replace("%", "").strip()) / 100, 5)
    except ValueError as error:
        raise BadInput(f"{text[:50]!r} is no precision: write per cent, such as 95") from error
    if not 0.5 <= share < 1:
        raise BadInput(f"{text[:50]} is no precision: from 50 to below 100 per cent")
    return share
