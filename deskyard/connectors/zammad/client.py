"""Requests to Zammad's API: lists page by page, changes since a time, agents, and the texts of refusals.

Rows are returned as they are. A response with status 200 that lacks the requested data raises an error.
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
"""Rows per page of a list; the most that Zammad allows."""

MAX_SEARCH_ROWS: Final = 200
"""Rows per page of a search."""

MAX_STAFF: Final = 500
"""Agents per search."""


def fetch_all(http: HttpClient, path: str, params: Mapping[str, Any] | None = None) -> list[Row]:
    """All rows of a list."""
    found: list[Row] = []
    page = 1
    while True:
        rows = response_rows(http.get(path, {**(params or {}), "page": page, "per_page": PAGE_SIZE}))
        known = {row["id"] for row in found}
        new = [row for row in rows if row["id"] not in known]
        found += new
        if len(rows) < PAGE_SIZE or not new:
            return found
        page += 1


def iterate_changes(http: HttpClient, since: datetime, n: int) -> Iterator[ChangedRef]:
    """What changed at or after a time, in the order of time, searched in the database, which no index delays.

    If the installation does not support such a search, all its tickets are listed and sorted here.
    """
    at, page, size = since, 1, min(n, MAX_SEARCH_ROWS)
    while True:
        found = _search_page(http, at, page, size)
        if found is None:
            yield from _list_changes(http, since)
            return
        yield from found
        if len(found) < size:
            return
        # Continue from the last time rather than by page number, which would skip tickets that moved up.
        at, page = (at, page + 1) if found[-1].at == at else (found[-1].at, 1)


def _search_page(http: HttpClient, at: datetime, page: int, size: int) -> list[ChangedRef] | None:
    """One page of the search; None if the installation does not support it."""
    params = {
        "condition[ticket.updated_at][operator]": "after (absolute)",
        "condition[ticket.updated_at][value]": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "sort_by": "updated_at,id",
        "order_by": "asc,asc",
        "page": page,
        "per_page": size,
        "expand": "true",
    }
    try:
        answer = http.get("/tickets/search", params)
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
    """The users who may work on tickets: those that the search finds, and users of the groups that it leaves out."""
    params = {"query": "*", "permissions": "ticket.agent", "limit": MAX_STAFF}
    try:
        answer = http.get("/users/search", params)
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
    """The number of a ticket. Raises NotFound if it is not a number."""
    if not re.fullmatch(r"[0-9]{1,18}", ref):
        raise NotFound(f"Zammad has no ticket {ref[:40]!r}")
    return ref


def response_object(response: ApiResponse, name: str) -> Any:
    """A response that is an object with the named member. Raises StoreUnreachable for anything else."""
    if not isinstance(response.data, dict) or name not in response.data:
        raise StoreUnreachable(f"Zammad answered {str(response.data)[:200]!r} instead of {name!r}", 5.0)
    return response.data


def response_rows(response: ApiResponse) -> list[Row]:
    """A response that is a list. Raises StoreUnreachable for anything else."""
    if not isinstance(response.data, list):
        raise StoreUnreachable(f"Zammad answered {str(response.data)[:200]!r} instead of a list", 5.0)
    return response.data


def refusal_text(data: Any) -> str:
    """The message of a refusal."""
    body = data if isinstance(data, dict) else {}
    return str(body.get("error_human") or body.get("error") or "Zammad refused the change")


def make_note(text: str) -> dict[str, Any]:
    """An article that customers can't see."""
    return {"body": text, "content_type": "text/plain", "type": "note", "internal": True}
