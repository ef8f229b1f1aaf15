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
from deskyard.db.tables.base import storable
from deskyard.desk import queues as desk_queues
from deskyard.domain.ticket import TARGETS
from deskyard.errors import BadInput
from deskyard.policy import toml_format
from deskyard.policy.policy import TRIAGE, Mode, Policy, Rule
from deskyard.policy.versions import Policies, Version
from deskyard.reports.i18n import N_
from service.http.dependencies import CalledBy, InYard
from service.pages import layout, models
from service.runtime import policy_update
from service.runtime.context import Yard
from service.runtime.policy_update import Change, Overtaken

router: Final = APIRouter(include_in_schema=False)

VERSIONS: Final = 10
"""Past versions that are shown."""

MODES: Final = {
    "route": N_("route: set what is proved"),
    "suggest": N_("suggest: show it to people"),
    "shadow": N_("shadow: only write down what it would do"),
    "off": N_("off: stay out"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """A version, and the lines by which it differs from the one before (sign, line)."""

    version: Version
    lines: tuple[tuple[str, str], ...]


async def _sent(request: Request) -> FormData:
    return await request.form(max_fields=5_000)


Sent = Annotated[FormData, Depends(_sent)]


@router.get("/models/policy")
def policy(request: Request, yard: InYard) -> HTMLResponse:
    """The editor and the versions."""
    return _page(request, yard)


@router.post("/models/policy")
def put(request: Request, yard: InYard, caller: CalledBy, sent: Sent) -> Response:
    """Put what the form says in force."""
    said = {name: storable(value) for name, value in sent.multi_items() if isinstance(value, str)}
    try:
        switches = _switches(said)
        return _ruled(yard, caller, lambda now: _with(now, switches), said)
    except Overtaken:
        return _page(request, yard, 412, filled=_with(_current(yard).policy, switches), overtaken=_seen(said))
    except BadInput as error:
        return _page(request, yard, 422, wrong=str(error))


@router.post("/models/policy/text")
def put_text(
    request: Request, yard: InYard, caller: CalledBy, text: Annotated[str, Form()], seen: Annotated[str, Form()] = ""
) -> Response:
    """Put a policy in force that was written as TOML."""
    text = storable(text)
    try:
        wanted = toml_format.read(text)
        return _ruled(yard, caller, lambda _now: wanted, {"seen": seen})
    except Overtaken:
        return _page(request, yard, 412, text=text, overtaken=_seen({"seen": seen}))
    except BadInput as error:
        return _page(request, yard, 422, text=text, wrong=str(error))


@router.post("/models/policy/breaker")
def let_go(yard: InYard, caller: CalledBy, target: Annotated[str, Form()], label: Annotated[str, Form()]) -> Response:
    """Let the machine fill a class again that the circuit breaker holds back."""
    wanted = next((known for known in TARGETS if known == target), None)
    if wanted is None:
        raise BadInput(f"{target[:50]!r} is no target: choose from {', '.join(TARGETS)}")
    with yard.changing() as conn:
        circuit_breaker.close(conn, wanted, storable(label), caller.actor, datetime.now(UTC))
    return layout.go("/models/policy")


def _ruled(yard: Yard, caller: CalledBy, change: Change, said: Mapping[str, str]) -> Response:
    version = policy_update.rule(yard, caller.actor, change, _seen(said))
    return layout.go(f"/models/policy?done={version.number}")


def _seen(said: Mapping[str, str]) -> int:
    found = said.get("seen", "")
    return int(found) if found.isascii() and found.isdigit() and len(found) < 18 else -1


def _current(yard: Yard) -> Version:
    with yard.database.reading() as conn:
        return Policies.current(conn)


def _page(request: Request, yard: Yard, status: int = 200, **shown: Any) -> HTMLResponse:
    with yard.database.reading() as conn:
        version, past = Policies.current(conn), Policies.past(conn, VERSIONS + 1)
        held = circuit_breaker.standing(conn)
        there = [one for one in desk_queues.names(conn) if one != TRIAGE]
    filled: Policy = shown.pop("filled", version.policy)
    caller, told, seen = layout.who(request), _told(past), shown.get("overtaken", version.number)
    named = sorted({*there, *filled.queues, *filled.pairs})
    usual = {"overtaken": None, "wrong": "", "text": version.text}
    return layout.page(
        request,
        "policy.html",
        status,
        **usual | shown,
        in_force=version,
        filled=filled,
        modes=MODES,
        targets=TARGETS,
        names=models.TARGETS,
        held=[one for one in held if caller.queues is None or (one.target == "queue" and caller.sees(one.label))],
        unsaid=Rule(),
        queues=[one for one in named if caller.sees(one)],
        rules=caller.may("POST", "/models/policy"),
        sees_all=caller.queues is None,
        past=told[:VERSIONS],
        meanwhile=[one for one in told if one.version.number > seen],
        done=request.query_params.get("done") == str(version.number),
    )


def _told(past: list[Version]) -> list[Told]:
    """Each version with what it changed, newest first."""
    texts = [one.text for one in past] + ([toml_format.write(Policy())] if past and past[-1].number == 1 else [])
    return [Told(version, _difference(before, version.text)) for version, before in zip(past, texts[1:], strict=False)]


def _difference(before: str, after: str) -> tuple[tuple[str, str], ...]:
    """The lines that went and came, under the heading of their part.

    >>> _difference('mode = "suggest"\\n\\n[queues."IT"]\\nmode = "off"\\n', 'mode = "route"\\n')
    (('-', 'mode = "suggest"'), ('+', 'mode = "route"'), ('-', '[queues."IT"] mode = "off"'))
    """
    lines = difflib.ndiff(_parts(before), _parts(after))
    return tuple((line[0], line[2:]) for line in lines if line[0] in "+-")


def _parts(text: str) -> list[str]:
    """The lines of TOML, each with its heading."""
    heading, found = "", []
    for line in text.splitlines():
        if line.startswith("["):
            heading = f"{line} "
        elif line.strip():
            found.append(heading + line)
    return found


def _switches(said: Mapping[str, str]) -> dict[str, Any]:
    """What the form says, as parts of a policy. Raises BadInput for what is no switch."""
    top = _rule(said, "")
    queues = {name: key for key, name in said.items() if key.startswith("name.") and name}
    return {
        "mode": top.mode or Mode.SUGGEST,
        "precision": top.precision,
        "targets": {target: rule for target in TARGETS if (rule := _rule(said, f"target.{target}.")) != Rule()},
        "queues": {name: _rule(said, f"queue.{key.removeprefix('name.')}.") for name, key in sorted(queues.items())},
    }


def _with(now: Policy, switches: Mapping[str, Any]) -> Policy:
    """The policy with the switches of the form; queues that the form did not show keep theirs."""
    queues = {**now.queues, **switches["queues"]}
    kept = {name: rule for name, rule in queues.items() if rule != Rule()}
    wanted = replace(now, **{**switches, "queues": kept})
    return toml_format.read(toml_format.write(wanted))


def _rule(said: Mapping[str, str], prefix: str) -> Rule:
    mode, precision = said.get(f"{prefix}mode", ""), said.get(f"{prefix}precision", "").strip()
    if mode and mode not in list(Mode):
        raise BadInput(f"{mode[:50]!r} is no mode: choose {', '.join(Mode)}")
    return Rule(Mode(mode) if mode else None, _share(precision) if precision else None)


def _share(text: str) -> float:
    """A share from per cent as people write them.

    >>> _share("97,5"), _share("95 %")
    (0.975, 0.95)
    """
    try:
        share = round(float(text.replace(",", ".").replace("%", "").strip()) / 100, 5)
    except ValueError as error:
        raise BadInput(f"{text[:50]!r} is no precision: write per cent, such as 95") from error
    if not 0.5 <= share < 1:
        raise BadInput(f"{text[:50]} is no precision: from 50 to below 100 per cent")
    return share
