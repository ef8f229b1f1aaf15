"""How Zammad's API is asked: lists page by page, what changed since, its agents, and what its refusals say.

In come paths and moments; out go rows as they are. An answer of 200 that is about something else than what was asked
for is no answer.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final

from deskyard.connectors.base.http_client import ApiResponse, HttpClient
from deskyard.connectors.base.incremental_pull import ChangedRef
from deskyard.connectors.zammad.field_mapping import Row, Rows
from deskyard.errors import AccessDenied, NotFound, StoreRefused, StoreUnreachable

PAGE_SIZE: Final = 100
"""Rows of one page; Zammad gives up to 100 of any list."""

MAX_SEARCH_ROWS: Final = 200
"""Rows of one search."""

MAX_STAFF: Final = 500
"""Agents of one search."""


def fetch_all(http: HttpClient, path: str, params: Mapping[str, Any] | None = None) -> list[Row]:
    """Every row of a list."""
    found: list[Row] = []
    page = 1
    while True:
        got = response_rows(http.get(path, {**(params or {}), "page": page, "per_page": PAGE_SIZE}))
        known = {row["id"] for row in found}
        new = [row for row in got if row["id"] not in known]
        found += new
        if len(got) < PAGE_SIZE or not new:
            return found
        page += 1


def iterate_changes(http: HttpClient, since: datetime, n: int) -> Iterator[ChangedRef]:
    """What changed at or after a moment, by moment: asked of the database, whose answer no index delays.

    An installation that does not answer as asked has all its tickets listed and sorted here.
    """
    at, page, size = since, 1, min(n, MAX_SEARCH_ROWS)
    while True:
        got = _search_page(http, at, page, size)
        if got is None:
            yield from _list_changes(http, since)
            return
        yield from got
        if len(got) < size:
            return
        # The last moment is asked for anew: a page by number would leave out what moved up meanwhile.
        at, page = (at, page + 1) if got[-1].at == at else (got[-1].at, 1)


def _search_page(http: HttpClient, at: datetime, page: int, size: int) -> list[ChangedRef] | None:
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
    except (StoreRefused, NotFound):
        return None
    if not isinstance(answer.data, list):
        return None
    found = [_to_changed_ref(row) for row in answer.data]
    in_order = all(one.at <= other.at for one, other in pairwise(found))
    return found if in_order and all(one.at >= at for one in found) else None


def _list_changes(http: HttpClient, since: datetime) -> list[ChangedRef]:
    found = [_to_changed_ref(row) for row in fetch_all(http, "/tickets")]
    return sorted(one for one in found if one.at >= since)


def _to_changed_ref(row: Row) -> ChangedRef:
    return ChangedRef(datetime.fromisoformat(row["updated_at"]), str(row["id"]))


def fetch_agents(http: HttpClient, groups: Rows) -> list[Row]:
    """Users who may work on tickets: as the search names them, and whoever of the groups' users it left out."""
    asked = {"query": "*", "permissions": "ticket.agent", "limit": MAX_STAFF}
    try:
        answer = http.get("/users/search", asked)
        found = {row["id"]: row for row in answer.data} if isinstance(answer.data, list) else {}
    except (NotFound, AccessDenied, StoreRefused):
        found = {}
    for number in sorted({one for row in groups for one in row.get("user_ids") or ()} - found.keys()):
        try:
            found[number] = response_object(http.get(f"/users/{number}"), "id")
        except NotFound:
            continue
    return list(found.values())


def parse_ref(ref: str) -> str:
    """A ticket's number. Raises NotThere for what is none."""
    if not re.fullmatch(r"[0-9]{1,18}", ref):
        raise NotFound(f"Zammad has no ticket {ref[:40]!r}")
    return ref


def response_object(response: ApiResponse, name: str) -> Any:
    """An object that has what was asked for. Raises StoreUnreachable for anything else, 200 or not."""
    if not isinstance(response.data, dict) or name not in response.data:
        raise StoreUnreachable(f"Zammad answered {str(response.data)[:200]!r} instead of {name!r}", 5.0)
    return response.data


def response_rows(response: ApiResponse) -> list[Row]:
    """A list. Raises StoreUnreachable for anything else, 200 or not."""
    if not isinstance(response.data, list):
        raise StoreUnreachable(f"Zammad answered {str(response.data)[:200]!r} instead of a list", 5.0)
    return response.data


def refusal_text(data: Any) -> str:
    """What a refusal says, in its own words."""
    said = data if isinstance(data, dict) else {}
    return str(said.get("error_human") or said.get("error") or "Zammad refused the change")


def make_note(text: str) -> dict[str, Any]:
    """An article that no customer sees."""
    return {"body": text, "content_type": "text/plain", "type": "note", "internal": True}
