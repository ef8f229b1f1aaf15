"""The descriptions of vendors' APIs catch deviations, leave nothing open, and cover what the fakes offer."""

import json
from dataclasses import replace

import httpx2
import pytest
from fastapi import FastAPI, Response
from fastapi.routing import APIRoute
from jsonschema import Draft202012Validator

from tests.fakes import jira, zammad_api, zendesk_api
from tests.fakes.jira_site import Jira
from tests.fakes.serving import served
from tests.fakes.wire_check import ON_PURPOSE, Checked, Exchange, described
from tests.fakes.zammad import Zammad
from tests.fakes.zendesk import Zendesk

FAKES = {
    "jira": lambda: jira.api(Jira()),
    "zammad": lambda: zammad_api.api(Zammad()),
    "zendesk": lambda: zendesk_api.api(Zendesk()),
}
JSON = {"content-type": "application/json"}


def exchange(method, path, kind, *, query="", body=None, status=200, answer=None):
    """An exchange as it goes over the wire; no body and no answer are empty."""
    raw, result = (b"" if one is None else json.dumps(one).encode() for one in (body, answer))
    headers = {"authorization": kind} | (JSON if raw else {})
    return Exchange(method, path, query, headers, raw, status, JSON if result else {}, result)


BASIC, TOKEN = "Basic eDp5", "Token token=x"
ISSUE = {"id": "1", "key": "HELP-1", "fields": {"updated": "2026-11-23T10:15:00.000+0100"}}
GROUP = {"id": 1, "name": "Network", "deleted": False}
PAGE = {"groups": [GROUP], "meta": {"has_more": False}, "links": {}}
TICKET = {"id": 7, "created_at": "2026-11-23T10:15:00.000Z", "updated_at": "2026-11-23T10:15:00.000Z"}
NOTE = {"body": "Sorted.", "content_type": "text/plain", "type": "note", "internal": True}
LABEL = {"update": {"labels": [{"add": "sorted"}]}}

JIRA_SEARCH = exchange("GET", "/rest/api/3/search/jql", BASIC, query="jql=x&maxResults=50", answer={"issues": [ISSUE]})
JIRA_EDIT = exchange("PUT", "/rest/api/3/issue/HELP-1", BASIC, query="notifyUsers=false", body=LABEL, status=204)
JIRA_KEYS = exchange(
    "POST", "/rest/api/3/issue/bulkfetch", BASIC, body={"issueIdsOrKeys": ["HELP-1"]},
    answer={"issues": [ISSUE], "issueErrors": []},
)  # fmt: skip
ZENDESK_GROUPS = exchange("GET", "/api/v2/groups", BASIC, query="page%5Bsize%5D=100", answer=PAGE)
ZENDESK_EXPORT = exchange(
    "GET", "/api/v2/incremental/tickets/cursor", BASIC, query="start_time=1770000000&per_page=1000",
    answer={"tickets": [], "after_cursor": None, "end_of_stream": True},
)  # fmt: skip
ZENDESK_TAGS = exchange("PUT", "/api/v2/tickets/7/tags", BASIC, body={"tags": ["vip"]}, answer={"tags": ["vip"]})
ZENDESK_PUT = exchange(
    "PUT", "/api/v2/tickets/7", BASIC, body={"ticket": {"comment": {"body": "Sorted.", "public": False}}},
    status=409, answer={"error": "UpdateConflict", "description": "changed meanwhile"},
)  # fmt: skip
ZAMMAD_SEARCH = exchange("GET", "/api/v1/tickets/search", TOKEN, query="per_page=200&expand=true", answer=[TICKET])
ZAMMAD_PUT = exchange("PUT", "/api/v1/tickets/7", TOKEN, body={"group_id": 2, "article": NOTE}, answer=TICKET)
ZAMMAD_TAG = exchange(
    "POST", "/api/v1/tags/add", TOKEN, body={"object": "Ticket", "o_id": 7, "item": "vip"}, status=201, answer=True
)
GOOD = {
    "jira": (JIRA_SEARCH, JIRA_EDIT, JIRA_KEYS),
    "zendesk": (ZENDESK_GROUPS, ZENDESK_EXPORT, ZENDESK_TAGS, ZENDESK_PUT),
    "zammad": (ZAMMAD_SEARCH, ZAMMAD_PUT, ZAMMAD_TAG),
}


def sent(good, body):
    return replace(good, body=json.dumps(body).encode())


def answered(good, answer, status=200):
    return replace(good, answer=json.dumps(answer).encode(), status=status)


WRONG = {
    "unknown parameter": [
        ("jira", replace(JIRA_SEARCH, query="jql=x&startAt=0"), "'startAt' was unexpected"),
        ("zendesk", replace(ZENDESK_GROUPS, query="per_page=100"), "'per_page' was unexpected"),
        ("zammad", replace(ZAMMAD_SEARCH, query="limit=5"), "'limit' was unexpected"),
        ("zammad", replace(ZAMMAD_PUT, query="expand=true"), "'expand' was unexpected"),
    ],
    "parameter of a wrong type": [
        ("jira", replace(JIRA_SEARCH, query="jql=x&maxResults=many"), "'many' is not of type 'integer'"),
        ("jira", replace(JIRA_EDIT, query="notifyUsers=0"), "'0' is not of type 'boolean'"),
        ("jira", replace(JIRA_SEARCH, query="jql=x&jql=y"), "['x', 'y'] is not of type 'string'"),
    ],
    "parameter out of its range": [
        ("jira", replace(JIRA_SEARCH, query="jql=x&maxResults=5001"), "5001 is greater than the maximum of 5000"),
        ("zendesk", replace(ZENDESK_GROUPS, query="page%5Bsize%5D=101"), "101 is greater than the maximum of 100"),
        ("zammad", replace(ZAMMAD_SEARCH, query="per_page=201"), "201 is greater than the maximum of 200"),
    ],
    "missing parameter": [
        ("jira", replace(JIRA_SEARCH, query="maxResults=5"), "'jql' is a required property"),
        (
            "zendesk",
            replace(ZENDESK_EXPORT, query="per_page=5"),
            "is not valid under any of the given schemas",
        ),
    ],
    "unknown member": [
        ("jira", sent(JIRA_EDIT, {**LABEL, "transition": {}}), "'transition' was unexpected"),
        ("zendesk", sent(ZENDESK_PUT, {"ticket": {"status": "solved"}}), "'status' was unexpected"),
        ("zammad", sent(ZAMMAD_PUT, {"state_id": 4}), "'state_id' was unexpected"),
    ],
    "member of a wrong type": [
        ("jira", sent(JIRA_EDIT, {"fields": {"priority": "High"}}), "fields.priority 'High' is not valid under any"),
        ("zendesk", sent(ZENDESK_PUT, {"ticket": {"group_id": "7"}}), "'7' is not of type 'integer', 'null'"),
        ("zendesk", sent(ZENDESK_PUT, {"ticket": {"priority": "critical"}}), "'critical' is not one of"),
        ("zammad", sent(ZAMMAD_PUT, {"group_id": True}), "True is not of type 'integer'"),
    ],
    "missing member": [
        ("jira", sent(JIRA_KEYS, {"fields": ["summary"]}), "'issueIdsOrKeys' is a required property"),
        ("zendesk", sent(ZENDESK_PUT, {"ticket": {"comment": {"body": "x"}}}), "'public' is a required property"),
        ("zendesk", sent(ZENDESK_PUT, {"ticket": {"safe_update": True}}), "'updated_stamp' is a dependency of"),
        ("zammad", sent(ZAMMAD_TAG, {"object": "Ticket", "o_id": 7}), "'item' is a required property"),
    ],
    "too long": [
        ("jira", sent(JIRA_EDIT, {"update": {"labels": [{"add": "x" * 256}]}}), "is too long"),
        ("jira", sent(JIRA_KEYS, {"issueIdsOrKeys": ["HELP-1"] * 101}), "is too long"),
        (
            "zendesk",
            sent(ZENDESK_PUT, {"ticket": {"comment": {"body": "x" * 65_536, "public": False}}}),
            "is too long",
        ),
        ("zammad", sent(ZAMMAD_TAG, {"object": "Ticket", "o_id": 7, "item": "x" * 251}), "is too long"),
    ],
    "no such endpoint": [
        ("jira", replace(JIRA_EDIT, method="PATCH"), "no such endpoint is described"),
        ("zendesk", replace(ZENDESK_GROUPS, path="/api/v2/groups/1"), "no such endpoint is described"),
        ("zammad", replace(ZAMMAD_SEARCH, path="/api/v1/organizations"), "no such endpoint is described"),
    ],
    "name in the path": [
        ("jira", replace(JIRA_EDIT, path="/rest/api/3/issue/HELP%20x"), "path ref: $ 'HELP x' does not match"),
        ("zendesk", replace(ZENDESK_PUT, path="/api/v2/tickets/x"), "path number: $ 'x' does not match"),
        ("zammad", replace(ZAMMAD_PUT, path="/api/v1/tickets/..%2Fusers"), "path key: $ '../users' does not match"),
    ],
    "head and form": [
        ("jira", replace(JIRA_SEARCH, headers={}), "authorization is missing"),
        ("zammad", replace(ZAMMAD_SEARCH, headers={"authorization": "Bearer x"}), "authorization is missing"),
        ("jira", replace(JIRA_EDIT, headers={"authorization": BASIC}), "it is not called application/json"),
        ("jira", replace(JIRA_EDIT, body=b"{"), "request body: it is no JSON"),
        ("jira", replace(JIRA_EDIT, body=b""), "request body: it is no JSON"),
        ("jira", replace(JIRA_SEARCH, body=b"{}"), "request body: none is taken"),
    ],
    "answer": [
        ("jira", answered(JIRA_SEARCH, {"issues": [{**ISSUE, "mood": 1}]}), "'mood' was unexpected"),
        ("jira", answered(JIRA_SEARCH, {"issues": [{**ISSUE, "id": 1}]}), "1 is not of type 'string'"),
        ("jira", answered(JIRA_SEARCH, {}), "'issues' is a required property"),
        ("jira", answered(JIRA_SEARCH, {}, 418), "answer 418: no such status is described"),
        ("jira", answered(JIRA_EDIT, {}, 204), "answer 204: it has a body"),
        ("jira", answered(JIRA_SEARCH, {"errors": {}}, 400), "'errorMessages' is a required property"),
        ("zendesk", answered(ZENDESK_GROUPS, {**PAGE, "groups": [{**GROUP, "id": "1"}]}), "'1' is not of type"),
        ("zendesk", answered(ZENDESK_PUT, {"error": "x"}, 422), "'description' is a required property"),
        ("zammad", answered(ZAMMAD_PUT, {**TICKET, "mood": 1}), "'mood' does not match any"),
        ("zammad", answered(ZAMMAD_PUT, {**TICKET, "title": "x" * 251}), "is too long"),
    ],
    "moment": [
        (
            "jira",
            answered(JIRA_SEARCH, {"issues": [{**ISSUE, "fields": {"updated": "2026-11-23T10:15:00Z"}}]}),
            "does not match",
        ),
        (
            "zammad",
            answered(ZAMMAD_PUT, {**TICKET, "updated_at": "2026-13-23T10:15:00.000Z"}),
            "is not a 'date-time'",
        ),
    ],
}  # fmt: skip


@pytest.mark.parametrize("vendor", FAKES)
def test_a_right_exchange_is_no_breach(vendor):
    for good in GOOD[vendor]:
        assert described(vendor).breaches(good) == []


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_exchange_is_one_breach_that_says_where(what):
    for vendor, wrong, result in WRONG[what]:
        breaches = described(vendor).breaches(wrong)
        assert [breach for breach in breaches if result in breach and wrong.path in breach], (result, breaches)
        assert len(breaches) == 1, breaches


@pytest.mark.parametrize("vendor", FAKES)
def test_the_description_and_the_fake_cover_the_same_endpoints(vendor):
    offered = [
        f"{method} {route.path}"
        for route in FAKES[vendor]().routes
        if isinstance(route, APIRoute)
        for method in route.methods
    ]
    assert sorted(offered) == sorted(described(vendor).endpoints)


def schemas(schema):
    """A schema and all that stand in it, those that it refers to excepted."""
    if not isinstance(schema, dict):
        return
    yield schema
    inner = [schema[name] for name in ("items", "additionalProperties") if name in schema]
    inner += [one for name in ("properties", "patternProperties") for one in schema.get(name, {}).values()]
    inner += [one for name in ("allOf", "anyOf", "oneOf") for one in schema.get(name, [])]
    for one in inner:
        yield from schemas(one)


@pytest.mark.parametrize("vendor", FAKES)
def test_a_description_is_right_json_schema_and_each_object_names_its_members(vendor):
    reported = described(vendor).told
    tops = {**reported["$defs"], **reported["path"], "refusal": reported["refusal"]}
    for name, endpoint in reported["endpoints"].items():
        assert endpoint.keys() <= {"query", "body", "answers", "refusals"}, name
        parts = {**endpoint["answers"], "query": endpoint.get("query"), "body": endpoint.get("body")}
        tops |= {f"{name} {part}": schema for part, schema in parts.items() if schema is not None}
    for schema in tops.values():
        Draft202012Validator.check_schema(schema)
    closed = {"additionalProperties", "unevaluatedProperties"}
    left_open = {
        name for name, top in tops.items() for one in schemas(top) if "properties" in one and not closed & {*one}
    }
    # What several objects share is closed by each schema that refers to it.
    assert left_open == {"jira": {"paged"}, "zendesk": {"ticketFields"}}.get(vendor, set())
    unused = [name for name in reported["$defs"] if f'"#/$defs/{name}"' not in json.dumps(reported)]
    assert unused == []


def test_breaches_on_either_side_are_seen_between_server_and_client():
    app = FastAPI()
    answers = {"accountId": "1", "displayName": "Ann", "active": True}

    @app.get("/rest/api/3/myself")
    def myself():
        return answers

    @app.put("/rest/api/3/issue/{ref}")
    def edit(ref: str):
        return Response(status_code=204)

    @app.get("/rest/api/3/serverInfo")
    def wrong():
        return Response("{}", media_type="application/json", headers=ON_PURPOSE)

    checked = Checked(app, described("jira"))
    with served(checked) as base, httpx2.Client(base_url=base, headers={"Authorization": BASIC}) as client:
        client.get("/rest/api/3/myself")
        client.put("/rest/api/3/issue/HELP-1", json=LABEL)
        client.get("/rest/api/3/serverInfo")
        assert (checked.broken, checked.seen) == ([], 3)
        client.put("/rest/api/3/issue/HELP-1", json={"fields": "x"})
        client.get("/rest/api/3/serverInfo?verbose=yes")
        answers["active"] = "yes"
        client.get("/rest/api/3/myself")
        client.get("/rest/api/3/myself")
    assert checked.broken == [
        "PUT /rest/api/3/issue/HELP-1: request body: $.fields 'x' is not of type 'object'",
        "GET /rest/api/3/serverInfo: query: $ Additional properties are not allowed ('verbose' was unexpected)",
        *["GET /rest/api/3/myself: answer 200: $.active 'yes' is not of type 'boolean'"] * 2,
    ]
