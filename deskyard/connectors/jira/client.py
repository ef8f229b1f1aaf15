"""A client for Jira's REST API below `/rest/api/3`, which turns error responses into the errors of `deskyard.errors`.

To an expired token Jira answers as to an anonymous user: with status 200, and empty search results or missing issues.
So our account is checked before an empty answer is believed.
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
    """Our account, and the time zone in which JQL interprets times."""

    account: str
    name: str
    zone: ZoneInfo


class JiraErrors(Exception):
    """Jira's error collection: errors of fields, and general messages."""

    def __init__(self, fields: Mapping[str, str], messages: list[str]) -> None:
        """The message of the exception contains all of them."""
        text = "; ".join([*messages, *(f"{name}: {reason}" for name, reason in fields.items())])
        super().__init__(text or "it refused without a message")
        self.fields, self.messages = fields, messages


class JiraClient:
    """A client for a site. `account` is our account, as it was last fetched."""

    def __init__(self, http: HttpClient) -> None:
        """No request is made yet."""
        self.http = http
        self.account: Account | None = None

    def fetch_account(self) -> Account:
        """Our account. Raises AccessDenied if Jira does not recognise us."""
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
        """The JSON at a path. Raises NotFound, and StoreRefused for an error collection."""
        return self._read_response(path, self.http.get(_API_ROOT + path, params or {}, accept=(400, 404)))

    def query_post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The JSON that a read by POST returns, for queries too long for a URL."""
        return self._read_response(path, self.http.query("POST", _API_ROOT + path, json=body, accept=(400, 404)))

    def send(self, method: str, path: str, **options: Any) -> Any:
        """Write, once. Also raises `JiraErrors`."""
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
        messages = [str(one) for one in (*(data.get("errorMessages") or ()), *(data.get("warningMessages") or ()))]
        if response.status == 404:
            self.fetch_account()
            raise NotFound(f"{path}: {'; '.join(messages) or 'Jira has no such thing'}")
        if response.status == 403:
            raise AccessDenied(f"{path}: {'; '.join(messages)}: check the rights of our account at Jira")
        if errors or messages or response.status >= 400:
            raise JiraErrors({str(name): str(reason) for name, reason in (errors or {}).items()}, messages)
        return response.data


def iterate_pages(query: Any, path: str, params: Mapping[str, Any], name: str = "values") -> Iterator[Any]:
    """The items of all pages of a list; pages may be shorter than requested."""
    start = 0
    while True:
        page = query(path, {**params, "startAt": start})
        found = page.get(name) or []
        yield from found
        start += len(found)
        if not found or page.get("isLast") or start >= page.get("total", start + 1):
            return


def to_local(since: datetime, zone: ZoneInfo) -> datetime:
    """A time in the local time of a zone; an hour earlier if the local time is ambiguous.

    >>> from datetime import UTC
    >>> to_local(datetime(2026, 11, 1, 5, 30, tzinfo=UTC), ZoneInfo("America/New_York")).strftime("%H:%M")
    '00:30'
    """
    local = since.astimezone(zone)
    first, second = local.replace(fold=0).utcoffset(), local.replace(fold=1).utcoffset()
    if first is None or second is None or first == second:
        return local
    return (since - (first - second)).astimezone(zone)
