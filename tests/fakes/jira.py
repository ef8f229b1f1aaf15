"""The part of Jira Cloud's REST API (platform, v3) that deskyard uses, over a `jira_site.Jira`.

Requests and answers follow `wire/jira.json` (`wire_check` compares each); an answer that breaks it on purpose says so
in a header.
"""

import base64
import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from tests.fakes.jira_site import MAIL, ORGANISATIONS, QUEUE_FIELD, REQUEST_TYPE, TEAM_FIELD, US, Refused
from tests.fakes.serving import lent
from tests.fakes.wire_check import ON_PURPOSE

ROOT = "/rest/api/3"
ADF = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
JQL = re.compile(
    r'project in \(("[A-Z0-9_]+"(?:, "[A-Z0-9_]+")*)\) AND updated >= "([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2})"'
    r" ORDER BY updated ASC, key ASC"
)


@lent
def api(site):
    """The app."""
    app = FastAPI()

    @app.middleware("http")
    async def who_asks(request: Request, call_next):
        """A wrong or expired token is no error where a stranger may ask, too: he just sees nothing."""
        path = request.url.path.removeprefix(ROOT)
        site.asked[request.method, path] += 1
        known = base64.b64encode(f"{MAIL}:{site.token}".encode()).decode()
        if request.headers.get("authorization") == f"Basic {known}":
            return await call_next(request)
        headers = {"X-Seraph-Loginreason": "AUTHENTICATED_FAILED"} if site.tells_bad_tokens else {}
        if path == "/search/jql":
            return JSONResponse({"issues": [], "isLast": True}, headers=headers)
        if path.startswith("/issue/bulkfetch"):
            return JSONResponse({"issues": [], "issueErrors": []}, headers=headers)
        if path.startswith("/issue/"):
            return _error(Refused(404, None, "Issue does not exist or you do not have permission to see it."), headers)
        if path.startswith(("/field", "/status", "/serverInfo")):
            return await call_next(request)
        return _error(Refused(401, None, "Client must be authenticated to access this resource."), headers)

    @app.exception_handler(Refused)
    def refused(request, error):
        return _error(error)

    def when(at):
        """As Jira writes it: milliseconds, and an offset without a colon, in the site's zone."""
        local = at.astimezone(site.site_zone)
        return f"{local:%Y-%m-%dT%H:%M:%S}.{local.microsecond // 1000:03d}{local:%z}"

    def user(account, *, mail=True):
        if account is None:
            return None
        one = site.users[account]
        shown = {"accountId": account, "displayName": one["displayName"], "active": one["active"]}
        if site.bare:
            return shown
        shown["accountType"] = one["accountType"]
        return {**shown, "emailAddress": one["emailAddress"]} if mail and one["emailAddress"] else shown

    def status(name):
        number, category = site.statuses.get(name, ("999", "undefined"))
        return {"id": number, "name": name, "statusCategory": {"id": 4, "key": category, "name": category}}

    def history(entry):
        items = [
            {key: value for key, value in item.items() if key != "fieldId" or not site.leaves_out_field_ids}
            for item in entry["items"]
        ]
        return {"id": entry["id"], "author": user(entry["by"]), "created": when(entry["at"]), "items": items}

    def comment(entry):
        return {
            "id": entry["id"], "author": user(entry["by"]), "updateAuthor": user(entry["by"]), "body": entry["body"],
            "created": when(entry["at"]), "updated": when(entry["at"]), "jsdPublic": entry["public"],
        }  # fmt: skip

    def values(issue):
        """All fields, as a person with all rights sees them."""
        comments = issue["comments"][: site.comments_shown]
        found = {
            "summary": issue["summary"],
            "description": issue["description"],
            "created": when(issue["created"]),
            "updated": when(issue["updated"]),
            "project": {"id": "10000", "key": issue["key"].partition("-")[0], "projectTypeKey": "service_desk"},
            "components": [
                {"id": site.components.get(name, "0"), "name": name} for name in sorted(issue["components"])
            ],
            "issuetype": {"id": site.types[issue["issuetype"]], "name": issue["issuetype"], "subtask": False},
            "priority": issue["priority"] and {
                "id": site.priorities.get(issue["priority"], "99"), "name": issue["priority"],
            },
            "assignee": user(issue["assignee"]),
            "reporter": user(issue["reporter"]),
            "status": status(issue["status"]),
            "resolution": issue["resolution"] and {"id": "1", "name": issue["resolution"]},
            "labels": sorted(issue["labels"]),
            QUEUE_FIELD: issue[QUEUE_FIELD] and {"id": site.options[issue[QUEUE_FIELD]], "value": issue[QUEUE_FIELD]},
            TEAM_FIELD: issue[TEAM_FIELD] and {"id": site.teams[issue[TEAM_FIELD]], "name": issue[TEAM_FIELD]},
            REQUEST_TYPE: {"requestType": {"id": "31", "name": issue[REQUEST_TYPE]}},
            ORGANISATIONS: [{"id": "1", "name": name} for name in issue[ORGANISATIONS]],
            "comment": {
                "comments": [comment(one) for one in comments], "total": len(issue["comments"]), "startAt": 0,
                "maxResults": len(comments),
            },
        }  # fmt: skip
        if site.bare:
            return {name: found[name] for name in ("summary", "updated", "status")}
        return found

    def shown(issue, fields, expand, properties, most):
        found = {name: value for name, value in values(issue).items() if name in fields or "*all" in fields}
        bean = {"id": issue["id"], "key": issue["key"], "fields": found}
        if "changelog" in expand:
            newest = [history(one) for one in reversed(issue["history"])][:most]
            bean["changelog"] = {
                "startAt": 0, "maxResults": most, "total": len(issue["history"]), "histories": newest,
            }  # fmt: skip
        if "request.channel.type" in properties:
            bean["properties"] = {"request.channel.type": {"value": issue["channel"]}}
        return bean

    def page(found, start, size, name="values"):
        part = found[start : start + size]
        ends = {"isLast": start + size >= len(found)} if name == "values" else {}
        return {"startAt": start, "maxResults": size, "total": len(found), name: part, **ends}

    @app.get(ROOT + "/serverInfo")
    def server_info():
        return {
            "baseUrl": "https://acme.atlassian.net", "version": "1001.0.0-SNAPSHOT", "deploymentType": site.deployment,
            "serverTimeZone": str(site.site_zone), "serverTime": when(datetime.now(UTC)),
        }  # fmt: skip

    @app.get(ROOT + "/myself")
    def myself():
        return {**user(US), **({"timeZone": site.our_zone} if site.our_zone else {})}

    @app.get(ROOT + "/mypermissions")
    def rights(permissions: str, projectKey: str):
        keys = permissions.split(",")
        return {"permissions": {key: {"key": key, "havePermission": key in site.rights} for key in keys}}

    @app.get(ROOT + "/project/search")
    def projects(request: Request):
        keys = request.query_params.getlist("keys")
        found = [{"id": "10000", "key": "HELP", "name": "Help", "projectTypeKey": "service_desk"}]
        return page([one for one in found if one["key"] in keys or not keys], 0, 50)

    @app.get(ROOT + "/project/{key}/components")
    def components(key: str):
        return [{"id": number, "name": name} for name, number in site.components.items()]

    @app.get(ROOT + "/user/assignable/search")
    def assignable(project: str, startAt: int = 0, maxResults: int = 50):
        found = [user(account) for account, one in site.users.items() if one["assignable"]]
        return found[startAt : startAt + maxResults]

    @app.get(ROOT + "/priority/search")
    def priorities(startAt: int = 0, maxResults: int = 50):
        found = [{"id": number, "name": name} for name, number in site.priorities.items()]
        return page(found, startAt, min(maxResults, 3))

    @app.get(ROOT + "/status")
    def statuses():
        return [status(name) for name in site.statuses]

    @app.get(ROOT + "/field")
    def fields():
        servicedesk, types = "com.atlassian.servicedesk", "com.atlassian.jira.plugin.system.customfieldtypes"
        return [
            {"id": "summary", "name": "Summary", "custom": False, "schema": {"type": "string", "system": "summary"}},
            {
                "id": QUEUE_FIELD, "name": "Support queue", "custom": True, "clauseNames": ["cf[10050]"],
                "schema": {"type": "option", "custom": f"{types}:select"},
            },
            {
                "id": TEAM_FIELD, "name": "Team", "custom": True, "clauseNames": ["cf[10001]", "Team", "Team[Team]"],
                "schema": {"type": "team", "custom": f"{types}:atlassian-team"},
            },
            {
                "id": REQUEST_TYPE, "name": "Request Type", "custom": True,
                "schema": {"type": "sd-customerrequesttype", "custom": f"{servicedesk}:vp-origin"},
            },
            {
                "id": ORGANISATIONS, "name": "Organizations", "custom": True,
                "schema": {"type": "array", "items": "sd-customerorganization",
                           "custom": f"{servicedesk}:sd-customer-organizations"},
            },
        ]  # fmt: skip

    @app.get(ROOT + "/issue/createmeta/{key}/issuetypes")
    def issue_types(key: str, startAt: int = 0, maxResults: int = 50):
        found = [{"id": number, "name": name, "subtask": False} for name, number in site.types.items()]
        found.append({"id": "10009", "name": "Sub-task", "subtask": True})
        return page(found, startAt, maxResults, "issueTypes")

    @app.get(ROOT + "/issue/createmeta/{key}/issuetypes/{kind}")
    def fields_of_type(key: str, kind: str, startAt: int = 0, maxResults: int = 50):
        plain = {"required": False, "operations": ["set"], "hasDefaultValue": False}
        found = [
            {**plain, "fieldId": "summary", "key": "summary", "name": "Summary", "schema": {"type": "string"}},
            {
                **plain, "fieldId": QUEUE_FIELD, "key": QUEUE_FIELD, "name": "Support queue",
                "schema": {"type": "option"},
                "allowedValues": [{"id": number, "value": name} for name, number in site.options.items()],
            },
            {**plain, "fieldId": TEAM_FIELD, "key": TEAM_FIELD, "name": "Team", "schema": {"type": "team"}},
        ]  # fmt: skip
        return page(found, startAt, min(maxResults, 2), "fields")

    @app.get(ROOT + "/jql/autocompletedata/suggestions")
    def suggestions(fieldName: str):
        if fieldName != "cf[10001]":
            raise Refused(400, None, f"there is no field {fieldName}")
        return {"results": [{"value": number, "displayName": name} for name, number in site.teams.items()]}

    @app.get(ROOT + "/search/jql")
    def search(jql: str, fields: str = "id", maxResults: int = 50, nextPageToken: str = ""):
        query = JQL.fullmatch(jql)
        if query is None:
            raise Refused(400, None, f"Error in the JQL Query: {jql}")
        keys = re.findall(r"\w+", query[1])
        local = datetime.strptime(query[2], "%Y-%m-%d %H:%M").replace(
            tzinfo=ZoneInfo(site.our_zone or str(site.site_zone)), fold=site.fold
        )
        after = base64.b64decode(nextPageToken).decode() if nextPageToken else ""
        with site.lock:
            found = sorted(
                (f"{at.timestamp():020.6f} {number}", at, site.issues[number])
                for number, at in site.known_to_search().items()
                if site.issues[number]["key"].partition("-")[0] in keys and at >= local
            )
        rest = [one for one in found if one[0] > after]
        part = rest[: min(maxResults, site.page_size)]
        issues = [
            {
                "id": issue["id"],
                "key": issue["key"],
                "fields": {"updated": when(site.shows_instead.get(issue["id"], at))},
            }
            for _, at, issue in part
        ]
        answer = {"issues": issues, "isLast": len(part) == len(rest)}
        if not answer["isLast"]:
            answer["nextPageToken"] = base64.b64encode(part[-1][0].encode()).decode()
        if site.says_no_with_200:
            return _wrong({"errorMessages": ["the search is busy"], "warningMessages": [], "errors": {}})
        return answer

    @app.post(ROOT + "/issue/bulkfetch")
    async def bulk(request: Request):
        request_body = await request.json()
        found = []
        for ref in request_body["issueIdsOrKeys"]:
            try:
                issue = site.find(ref)
            except Refused:
                continue
            found.append(
                shown(
                    issue,
                    request_body["fields"],
                    request_body["expand"],
                    request_body["properties"],
                    site.bulk_changelog_shown,
                )
            )
        return {"issues": sorted(found, key=lambda one: int(one["id"])), "issueErrors": []}

    @app.get(ROOT + "/issue/{ref}")
    def read(ref: str, fields: str = "*all", expand: str = "", properties: str = ""):
        with site.lock:
            return shown(site.find(ref), fields.split(","), expand, properties, site.changelog_shown)

    @app.get(ROOT + "/issue/{ref}/changelog")
    def changelog(ref: str, startAt: int = 0, maxResults: int = 100):
        return page([history(one) for one in site.find(ref)["history"]], startAt, min(maxResults, site.changelog_shown))

    @app.get(ROOT + "/issue/{ref}/comment")
    def comments(ref: str, startAt: int = 0, maxResults: int = 100):
        return page([comment(one) for one in site.find(ref)["comments"]], startAt, min(maxResults, 100), "comments")

    @app.post(ROOT + "/issue/{ref}/comment", status_code=201)
    async def say(ref: str, request: Request):
        request_body = await request.json()
        site.find(ref)
        if "ADD_COMMENTS" not in site.rights:
            raise Refused(400, None, "You do not have the permission to comment on this issue.")
        if not isinstance(request_body.get("body"), dict) or request_body["body"].get("type") != "doc":
            raise Refused(400, {"comment": ADF})
        properties = {one["key"]: one["value"] for one in request_body.get("properties", ())}
        internal = properties.get("sd.public.comment", {}).get("internal", False) and not site.makes_notes_public
        return comment(site.say(ref, request_body["body"], US, internal))

    @app.delete(ROOT + "/issue/{ref}/comment/{number}", status_code=204)
    def unsay(ref: str, number: str):
        issue = site.find(ref)
        issue["comments"] = [one for one in issue["comments"] if one["id"] != number]
        return Response(status_code=204)

    @app.put(ROOT + "/issue/{ref}")
    async def edit(ref: str, request: Request, notifyUsers: bool = True):
        request_body = await request.json()
        with site.lock:
            if site.between is not None:
                site.between, then = None, site.between
                then()
            issue = site.find(ref)
            if not notifyUsers and not site.rights & {"ADMINISTER_PROJECTS", "ADMINISTER"}:
                message = "To discard the user notification either admin or project admin permissions are required."
                raise Refused(403, None, message)
            if site.conflicts:
                site.conflicts -= 1
                raise Refused(409, None, "The issue was changed by somebody else.")
            if site.says_no_with_200:
                return _wrong({"errorMessages": ["the issue is being indexed"], "errors": {}})
            new_values = _edited(site, issue, request_body)
            site.edits[issue["key"]] += 1
            site.set(ref, {name: value for name, value in new_values.items() if name not in site.drops}, US)
        return Response(status_code=204)

    return app


def _edited(site, issue, asked):
    """What the fields become; refuses all if one can't."""
    new_values, errors = {}, dict(site.refuses)
    for name, value in asked.get("fields", {}).items():
        if name == "components":
            names = [one["name"] for one in value]
            unknown = [one for one in names if one not in site.components]
            errors |= {name: f"Component name '{unknown[0]}' is not valid"} if unknown else {}
            new_values[name] = names
        elif name == "assignee":
            account = value and value["accountId"]
            someone = site.users.get(account, {})
            if account is not None and not (someone.get("assignable") and someone["active"]):
                errors[name] = f"User '{account}' cannot be assigned issues."
            new_values[name] = account
        elif name in ("priority", "issuetype", QUEUE_FIELD):
            known = {"priority": site.priorities, "issuetype": site.types, QUEUE_FIELD: site.options}[name]
            chosen = value and value.get("value" if name == QUEUE_FIELD else "name")
            errors |= {name: f"The {name} selected is invalid."} if chosen not in (None, *known) else {}
            new_values[name] = chosen
        elif name == TEAM_FIELD:
            names = [team for team, number in site.teams.items() if number == value]
            errors |= {name: f"Team id '{value}' is not valid."} if value and not names else {}
            new_values[name] = names[0] if names else None
        else:
            errors[name] = f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."
    for name, operations in asked.get("update", {}).items():
        tags = [one.get("add") for one in operations]
        if name != "labels" or None in tags:
            errors[name] = "Field can't be updated so."
        elif any(" " in tag for tag in tags):
            errors[name] = f"The label '{tags[0]}' contains spaces which is invalid."
        else:
            new_values[name] = sorted({*issue["labels"], *tags})
    if errors:
        raise Refused(400, errors)
    return new_values


def _error(error, headers=None):
    body = {"errorMessages": error.messages, "errors": error.errors}
    return JSONResponse(body, status_code=error.status, headers=headers)


def _wrong(body):
    return JSONResponse(body, headers=ON_PURPOSE)
