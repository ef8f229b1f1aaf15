"""Requests to Zendesk's API: lists page by page, the incremental export, webhooks, and the texts of refusals.

Rows are returned as they are. A response with status 200 that lacks the requested data raises an error.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from deskyard.connectors.base.http_client import ApiResponse, HttpClient
from deskyard.connectors.base.incremental_pull import ChangedRef
from deskyard.connectors.zendesk.field_mapping import Row, Rows
from deskyard.errors import NotFound, StoreUnreachable

EXPORT_DELAY: Final = timedelta(seconds=60)
"""The export leaves out changes of this last period."""

MAX_EXPORT_ROWS: Final = 1000
"""Rows per page of the export."""

SIDELOADS: Final = "users,groups,organizations"
"""What is returned with a ticket."""


def fetch_all(http: HttpClient, path: str, name: str, params: Mapping[str, Any] | None = None) -> list[Row]:
    """All rows of a list, by Zendesk's cursors."""
    rows: list[Row] = []
    query: dict[str, Any] = {**(params or {}), "page[size]": 100}
    while True:
        answer = http.get(path, query)
        rows += response_part(answer, name, list)
        meta = answer.data.get("meta") or {}
        if not meta.get("has_more") or not meta.get("after_cursor"):
            return rows
        query["page[after]"] = meta["after_cursor"]


def iterate_export(
    http: HttpClient, since: datetime, n: int, now: datetime
) -> Iterator[tuple[Row, Mapping[str, Rows]]]:
    """Tickets that changed at or after a time, each with its sideloads; the first `n` in one request.

    `now` is Zendesk's clock: a time in the last minute is refused there, so an earlier one is used.
    """
    start = int(min(since, now - EXPORT_DELAY - timedelta(seconds=1)).timestamp())
    query: dict[str, Any] = {"start_time": start, "per_page": min(n, MAX_EXPORT_ROWS), "include": SIDELOADS}
    while True:
        answer = http.get("/incremental/tickets/cursor", query)
        for row in response_part(answer, "tickets", list):
            yield row, answer.data
        after = answer.data.get("after_cursor")
        if answer.data.get("end_of_stream", True) or not after:
            return
        query = {"cursor": after, "per_page": MAX_EXPORT_ROWS, "include": SIDELOADS}


def to_changed_ref(row: Row) -> ChangedRef:
    """The change of an exported row. Its time is Zendesk's `generated_timestamp`, which also changes with system
    updates that leave `updated_at` as it is."""
    at = row.get("generated_timestamp")
    moment = datetime.fromtimestamp(at, UTC) if at else datetime.fromisoformat(row["updated_at"])
    return ChangedRef(moment, str(row["id"]))


class WebhookHint(NamedTuple):
    """The content of a webhook: the id of the event (if it has one), the ticket, and who changed it."""

    id: str | None
    ref: str
    author: str


def parse_hint(payload: Mapping[str, Any]) -> WebhookHint | None:
    """The hint in a webhook of a trigger with our template or of Zendesk's own events; None if it names no ticket.

    >>> parse_hint({"ticket": "35436", "by": "ann@example.org"})
    WebhookHint(id=None, ref='35436', author='ann@example.org')
    >>> parse_hint({"type": "zen:event-type:user.created", "detail": {"id": "1"}}) is None
    True
    """
    name, ref, by = None, payload.get("ticket"), payload.get("by")
    if "type" in payload:
        if not str(payload["type"]).startswith("zen:event-type:ticket."):
            return None
        detail = payload.get("detail") or {}
        name, ref, by = payload.get("id"), detail.get("id"), detail.get("actor_id")
    found = str(ref or "")
    return WebhookHint(name and str(name), found, str(by or "")) if re.fullmatch(r"[0-9]{1,18}", found) else None


def parse_ref(ref: str) -> str:
    """The number of a ticket. Raises NotFound if it is not a number."""
    if not re.fullmatch(r"[0-9]{1,18}", ref):
        raise NotFound(f"Zendesk has no ticket {ref[:40]!r}")
    return ref


def response_part(response: ApiResponse, name: str, kind: type = dict) -> Any:
    """The named part of a response. Raises StoreUnreachable if it is missing or of another type."""
    found = response.data.get(name) if isinstance(response.data, dict) else None
    if not isinstance(found, kind):
        raise StoreUnreachable(f"Zendesk answered {str(response.data)[:200]!r} instead of {name!r}", 5.0)
    return found


def refusal_text(data: Any) -> str:
    """The message of a refusal.

    >>> refusal_text({"error": "RecordInvalid", "details": {"base": [{"description": "Status: closed"}]}})
    'Status: closed'
    """
    body = data if isinstance(data, dict) else {}
    details = body.get("details")
    rows = [one for found in details.values() for one in found] if isinstance(details, dict) else []
    messages = [str(one.get("description")) for one in rows if isinstance(one, dict) and one.get("description")]
    return "; ".join(messages) or str(body.get("description") or body.get("error") or "Zendesk refused the change")
