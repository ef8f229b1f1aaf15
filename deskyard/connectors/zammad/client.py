"""How Zammad's API is asked: lists page by page, what changed since, its agents, and what its refusals say.

In come paths and moments; out go rows as they are. An answer of 200 that is about something else than what was asked
for is no answer.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final

from deskyard.connectors.base.http_client import Answer, Http
from deskyard.connectors.base.incremental_pull import Changed
from deskyard.connectors.zammad.field_mapping import Row, Rows
from deskyard.errors import NotAllowed, NotThere, StoreRefused, StoreUnreachable

PAGE: Final = 100
"""Rows of one page; Zammad gives up to 100 of any list."""

MOST: Final = 200
"""Rows of one search."""

STAFF: Final = 500
"""Agents of one search."""


def every(http: Http, path: str, params: Mapping[str, Any] | None = None) -> list[Row]:
    """Every row of a list."""
    found: list[Row] = []
    page = 1
    while True:
        got = rows(http.get(path, {**(params or {}), "page": page, "per_page": PAGE}))
        known = {row["id"] for row in found}
        new = [row for row in got if row["id"] not in known]
        found += new
        if len(got) < PAGE or not new:
            return found
        page += 1


def changes(http: Http, since: datetime, n: int) -> Iterator[Changed]:
    """What changed at or after a moment, by moment: asked of the database, whose answer no index delays.

    An installation that does not answer as asked has all its tickets listed and sorted here.
    """
    at, page, size = since, 1, min(n, MOST)
    while True:
        got = _searched(http, at, page, size)
        if got is None:
            yield from _listed(http, since)
            return
        yield from got
        if len(got) < size:
            return
        # The last moment is asked for anew: a page by number would leave out what moved up meanwhile.
        at, page = (at, page + 1) if got[-1].at == at else (got[-1].at, 1)


def _searched(http: Http, at: datetime, page: int, size: int) -> list[Changed] | None:
    """One page; None where the search does not do as asked."""
    asked = {
        "condition[ticket.updated_at][operator]": "after (absolute)",
        "condition[ticket.updated_at][value]": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "sort_by": "updated_at,id",
        "order_by": "asc,asc",
        "page": page,
        "per_page": size,
        "expand": "true",
    }
    try:
        answer = http.get("/tickets/search", asked)
    except (StoreRefused, NotThere):
        return None
    if not isinstance(answer.data, list):
        return None
    found = [_changed(row) for row in answer.data]
    in_order = all(one.at <= other.at for one, other in pairwise(found))
    return found if in_order and all(one.at >= at for one in found) else None


def _listed(http: Http, since: datetime) -> list[Changed]:
    found = [_changed(row) for row in every(http, "/tickets")]
    return sorted(one for one in found if one.at >= since)


def _changed(row: Row) -> Changed:
    return Changed(datetime.fromisoformat(row["updated_at"]), str(row["id"]))


def agents(http: Http, groups: Rows) -> list[Row]:
    """Users who may work on tickets: as the search names them, and whoever of the groups' users it left out."""
    asked = {"query": "*", "permissions": "ticket.agent", "limit": STAFF}
    try:
        answer = http.get("/users/search", asked)
        found = {row["id"]: row for row in answer.data} if isinstance(answer.data, list) else {}
    except (NotThere, NotAllowed, StoreRefused):
        found = {}
    for number in sorted({one for row in groups for one in row.get("user_ids") or ()} - found.keys()):
        try:
            found[number] = part(http.get(f"/users/{number}"), "id")
        except NotThere:
            continue
    return list(found.values())


def number(ref: str) -> str:
    """A ticket's number. Raises NotThere for what is none."""
    if not re.fullmatch(r"[0-9]{1,18}", ref):
        raise NotThere(f"Zammad has no ticket {ref[:40]!r}")
    return ref


def part(answer: Answer, name: str) -> Any:
    """An object that has what was asked for. Raises StoreUnreachable for anything else, 200 or not."""
    if not isinstance(answer.data, dict) or name not in answer.data:
        raise StoreUnreachable(f"Zammad answered {str(answer.data)[:200]!r} instead of {name!r}", 5.0)
    return answer.data


def rows(answer: Answer) -> list[Row]:
    """A list. Raises StoreUnreachable for anything else, 200 or not."""
    if not isinstance(answer.data, list):
        raise StoreUnreachable(f"Zammad answered {str(answer.data)[:200]!r} instead of a list", 5.0)
    return answer.data


def refusal(data: Any) -> str:
    """What a refusal says, in its own words."""
    said = data if isinstance(data, dict) else {}
    return str(said.get("error_human") or said.get("error") or "Zammad refused the change")


def note(text: str) -> dict[str, Any]:
    """An article that no customer sees."""
    return {"body": text, "content_type": "text/plain", "type": "note", "internal": True}
