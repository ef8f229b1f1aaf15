"""Loads what a Jira site has: queues, agents, priorities, categories, and how each is written in the API.

`load_site` returns a `JiraSite` in which all names are unique. Nothing is written.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from deskyard.connectors.jira.client import iterate_pages
from deskyard.domain.catalogue import Catalogue
from deskyard.domain.ticket import PRIORITIES

Query = Callable[[str, Mapping[str, Any]], Any]
"""A path below `/rest/api/3` and its parameters → the JSON there."""

PRIORITY_NAMES: Final = {
    "critical": ("highest", "critical", "urgent", "blocker", "p1"),
    "high": ("high", "major", "p2"),
    "medium": ("medium", "normal", "p3"),
    "low": ("low", "minor", "lowest", "trivial", "p4", "p5"),
}
"""Our priority → Jira's names of it in lower case, the preferred one first."""

_PRIORITY_LABELS: Final = {name: ours for ours, names in PRIORITY_NAMES.items() for name in names}
_CLOSED: Final = re.compile(r"clos|cancel|declin|reject", re.I)
_WAITING: Final = re.compile(r"waiting for customer|pending|on hold|awaiting", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class JiraSite:
    """A site as it is now. `queues` and `categories`: name → value in the API. `priorities`: ours → Jira's name.

    `names` and `accounts`: account id → unique name, and back. `queues_by_agent`: name → queues. `statuses`: id → ours.
    `projects`: key → whether it is a service project. `fields`: id → name. `organisations` and `request_type`: ids of
    these fields, "" if there is none.
    """

    projects: Mapping[str, bool]
    queues: Mapping[str, Any]
    categories: Mapping[str, Any] | None
    names: Mapping[str, str]
    accounts: Mapping[str, str]
    queues_by_agent: Mapping[str, tuple[str, ...]]
    priorities: Mapping[str, str]
    statuses: Mapping[str, str]
    fields: Mapping[str, str] = field(default_factory=dict)
    organisations: str = ""
    request_type: str = ""

    def catalogue(self) -> Catalogue:
        """The catalogue of the site."""
        known = tuple(ours for ours in PRIORITIES if ours in self.priorities)
        categories = () if self.categories is None else tuple(self.categories)
        return Catalogue({name: {} for name in self.queues}, self.queues_by_agent, known, categories)

    def person_name(self, account: str | None, display_name: str | None) -> str | None:
        """Our name of a person: that of the catalogue, else the display name, with the account if it is not unique."""
        if account is not None and account in self.names:
            return self.names[account]
        return f"{display_name} ({account})" if display_name in self.accounts else display_name or account


def load_site(query: Query, projects: Collection[str], queue: str, category: str) -> JiraSite:
    """Load a site; `projects` are keys, or none for every service project that our account sees."""
    found = list(
        iterate_pages(query, "/project/search", {"keys": list(projects)} if projects else {"typeKey": "service_desk"})
    )
    kinds = {str(one["key"]): one.get("projectTypeKey") == "service_desk" for one in found}
    fields = {str(one.get("id")): one for one in query("/field", {})}
    queues_by_project = {key: _field_values(query, key, queue, fields) for key in kinds}
    people = {key: _assignable_users(query, key) for key in kinds}
    names = _unique_names({account: one for found in people.values() for account, one in found.items()})
    served: dict[str, dict[str, None]] = {}
    for key, accounts in people.items():
        for account in accounts:
            served.setdefault(names[account], {}).update(dict.fromkeys(queues_by_project[key]))
    return JiraSite(
        projects=kinds,
        queues={name: value for values in queues_by_project.values() for name, value in values.items()},
        categories=_load_categories(query, kinds, category, fields) if category else None,
        names=names,
        accounts={name: account for account, name in names.items()},
        queues_by_agent={name: tuple(sorted(queues)) for name, queues in served.items()},
        priorities=_load_priorities(query, [str(one["id"]) for one in found if one.get("id")]),
        statuses={str(one.get("id")): map_status(one, None) for one in query("/status", {})},
        fields={number: str(one.get("name") or number) for number, one in fields.items()},
        organisations=_field_id_of_type(fields, "sd-customer-organizations"),
        request_type=_field_id_of_type(fields, "vp-origin"),
    )


def map_status(status: Any, resolution: Any) -> str:
    """Our status for a status of Jira; "" if its category is none of Jira's three.

    >>> map_status({"name": "Pending", "statusCategory": {"key": "indeterminate"}}, None)
    'waiting'
    >>> map_status({"name": "Fertig", "statusCategory": {"key": "done"}}, None), map_status({"name": "New"}, None)
    ('resolved', '')
    """
    status = status if isinstance(status, Mapping) else {}
    name, category = str(status.get("name") or ""), status.get("statusCategory") or {}
    key = category.get("key") if isinstance(category, Mapping) else None
    if key == "done" or (resolution and key != "done"):
        return "closed" if _CLOSED.search(name) else "resolved"
    if key in ("new", "indeterminate") and _WAITING.search(name):
        return "waiting"
    return {"new": "new", "indeterminate": "open"}.get(str(key), "")


def map_priority(name: str | None) -> str | None:
    """Our priority for the name of one of Jira's; None if it is unknown.

    >>> map_priority("Highest"), map_priority("lowest"), map_priority("Whenever")
    ('critical', 'low', None)
    """
    return _PRIORITY_LABELS.get((name or "").strip().lower())


def _assignable_users(query: Query, project: str) -> dict[str, Mapping[str, Any]]:
    """Account id → user. Jira searches at most a thousand users."""
    found = query("/user/assignable/search", {"project": project, "maxResults": 1000})
    return {
        str(one["accountId"]): one
        for one in found
        if one.get("accountId") and one.get("active", True) and one.get("accountType") not in ("app", "customer")
    }


def _unique_names(people: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Account id → display name, with the mail address (or the id) if several have the same."""
    shown = {account: str(one.get("displayName") or account) for account, one in people.items()}
    common = Counter(shown.values())
    names = {
        account: name if common[name] == 1 else f"{name} ({people[account].get('emailAddress') or account})"
        for account, name in shown.items()
    }
    common = Counter(names.values())
    return {account: name if common[name] == 1 else f"{shown[account]} ({account})" for account, name in names.items()}


def _load_priorities(query: Query, projects: list[str]) -> dict[str, str]:
    theirs = {}
    for one in iterate_pages(query, "/priority/search", {"projectId": projects}):
        name = str(one.get("name") or "")
        theirs[name.strip().lower()] = name
    return {
        ours: next(theirs[name] for name in names if name in theirs)
        for ours, names in PRIORITY_NAMES.items()
        if not theirs.keys().isdisjoint(names)
    }


def _load_categories(
    query: Query, projects: Collection[str], field_name: str, fields: Mapping[str, Any]
) -> dict[str, Any]:
    return {name: value for key in projects for name, value in _field_values(query, key, field_name, fields).items()}


def _field_values(query: Query, project: str, field_name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Display name → value in the API, for the values of a field that may be chosen in a project."""
    key = quote(project, safe="")
    if field_name == "components":
        found = query(f"/project/{key}/components", {})
        return {str(one["name"]): [{"name": one["name"]}] for one in found if one.get("name")}
    if _is_team(fields.get(field_name)):
        # createmeta does not list teams; the suggestions of JQL for the field are all of them.
        found = query("/jql/autocompletedata/suggestions", {"fieldName": f"cf[{field_name.rpartition('_')[2]}]"})
        teams = [one for one in found.get("results") or () if one.get("value") and one.get("displayName")]
        return {re.sub(r"<[^>]*>", "", str(one["displayName"])): one["value"] for one in teams}
    types = [
        one
        for one in iterate_pages(query, f"/issue/createmeta/{key}/issuetypes", {}, "issueTypes")
        if not one.get("subtask")
    ]
    if field_name == "issuetype":
        return {str(one["name"]): {"name": one["name"]} for one in types if one.get("name")}
    values: dict[str, Any] = {}
    for one in types:
        path = f"/issue/createmeta/{key}/issuetypes/{quote(str(one['id']), safe='')}"
        for meta in iterate_pages(query, path, {"maxResults": 200}, "fields"):
            if field_name in (meta.get("fieldId"), meta.get("key")):
                values |= _allowed_options(meta)
    return values


def _allowed_options(meta: Mapping[str, Any]) -> dict[str, Any]:
    """Display name → value in the API, for a field whose metadata lists the allowed values."""
    values: dict[str, Any] = {}
    for one in meta.get("allowedValues") or ():
        attribute = "value" if one.get("value") else "name"
        if one.get(attribute) and not one.get("disabled"):
            chosen = {attribute: one[attribute]}
            values[str(one[attribute])] = [chosen] if _schema_value(meta, "type") == "array" else chosen
    return values


def _schema_value(meta: Any, name: str) -> str:
    found = meta.get("schema") if isinstance(meta, Mapping) else None
    return str(found.get(name) or "") if isinstance(found, Mapping) else ""


def _is_team(meta: Any) -> bool:
    return _schema_value(meta, "type") == "team" or _schema_value(meta, "custom").endswith(
        (":atlassian-team", "-field-team")
    )


def _field_id_of_type(fields: Mapping[str, Any], kind: str) -> str:
    """The id of the field with this type of an app, whatever its name; "" if there is none."""
    return next((number for number, one in fields.items() if _schema_value(one, "custom").endswith(f":{kind}")), "")
