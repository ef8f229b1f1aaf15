"""How Zendesk's API is asked: lists page by page, the incremental export, and what its refusals say.

In come paths and moments; out go rows as they are. An answer of 200 that is about something else than what was asked
for is no answer.
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
"""What changed in that time, the export leaves out."""

MAX_EXPORT_ROWS: Final = 1000
"""Rows of one export."""

SIDELOADS: Final = "users,groups,organizations"
"""What comes along with a ticket."""


def fetch_all(http: HttpClient, path: str, name: str, params: Mapping[str, Any] | None = None) -> list[Row]:
    """Every row of a list, by Zendesk's cursors."""
    rows: list[Row] = []
    asked: dict[str, Any] = {**(params or {}), "page[size]": 100}
    while True:
        answer = http.get(path, asked)
        rows += response_part(answer, name, list)
        meta = answer.data.get("meta") or {}
        if not meta.get("has_more") or not meta.get("after_cursor"):
            return rows
        asked["page[after]"] = meta["after_cursor"]


def iterate_export(
    http: HttpClient, since: datetime, n: int, now: datetime
) -> Iterator[tuple[Row, Mapping[str, Rows]]]:
    """Rows that changed at or after a moment, each with what came beside it; the first `n` in one request.

    `now` is Zendesk's clock: a moment of the last minute is refused there, so an earlier one is asked for.
    """
    start = int(min(since, now - EXPORT_DELAY - timedelta(seconds=1)).timestamp())
    asked: dict[str, Any] = {"start_time": start, "per_page": min(n, MAX_EXPORT_ROWS), "include": SIDELOADS}
    while True:
        answer = http.get("/incremental/tickets/cursor", asked)
        for row in response_part(answer, "tickets", list):
            yield row, answer.data
        after = answer.data.get("after_cursor")
        if answer.data.get("end_of_stream", True) or not after:
            return
        asked = {"cursor": after, "per_page": MAX_EXPORT_ROWS, "include": SIDELOADS}


def to_changed_ref(row: Row) -> ChangedRef:
    """When Zendesk noted a change: system updates move that moment and not the ticket's `updated_at`."""
    at = row.get("generated_timestamp")
    moment = datetime.fromtimestamp(at, UTC) if at else datetime.fromisoformat(row["updated_at"])
    return ChangedRef(moment, str(row["id"]))


class WebhookHint(NamedTuple):
    """What a webhook says: the event's own id (if it has one), the ticket, and who changed it."""

    id: str | None
    ref: str
    author: str


def parse_hint(payload: Mapping[str, Any]) -> WebhookHint | None:
    """Read from a trigger with our template or from Zendesk's own event; None where no ticket is meant.

    >>> parse_hint({"ticket": "35436", "by": "ann@example.org"})
    Hint(id=None, ref='35436', by='ann@example.org')
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
    """A ticket's number. Raises NotThere for what is none."""
    if not re.fullmatch(r"[0-9]{1,18}", ref):
        raise NotFound(f"Zendesk has no ticket {ref[:40]!r}")
    return ref


def response_part(response: ApiResponse, name: str, kind: type = dict) -> Any:
    """What an answer is about. Raises StoreUnreachable for one that is about something else, 200 or not."""
    found = response.data.get(name) if isinstance(response.data, dict) else None
    if not isinstance(found, kind):
        raise StoreUnreachable(f"Zendesk answered {str(response.data)[:200]!r} instead of {name!r}", 5.0)
    return found


def refusal_text(data: Any) -> str:
    """What a refusal says, in its own words.

    >>> refusal_text({"error": "RecordInvalid", "details": {"base": [{"description": "Status: closed prevents update"}]}})
    'Status: closed prevents update'
    """
    said = data if isinstance(data, dict) else {}
    details = said.get("details")
    rows = [one for found in details.values() for one in found] if isinstance(details, dict) else []
    told = [str(one.get("description")) for one in rows if isinstance(one, dict) and one.get("description")]
    return "; ".join(told) or str(said.get("description") or said.get("error") or "Zendesk refused the change")
