"""Reads the catalogue of a Request Tracker: queues, possible owners, categories, and what our account lacks.

It uses two clients: REST, and RT's own pages for the one list that REST does not have. Nothing is written.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from deskyard.connectors.base.connection_url import ConnectionUrl
from deskyard.connectors.base.http_client import HttpClient
from deskyard.connectors.base.ticket_store import Health
from deskyard.domain.catalogue import Catalogue
from deskyard.errors import AccessDenied, NotFound, StoreError, StoreRefused

TOKEN_PATTERN: Final = re.compile(r"[0-9]+-([0-9]+)-[0-9a-f]+")
"""The format of RT's tokens; the second part is the number of the owner."""

_UTC: Final = ("UTC", "GMT", "Etc/UTC")


def fetch_account(http: HttpClient, login: str) -> Mapping[str, Any]:
    """A user of RT. Raises NotFound."""
    found: Mapping[str, Any] = http.get(f"/user/{quote(login, safe='')}").data
    return found


def check_zone(user: Mapping[str, Any]) -> None:
    """Raise AccessDenied unless RT interprets times for this user in UTC."""
    if user.get("Timezone") not in _UTC:
        raise AccessDenied(
            f"set the time zone of {user.get('Name')!r} in RT to UTC (Admin, Users): RT interprets the times of a "
            "query in the user's time zone, and changes in between would be missed"
        )


def fetch_owners(pages: HttpClient, queue: str) -> list[str]:
    """The possible owners of tickets in a queue, as RT's own page lists them. Raises StoreRefused for a page that shows
    something else."""
    params = {"limit": f"RT::Queue-{queue}", "term": "", "max": 10_000, "return": "Name"}
    found = pages.get("/Helpers/Autocomplete/Owners", params).data
    if not isinstance(found, list):
        raise StoreRefused("assignee", f"{pages.base} shows a page instead of the list of owners")
    return [one["value"] for one in found if one["value"] != "Nobody"]


def fetch_catalogue(http: HttpClient, pages: HttpClient, priorities: tuple[str, ...], field: str) -> Catalogue:
    """The queues that are not disabled, their owners, and the values of the custom field for categories."""
    queues = {one["Name"]: str(one["id"]) for one in _iterate_pages(http, "/queues/all", "Name")}
    agents: dict[str, list[str]] = {}
    for queue, number in sorted(queues.items()):
        for agent in fetch_owners(pages, number):
            agents.setdefault(agent, []).append(queue)
    served = {name: tuple(names) for name, names in agents.items()}
    return Catalogue({name: {} for name in queues}, served, priorities, _fetch_categories(http, field))


def check_health(http: HttpClient, pages: HttpClient, url: ConnectionUrl, fields: Mapping[str, str]) -> Health:
    """Version, login, and what our account lacks, as far as it is visible; `fields`: option → custom field."""
    version = str(http.get("/rt").data.get("Version", ""))
    try:
        me = fetch_account(http, url.user)
    except NotFound:
        return Health(version, "", None, (f"RT has no user {url.user!r}: write the login of deskyard's account",))
    return Health(version, str(me.get("Name", "")), None, tuple(_find_missing(http, pages, url, me, fields)))


class NameCache:
    """Names of queues and users by number, cached; the number itself if RT does not show the name."""

    def __init__(self, http: HttpClient) -> None:
        """Every name is read once."""
        self._http = http
        self._cache: dict[tuple[str, str], str] = {}

    def __call__(self, kind: str, number: str) -> str:
        """The name of a "queue" or "user"."""
        if (kind, number) not in self._cache:
            try:
                name = str(self._http.get(f"/{kind}/{number}").data.get("Name") or number)
            except (NotFound, AccessDenied):
                name = number
            self._cache[kind, number] = name
        return self._cache[kind, number]


def _find_missing(
    http: HttpClient, pages: HttpClient, url: ConnectionUrl, me: Mapping[str, Any], fields: Mapping[str, str]
) -> Iterator[str]:
    token = TOKEN_PATTERN.fullmatch(url.secret)
    if "id" not in me or (token and token[1] != str(me["id"])):
        yield f"the token does not belong to {url.user!r}: write the login of its owner"
    else:
        try:
            check_zone(me)
        except AccessDenied as error:
            yield str(error)
    if str(me.get("Privileged")) != "1":
        yield f"{url.user!r} is not privileged: tick 'Let this user be granted rights'"
    found = list(_iterate_pages(http, "/queues/all", "Name,_hyperlinks"))
    if not found:
        yield "it sees no queue: grant it SeeQueue, ShowTicket and the rights in docs/connectors/request-tracker.md"
    shut = [one["Name"] for one in found if not any(link.get("ref") == "create" for link in one["_hyperlinks"])]
    if shut:
        few = ", ".join(shut[:5]) + (f" and {len(shut) - 5} more" if len(shut) > 5 else "")
        yield f"RT lets nobody move a ticket into a queue without CreateTicket there: grant it in {few}"
    try:
        if found:
            fetch_owners(pages, str(found[0]["id"]))
    except (StoreError, ValueError) as error:
        yield f"the possible owners of tickets can't be read ({error}): let deskyard's account reach RT's pages, too"
    for option, name in fields.items():
        if not fetch_custom_fields(http, name):
            yield f"it sees no custom field {name!r} ({option}=) for tickets: create it, or grant SeeCustomField"


def fetch_custom_fields(http: HttpClient, name: str) -> list[Mapping[str, Any]]:
    """The custom fields of that name that tickets may have, with their values."""
    if not name:
        return []
    filters = [{"field": "Name", "value": name}, {"field": "LookupType", "value": "RT::Queue-RT::Ticket"}]
    found = http.query("POST", "/customfields", params={"per_page": 100}, json=filters).data["items"]
    return [http.get(f"/customfield/{one['id']}").data for one in found]


def _fetch_categories(http: HttpClient, field: str) -> tuple[str, ...] | None:
    values: set[str] = set()
    for one in fetch_custom_fields(http, field):
        if one.get("Type") != "Select":
            return None
        values |= {value["name"] if isinstance(value, dict) else value for value in one.get("Values") or ()}
    return tuple(sorted(values))


def _iterate_pages(http: HttpClient, path: str, fields: str) -> Iterator[Mapping[str, Any]]:
    """The items of all pages of a list. RT leaves out what we may not see, so only an empty page is the last."""
    page = 1
    while True:
        found = http.get(path, {"fields": fields, "per_page": 100, "page": page, "orderby": "id"}).data
        yield from found["items"]
        if not found["items"] or page == found.get("pages"):
            return
        page += 1
