"""Asking Jira, and believing it: an error counts whatever its status, and nothing counts that was said to a stranger.

In come paths below `/rest/api/3`, out go JSON and the errors of `deskyard.errors`. Jira answers 200 to an expired token
wherever a stranger may ask, too, and shows him nothing: an empty search, no such issue. So who we are is asked before
nothing is taken for nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from deskyard.connectors.base.http_client import ApiResponse, HttpClient
from deskyard.errors import AccessDenied, NotFound, StoreRefused

_API_ROOT: Final = "/rest/api/3"
_ACCEPTED_STATUSES: Final = (400, 403, 404, 413, 422)
_ANONYMOUS_REASONS: Final = ("AUTHENTICATED_FAILED", "AUTHENTICATION_DENIED")


@dataclass(frozen=True, slots=True)
class Account:
    """Our account, and the zone in which JQL reads its times."""

    account: str
    name: str
    zone: ZoneInfo


class JiraErrors(Exception):
    """Jira's error collection: what it says of fields, and in general."""

    def __init__(self, fields: Mapping[str, str], messages: list[str]) -> None:
        """All of it is the message."""
        said = "; ".join([*messages, *(f"{name}: {why}" for name, why in fields.items())])
        super().__init__(said or "it refused without a word")
        self.fields, self.messages = fields, messages


class JiraClient:
    """A site as our account sees it. `me` is who we were the last time that we asked."""

    def __init__(self, http: HttpClient) -> None:
        """Nothing is asked yet."""
        self.http = http
        self.account: Account | None = None

    def fetch_account(self) -> Account:
        """Our account. Raises NotAllowed where Jira takes us for a stranger."""
        found = self._check_response("/myself", self.http.get(f"{_API_ROOT}/myself"))
        zone = found.get("timeZone") or self.query("/serverInfo").get("serverTimeZone") or "UTC"
        try:
            self.account = Account(str(found["accountId"]), str(found.get("displayName") or ""), ZoneInfo(zone))
        except (KeyError, ValueError, OSError) as error:
            raise AccessDenied(
                "set our account's time zone at Jira to UTC: the one it has is not known here"
            ) from error
        return self.account

    def query(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """What is there. Raises NotThere, and StoreRefused for an error collection."""
        return self._read_response(path, self.http.get(_API_ROOT + path, params or {}, accept=(400, 404)))

    def query_post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The same for a question that is too long for an address."""
        return self._read_response(path, self.http.query("POST", _API_ROOT + path, json=body, accept=(400, 404)))

    def send(self, method: str, path: str, **options: Any) -> Any:
        """Write, once. Raises `JiraErrors`, too."""
        return self._check_response(
            path, self.http.send(method, _API_ROOT + path, accept=_ACCEPTED_STATUSES, **options)
        )

    def _read_response(self, path: str, response: ApiResponse) -> Any:
        try:
            return self._check_response(path, response)
        except JiraErrors as error:
            raise StoreRefused("request", f"Jira answers to {path}: {error}") from error

    def _check_response(self, path: str, response: ApiResponse) -> Any:
        if response.headers.get("x-seraph-loginreason", "").startswith(_ANONYMOUS_REASONS):
            raise AccessDenied(
                "Jira does not know us: the API token has expired, or the mail address is not its owner's"
            )
        data = response.data if isinstance(response.data, dict) else {}
        errors = data.get("errors") if isinstance(data.get("errors"), dict) else {}
        told = [str(one) for one in (*(data.get("errorMessages") or ()), *(data.get("warningMessages") or ()))]
        if response.status == 404:
            self.fetch_account()
            raise NotFound(f"{path}: {'; '.join(told) or 'Jira has no such thing'}")
        if response.status == 403:
            raise AccessDenied(f"{path}: {'; '.join(told)}: check the rights of our account at Jira")
        if errors or told or response.status >= 400:
            raise JiraErrors({str(name): str(why) for name, why in (errors or {}).items()}, told)
        return response.data


def iterate_pages(query: Any, path: str, params: Mapping[str, Any], name: str = "values") -> Iterator[Any]:
    """What all pages of a list hold; a page may be shorter than it was asked to be."""
    start = 0
    while True:
        page = query(path, {**params, "startAt": start})
        found = page.get(name) or []
        yield from found
        start += len(found)
        if not found or page.get("isLast") or start >= page.get("total", start + 1):
            return


def to_local(since: datetime, zone: ZoneInfo) -> datetime:
    """A moment on the wall clock of a zone; where that clock shows an hour twice, an hour earlier.

    >>> from datetime import UTC
    >>> to_local(datetime(2026, 11, 1, 5, 30, tzinfo=UTC), ZoneInfo("America/New_York")).strftime("%H:%M")
    '00:30'
    """
    there = since.astimezone(zone)
    first, second = there.replace(fold=0).utcoffset(), there.replace(fold=1).utcoffset()
    if first is None or second is None or first == second:
        return there
    return (since - (first - second)).astimezone(zone)
