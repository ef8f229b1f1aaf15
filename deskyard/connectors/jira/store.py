"""Jira Service Management (Cloud) as a ticket store: issues of service projects.

    jira:https://bot%40acme.com:TOKEN@acme.atlassian.net?project=HELP&queue=components

A queue in Jira is a saved search, so routing sets the field that the searches use: `components`, or a custom field with
a single choice (`customfield_10050`, also a team). Issues are read, edited and commented through the platform's REST
API (version 3). The status is never set: that takes a transition, and every workflow has its own.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any, ClassVar, Final, Self
from urllib.parse import quote

from deskyard.connectors.base import incremental_pull, webhooks
from deskyard.connectors.base.connection_url import ConnectionUrl
from deskyard.connectors.base.http_client import HttpClient
from deskyard.connectors.base.incremental_pull import ChangedRef
from deskyard.connectors.base.remote_store import RemoteStore, find_overwritten
from deskyard.connectors.base.ticket_store import (
    Capabilities,
    Delivery,
    FieldValues,
    Health,
    Move,
    StoredTicket,
    TicketPage,
    WebhookEvent,
)
from deskyard.connectors.jira import adf, issue_mapping, site_catalogue
from deskyard.connectors.jira.client import JiraClient, JiraErrors, iterate_pages, to_local
from deskyard.connectors.jira.issue_mapping import FieldMapping
from deskyard.connectors.jira.site_catalogue import JiraSite
from deskyard.domain.catalogue import Catalogue
from deskyard.errors import AccessDenied, BadInput, NotFound, StoreUnreachable

SEARCH_DELAY: Final = timedelta(minutes=4)
"""How long Jira's search may miss a change, beyond the overlap of every pull; its makers say seconds to minutes."""

BATCH_SIZE: Final = 100
"""Issues of one bulk read; the most that Jira allows."""

REQUIRED_PERMISSIONS: Final = {
    "BROWSE_PROJECTS": "Browse projects",
    "EDIT_ISSUES": "Edit issues",
    "ASSIGN_ISSUES": "Assign issues",
    "ADD_COMMENTS": "Add comments",
}
"""Permissions that our account needs in every project → their names on Jira's pages."""

_FIELD: Final = re.compile(r"components|customfield_[0-9]+")
_CATEGORY: Final = re.compile(r"|issuetype|components|customfield_[0-9]+")
_KEY: Final = re.compile(r"[A-Z][A-Z0-9_]+")
_EVENTS: Final = ("jira:issue_created", "jira:issue_updated", "comment_created", "comment_updated")
_EVENT_KEYS: Final = ("issue", "comment", "user")
_INTERNAL: Final = [{"key": "sd.public.comment", "value": {"internal": True}}]


class JiraStore(RemoteStore):
    """Issues of a Jira Cloud site. Options of its URL: `project` (keys, separated by commas; default: every service
    project that our account sees), `queue` (the field behind the queues; default: `components`), `category`
    (`issuetype` or a custom field; default: none), and `mails` (`yes`: Jira notifies its users of our edits)."""

    caps: ClassVar[Capabilities] = Capabilities(
        settable_fields=frozenset({"queue", "category", "priority", "assignee"}),
        atomic_writes=True,
        reports_people=True,
        tags=True,
        notes=True,
        moves=True,
        webhooks=True,
        signed_webhooks=True,
    )
    options = ("project", "queue", "category", "mails")
    time_step = timedelta(minutes=1)

    def __init__(self, url: ConnectionUrl, http: HttpClient) -> None:
        """No request is made yet. Raises BadInput for options that are not project keys or fields."""
        super().__init__(url, http)
        keys = url.options.get("project", "").upper().split(",")
        self._projects = tuple(filter(None, (key.strip() for key in keys)))
        self._queue = url.options.get("queue") or "components"
        self._category = url.options.get("category", "")
        self._mails = url.options.get("mails") == "yes"
        self._client = JiraClient(http)
        self._site: JiraSite | None = None
        if not all(map(_KEY.fullmatch, self._projects)):
            raise BadInput("write a project as its key, as in project=HELP; separate several by commas")
        if not _FIELD.fullmatch(self._queue) or not _CATEGORY.fullmatch(self._category):
            raise BadInput("write a field by its id: components or customfield_10050 (for category: issuetype, too)")
        if not self._category:
            vars(self)["caps"] = replace(self.caps, settable_fields=self.caps.settable_fields - {"category"})

    @classmethod
    def from_url(cls, url: ConnectionUrl) -> Self:
        """The store of an account, with its mail address and API token."""
        return cls(url, HttpClient(url.url, auth=(url.user, url.secret), secrets=[url.secret]))

    def check_account(self) -> Health:
        """Our account, and the permissions that it lacks."""
        me = self._client.fetch_account()
        server = self._client.query("/serverInfo")
        missing = []
        if server.get("deploymentType") not in ("Cloud", None):
            missing.append("this is Jira Data Center, whose API differs: deskyard supports Jira Cloud")
        site = self._load_site()
        missing += [f"our account sees no project {key}" for key in self._projects if key not in site.projects]
        if not site.projects:
            missing.append("our account sees no service project: give it Browse projects, or name one by project=KEY")
        for key, is_service in site.projects.items():
            required = REQUIRED_PERMISSIONS | ({"SERVICEDESK_AGENT": "Service project agent"} if is_service else {})
            params = {"projectKey": key, "permissions": ",".join(required)}
            rights = self._client.query("/mypermissions", params).get("permissions") or {}
            lacking = [name for right, name in required.items() if not (rights.get(right) or {}).get("havePermission")]
            if lacking:
                missing.append(f"our account lacks in {key}: {', '.join(lacking)}")
        if site.projects and not site.queues:
            missing.append(
                f"the field {self._queue} offers nothing to choose: fill it, put it on the create screens, and give "
                f"our account Create issues, without which Jira does not list it"
            )
        return Health(str(server.get("version") or ""), me.name, None, tuple(missing))

    def fetch_catalogue(self) -> Catalogue:
        """Queues, agents, priorities and categories."""
        self._client.fetch_account()
        self._site = site_catalogue.load_site(self._client.query, self._projects, self._queue, self._category)
        return self._site.catalogue()

    def pull(self, cursor: str | None, limit: int) -> TicketPage:
        """The tickets that changed since the cursor, with a longer overlap: Jira's search shows changes late."""
        now = datetime.now(UTC) + timedelta(seconds=self.http.skew or 0.0) - SEARCH_DELAY
        return incremental_pull.read_page(cursor, limit, now, self.list_changes, self.fetch_many, self.time_step)

    def list_changes(self, since: datetime, n: int) -> Iterator[ChangedRef]:
        """Changes by the time that the search knows, queried in minutes of our account's time zone.

        Our account is fetched first, because to an expired token Jira answers with status 200 and no results.
        """
        me = self._client.fetch_account()
        projects = self._projects or tuple(self._load_site().projects)
        if not projects:
            raise AccessDenied("our account at Jira sees no service project: give it the right Browse projects")
        keys = ", ".join(f'"{key}"' for key in projects)
        local = to_local(since, me.zone)
        jql = f'project in ({keys}) AND updated >= "{local:%Y-%m-%d %H:%M}" ORDER BY updated ASC, key ASC'
        params = {"jql": jql, "fields": "updated", "maxResults": min(max(n, 1), 1000)}
        token, seen = "", set()
        while token not in seen:
            seen.add(token)
            page = self._client.query("/search/jql", params | ({"nextPageToken": token} if token else {}))
            for one in _order_by_search(page.get("issues") or (), since):
                if one.at >= since:
                    yield one
            token = page.get("nextPageToken") or ""
            if not token or page.get("isLast"):
                return
        raise StoreUnreachable("Jira returns the same pages again and again")

    def fetch(self, ref: str) -> StoredTicket:
        """The issue, with its changelog and comments."""
        return issue_mapping.to_stored_ticket(self._fetch_issue(ref), self._field_mapping())

    def fetch_many(self, refs: list[str]) -> dict[str, StoredTicket]:
        """Issues by key, a hundred per request."""
        mapping, found = self._field_mapping(), {}
        for start in range(0, len(refs), BATCH_SIZE):
            body = {
                "issueIdsOrKeys": refs[start : start + BATCH_SIZE],
                "fields": self._fields(),
                "expand": ["changelog"],
                "properties": [issue_mapping.CHANNEL],
            }
            answer = self._client.query_post("/issue/bulkfetch", body)
            if not answer.get("issues"):
                self._client.fetch_account()
            for issue in answer.get("issues") or ():
                if issue.get("key") in refs:
                    found[issue["key"]] = issue_mapping.to_stored_ticket(self._complete_issue(issue), mapping)
            failed = {str(one.get("id")) for one in answer.get("issueErrors") or ()}
            found |= super().fetch_many([ref for ref in body["issueIdsOrKeys"] if ref in failed])
        return found

    def fetch_moves(self, ref: str) -> list[Move]:
        """The moves in the changelog."""
        return issue_mapping.parse_moves(self._fetch_issue(ref), self._field_mapping())

    def find_overwritten(self, seen: StoredTicket, now: StoredTicket, values: FieldValues) -> FieldValues:
        """Found in the changelog that was read with the ticket."""
        return find_overwritten(issue_mapping.parse_moves(now.raw, self._field_mapping()), seen, values)

    def write(self, seen: StoredTicket, values: FieldValues, delivery: Delivery) -> Mapping[str, str]:
        """One edit, which Jira carries out completely or not at all.

        The note is added separately: it is not documented that an edit respects the property that hides a comment from
        customers.
        """
        site = self._load_site()
        fields = {self._field_id(name): self._edit_value(site, name, value) for name, value in values.items()}
        update = {"labels": [{"add": tag} for tag in delivery.add_tags]} if delivery.add_tags else {}
        if not fields and not update:
            return {}
        try:
            self._edit(seen.ref, {"fields": fields, "update": update})
        except JiraErrors as error:
            self.invalidate_catalogue()
            names = {self._field_id(name): name for name in values} | {"labels": "add_tags"}
            named = {names[key]: reason for key, reason in error.fields.items() if key in names}
            others = "; ".join(
                [*error.messages, *(f"{key}: {reason}" for key, reason in error.fields.items() if key not in names)]
            )
            rest = others or f"not written: Jira writes all or nothing, and refused {', '.join(named)}"
            return dict.fromkeys(values, rest) | named
        return {}

    def add_note(self, ref: str, text: str) -> None:
        """Add an internal comment; one that Jira shows to customers nevertheless is deleted at once."""
        path = f"/issue/{quote(ref, safe='')}/comment"
        try:
            made = self._client.send("POST", path, json={"body": adf.text_to_adf(text), "properties": _INTERNAL})
        except JiraErrors as error:
            raise AccessDenied(f"Jira accepts no note: {error}; give our account Add comments") from error
        if isinstance(made, dict) and made.get("jsdPublic") and self._load_site().projects.get(ref.rpartition("-")[0]):
            self._client.send("DELETE", f"{path}/{quote(str(made.get('id')), safe='')}")
            raise AccessDenied("Jira showed our note to the customer, so it was deleted: make our account an agent")

    def parse_events(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> list[WebhookEvent]:
        """The event of a webhook, which is signed with HMAC-SHA256 over the body, including the time."""
        secret = self.url.options.get("hook_secret", "")
        webhooks.check_signature(secret, headers.get("x-hub-signature", "").strip().removeprefix("sha256="), raw)
        event = webhooks.parse_body(raw)
        webhooks.check_age(webhooks.parse_timestamp(str(event.get("timestamp") or "")), now)
        issue, comment, user = (found if isinstance(found := event.get(name), dict) else {} for name in _EVENT_KEYS)
        ref = str(issue.get("key") or "")
        in_projects = not self._projects or ref.rpartition("-")[0] in self._projects
        if event.get("webhookEvent") not in _EVENTS or not ref or not in_projects:
            return []
        by = user or comment.get("updateAuthor") or comment.get("author") or {}
        me, name = self._client.account, headers.get("x-atlassian-webhook-identifier")
        name = name or webhooks.make_event_id(event["timestamp"], event["webhookEvent"], ref)
        return [WebhookEvent(name, ref, by_deskyard=me is not None and by.get("accountId") == me.account)]

    def _load_site(self) -> JiraSite:
        """The site, cached together with the catalogue."""
        self.catalogue()
        if self._site is None:
            raise AssertionError("unreachable")
        return self._site

    def _field_mapping(self) -> FieldMapping:
        me = self._client.account or self._client.fetch_account()
        return FieldMapping(self._load_site(), self._queue, self._category, me.account)

    def _fields(self) -> list[str]:
        site = self._load_site()
        more = (self._queue, self._category, site.organisations, site.request_type)
        return sorted({*issue_mapping.ISSUE_FIELDS, *filter(None, more)})

    def _field_id(self, field: str) -> str:
        """Jira's id of a field of ours."""
        return {"queue": self._queue, "category": self._category}.get(field, field)

    def _edit_value(self, site: JiraSite, name: str, value: str | None) -> Any:
        """A value in the form of an edit; a person's value that is restored may be missing from the catalogue."""
        if value is None:
            return [] if self._field_id(name) == "components" else None
        if name == "assignee":
            return {"accountId": site.accounts.get(value, value.rpartition("(")[2].rstrip(")"))}
        if name == "priority":
            return {"name": site.priorities.get(value, value)}
        known = (site.queues if name == "queue" else site.categories) or {}
        if self._field_id(name) == "components":
            return known.get(value) or [{"name": one} for one in value.split(", ")]
        return known.get(value) or {"name" if self._field_id(name) == "issuetype" else "value": value}

    def _edit(self, ref: str, body: Mapping[str, Any]) -> None:
        """Edit an issue, without notifications if Jira allows that: only project administrators may suppress them, and
        for others Jira refuses the whole edit."""
        path = f"/issue/{quote(ref, safe='')}"
        if not self._mails:
            try:
                self._client.send("PUT", path, params={"notifyUsers": "false"}, json=body)
                return
            except AccessDenied:
                pass
            except JiraErrors as error:
                if error.fields or "notification" not in str(error):
                    raise
        self._client.send("PUT", path, json=body)
        self._mails = True

    def _fetch_issue(self, ref: str) -> Mapping[str, Any]:
        """The complete issue. Raises NotFound, also for one that was moved and has another key now."""
        params = {"fields": ",".join(self._fields()), "expand": "changelog", "properties": issue_mapping.CHANNEL}
        issue = self._client.query(f"/issue/{quote(ref, safe='')}", params)
        key = str(issue.get("key") or "")
        if ref not in (key, issue.get("id")) and ref.upper() != key:
            raise NotFound(f"{ref} was moved to another project of Jira, and is now {key}")
        return self._complete_issue(issue)

    def _complete_issue(self, issue: dict[str, Any]) -> dict[str, Any]:
        """The issue with all entries of its changelog and all comments, some of which Jira leaves out of a response."""
        path = f"/issue/{quote(str(issue.get('key')), safe='')}"
        log = issue.get("changelog") or {}
        if (log.get("total") or 0) > len(log.get("histories") or ()):
            issue = issue | {
                "changelog": {"histories": list(iterate_pages(self._client.query, f"{path}/changelog", {}))}
            }
        comment = (issue.get("fields") or {}).get("comment") or {}
        if (comment.get("total") or 0) > len(comment.get("comments") or ()):
            found = {"comments": list(iterate_pages(self._client.query, f"{path}/comment", {}, "comments"))}
            issue = issue | {"fields": issue["fields"] | {"comment": found}}
        return issue


def _order_by_search(issues: Sequence[Mapping[str, Any]], since: datetime) -> list[ChangedRef]:
    """Changes by the times of the search: an issue with a later time than its successors changed after indexing."""
    shown = [issue_mapping.parse_moment((one.get("fields") or {}).get("updated")) or since for one in issues]
    moments = list(accumulate(reversed(shown), min))[::-1]
    return [ChangedRef(at, str(one["key"])) for at, one in zip(moments, issues, strict=True)]
