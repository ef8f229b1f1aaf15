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

from deskyard.connectors.base.http_client import Answer, Http
from deskyard.errors import NotAllowed, NotThere, StoreRefused

_ROOT: Final = "/rest/api/3"
_ANSWERS: Final = (400, 403, 404, 413, 422)
_STRANGER: Final = ("AUTHENTICATED_FAILED", "AUTHENTICATION_DENIED")


@dataclass(frozen=True, slots=True)
class Me:
    """Our account, and the zone in which JQL reads its times."""

    account: str
    name: str
    zone: ZoneInfo


class Errors(Exception):
    """Jira's error collection: what it says of fields, and in general."""

    def __init__(self, fields: Mapping[str, str], told: list[str]) -> None:
        """All of it is the message."""
        said = "; ".join([*told, *(f"{name}: {why}" for name, why in fields.items())])
        super().__init__(said or "it refused without a word")
        self.fields, self.told = fields, told


class Wire:
    """A site as our account sees it. `me` is who we were the last time that we asked."""

    def __init__(self, http: Http) -> None:
        """Nothing is asked yet."""
        self.http = http
        self.me: Me | None = None

    def who(self) -> Me:
        """Our account. Raises NotAllowed where Jira takes us for a stranger."""
        found = self._believed("/myself", self.http.get(f"{_ROOT}/myself"))
        zone = found.get("timeZone") or self.ask("/serverInfo").get("serverTimeZone") or "UTC"
        try:
            self.me = Me(str(found["accountId"]), str(found.get("displayName") or ""), ZoneInfo(zone))
        except (KeyError, ValueError, OSError) as error:
            raise NotAllowed("set our account's time zone at Jira to UTC: the one it has is not known here") from error
        return self.me

    def ask(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """What is there. Raises NotThere, and StoreRefused for an error collection."""
        return self._read(path, self.http.get(_ROOT + path, params or {}, accept=(400, 404)))

    def look_up(self, path: str, body: Mapping[str, Any]) -> Any:
        """The same for a question that is too long for an address."""
        return self._read(path, self.http.ask("POST", _ROOT + path, json=body, accept=(400, 404)))

    def send(self, method: str, path: str, **options: Any) -> Any:
        """Write, once. Raises `Errors`, too."""
        return self._believed(path, self.http.send(method, _ROOT + path, accept=_ANSWERS, **options))

    def _read(self, path: str, answer: Answer) -> Any:
        try:
            return self._believed(path, answer)
        except Errors as error:
            raise StoreRefused("request", f"Jira answers to {path}: {error}") from error

    def _believed(self, path: str, answer: Answer) -> Any:
        if answer.headers.get("x-seraph-loginreason", "").startswith(_STRANGER):
            raise NotAllowed("Jira does not know us: the API token has expired, or the mail address is not its owner's")
        data = answer.data if isinstance(answer.data, dict) else {}
        errors = data.get("errors") if isinstance(data.get("errors"), dict) else {}
        told = [str(one) for one in (*(data.get("errorMessages") or ()), *(data.get("warningMessages") or ()))]
        if answer.status == 404:
            self.who()
            raise NotThere(f"{path}: {'; '.join(told) or 'Jira has no such thing'}")
        if answer.status == 403:
            raise NotAllowed(f"{path}: {'; '.join(told)}: check the rights of our account at Jira")
        if errors or told or answer.status >= 400:
            raise Errors({str(name): str(why) for name, why in (errors or {}).items()}, told)
        return answer.data


def pages(ask: Any, path: str, params: Mapping[str, Any], name: str = "values") -> Iterator[Any]:
    """What all pages of a list hold; a page may be shorter than it was asked to be."""
    start = 0
    while True:
        page = ask(path, {**params, "startAt": start})
        found = page.get(name) or []
        yield from found
        start += len(found)
        if not found or page.get("isLast") or start >= page.get("total", start + 1):
            return


def local(since: datetime, zone: ZoneInfo) -> datetime:
    """A moment on the wall clock of a zone; where that clock shows an hour twice, an hour earlier.

    >>> from datetime import UTC
    >>> local(datetime(2026, 11, 1, 5, 30, tzinfo=UTC), ZoneInfo("America/New_York")).strftime("%H:%M")
    '00:30'
    """
    there = since.astimezone(zone)
    first, second = there.replace(fold=0).utcoffset(), there.replace(fold=1).utcoffset()
    if first is None or second is None or first == second:
        return there
    return (since - (first - second)).astimezone(zone)
