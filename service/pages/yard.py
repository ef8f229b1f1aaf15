"""`/`: the yard at a glance, its queues with their newest tickets, and each ticket's decisions with their reasons."""

from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from deskyard.desk import queues, tickets
from deskyard.desk.pages import LONGEST_PAGE
from deskyard.journal import Journal
from deskyard.policies import Policies
from service.api.doors import InYard

SHOWN: Final = 15
"""Tickets shown of each queue, the newest first."""

router: Final = APIRouter(include_in_schema=False)


def _own_words(text: str) -> str:
    from deskyard.text import clean  # only here: without a model the service starts without the language tools

    return clean(text)


_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent.parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters["own_words"] = _own_words
_SAFE: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'",
    "Cache-Control": "no-store",
}


@router.get("/", response_class=HTMLResponse)
def yard(yard: InYard) -> HTMLResponse:
    """The page."""
    champion = yard.models.champion
    with yard.database.reading() as session:
        counts = tickets.counted(session)
        shown: list[dict[str, Any]] = []
        for queue in queues.listed(session, LONGEST_PAGE).items:
            newest = tickets.listed(session, queue, SHOWN, sort="newest").items if counts.get(queue.name) else []
            decided = Journal.first_decisions(session, [filed.id for filed in newest])
            pairs = [(filed, decided.get(filed.id)) for filed in newest]
            shown.append({"queue": queue, "count": counts.get(queue.name, 0), "tickets": pairs})
        policy = Policies.current(session)
    page = _TEMPLATES.get_template("yard.html").render(
        queues=shown, total=sum(counts.values()), champion=champion, policy=policy
    )
    return HTMLResponse(page, headers=_SAFE)
