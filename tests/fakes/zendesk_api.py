"""The API of the fake Zendesk: the paths that the connector may use, and no others.

Requests and answers follow `wire/zendesk.json` (`wire_check` compares each), so that the connector can't drift away
from the API. Answers have all members of real ones.
"""

import base64
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from tests.fakes.serving import lent
from tests.fakes.wire_check import ON_PURPOSE
from tests.fakes.zendesk import TOKEN, US, Refused, stamp


@lent
def api(desk):
    """The app."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.middleware("http")
    async def clocked(request, proceed):
        desk.asked.append((request.method, request.url.path, dict(request.query_params)))
        response = await proceed(request)
        response.headers["date"] = format_datetime(desk.now(), usegmt=True)
        response.headers.update({"X-Rate-Limit": "700", "X-Rate-Limit-Remaining": "699"})
        return response

    @app.exception_handler(Refused)
    async def refused(_, error):
        return JSONResponse(error.body, error.status)

    @app.exception_handler(HTTPException)
    async def unknown(_, error):
        return JSONResponse({"error": "InvalidEndpoint", "description": "Not found"}, error.status_code)

    @app.get("/api/v2/users/me")
    def me(request: Request):
        if not allowed(request):
            return {"user": {"id": None, "name": "Anonymous user", "email": "invalid@example.com", "role": "end-user"}}
        return {"user": user(desk, US)}

    @app.get("/api/v2/users")
    def users(request: Request):
        authorize(request)
        roles = request.query_params.getlist("role[]") or ["agent", "admin", "end-user"]
        return paged(request, "users", [user(desk, key) for key, one in desk.users.items() if one["role"] in roles])

    @app.get("/api/v2/groups")
    def groups(request: Request):
        authorize(request)
        return paged(request, "groups", [group(desk, key) for key in desk.groups])

    @app.get("/api/v2/group_memberships")
    def members(request: Request):
        authorize(request)
        rows = [
            {"id": 70_000 + n, "user_id": one, "group_id": other, "default": n == 0, "url": "https://x", "created_at":
             "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z"} for n, (one, other) in
            enumerate(sorted(desk.members)) if not desk.groups[other]["deleted"]
        ]  # fmt: skip
        return paged(request, "group_memberships", rows)

    @app.get("/api/v2/ticket_fields/{number}")
    def field(request: Request, number: int):
        authorize(request)
        if number not in desk.fields:
            raise Refused(404, "RecordNotFound", "Not found")
        return {"ticket_field": {"id": number, "url": "https://x", **desk.fields[number], "position": 1, "tag": None}}

    @app.get("/api/v2/incremental/tickets/cursor")
    def export(request: Request):
        authorize(request)
        if desk.users[US]["role"] != "admin":
            raise Refused(403, "Forbidden", "You do not have access to this page. Please contact the account owner.")
        desk.wait(desk.haste)
        with desk.lock:
            return exported(desk, request.query_params)

    @app.get("/api/v2/tickets/{number}")
    def show(request: Request, number: int):
        authorize(request)
        return {"ticket": ticket(desk, one(desk, number)), **beside(desk, [number])}

    @app.get("/api/v2/tickets/{number}/audits")
    def audits(request: Request, number: int):
        authorize(request)
        if number not in desk.audits:
            raise Refused(404, "RecordNotFound", "Not found")
        return paged(request, "audits", list(desk.audits[number]))

    @app.put("/api/v2/tickets/{number}")
    async def update(request: Request, number: int):
        authorize(request)
        body = (await request.json())["ticket"]
        with desk.lock:
            safe(desk, number, body)
            values = {key: body[key] for key in ("group_id", "assignee_id", "priority") if key in body}
            values |= {part["id"]: part["value"] for part in body.get("custom_fields", [])}
            if desk.says is not None:
                result, desk.says = desk.says, None
                return JSONResponse(result, headers=ON_PURPOSE)
            note = body.get("comment", {})
            desk.change(number, values, US, note=note.get("body"), public=note.get("public", True), channel="api")
            return {"ticket": ticket(desk, number), "audit": desk.audits[number][-1]}

    @app.put("/api/v2/tickets/{number}/tags")
    async def tag(request: Request, number: int):
        authorize(request)
        body = await request.json()
        with desk.lock:
            safe(desk, number, body)
            tags = desk.tickets[number]["tags"] | set(body["tags"])
            desk.change(number, {"tags": tags}, US, channel="api")
            return {"tags": sorted(tags)}

    return app


def exported(desk, asked):
    """A page of the export: rows by the moment at which they were noted, none of the last minute."""
    until = desk.now() - timedelta(seconds=desk.embargo)
    if "cursor" in asked:
        after = tuple(json.loads(base64.b64decode(asked["cursor"])))
    else:
        start = int(asked["start_time"])
        if start > until.timestamp():
            raise Refused(400, "InvalidValue", "Too recent start_time. Use a start_time older than 60 seconds")
        after = (start, 0)
    size = int(asked.get("per_page", 1000))
    rows = sorted((int(one["generated"].timestamp()), number) for number, one in desk.tickets.items())
    found = [row for row in rows if row > after and row[0] <= until.timestamp()]
    page = found[:size]
    last = base64.b64encode(json.dumps(page[-1] if page else after).encode()).decode()
    tickets = [{**ticket(desk, number), "generated_timestamp": at} for at, number in page]
    return {
        "tickets": [row for row in tickets for _ in range(2 if desk.twice else 1)],
        "after_url": f"https://account.zendesk.com/api/v2/incremental/tickets/cursor.json?cursor={last}",
        "after_cursor": last, "before_url": None, "before_cursor": None, "end_of_stream": len(found) <= size,
        **beside(desk, [number for _, number in page]),
    }  # fmt: skip


def ticket(desk, number):
    """A ticket's whole row."""
    one = desk.tickets[number]
    row = {
        "id": number, "url": f"https://account.zendesk.com/api/v2/tickets/{number}.json", "external_id": None,
        "via": {"channel": "email", "source": {"from": {}, "to": {}, "rel": None}}, "type": one["type"],
        "subject": one["subject"], "raw_subject": one["subject"], "description": one["description"],
        "priority": one["priority"], "status": one["status"], "recipient": "help@example.test",
        "requester_id": one["requester_id"], "submitter_id": one["requester_id"], "assignee_id": one["assignee_id"],
        "organization_id": 55, "group_id": one["group_id"], "collaborator_ids": [], "follower_ids": [],
        "email_cc_ids": [], "forum_topic_id": None, "problem_id": None, "has_incidents": False, "is_public": True,
        "due_at": None, "tags": sorted(one["tags"]), "satisfaction_rating": None, "sharing_agreement_ids": [],
        "custom_fields": [{"id": key, "value": value} for key, value in one["custom_fields"].items()],
        "fields": [{"id": key, "value": value} for key, value in one["custom_fields"].items()], "followup_ids": [],
        "ticket_form_id": 800, "custom_status_id": 1, "brand_id": 700, "allow_channelback": False,
        "allow_attachments": True, "from_messaging_channel": False,
        "created_at": stamp(one["created_at"]), "updated_at": stamp(one["updated_at"]),
    }  # fmt: skip
    kept = ("id", "subject", "status", "created_at", "updated_at")
    return {key: row[key] for key in kept} if desk.bare else row


def beside(desk, numbers):
    """Users, groups and organisations of these tickets."""
    if desk.bare:
        return {}
    rows = [desk.tickets[number] for number in numbers]
    people = {row[key] for row in rows for key in ("requester_id", "assignee_id") if row[key]}
    return {
        "users": [user(desk, key) for key in sorted(people)],
        "groups": [group(desk, key) for key in sorted({row["group_id"] for row in rows if row["group_id"]})],
        "organizations": [{"id": 55, "name": "Acme", "url": "https://x"}] if rows else [],
    }


def user(desk, key):
    one = desk.users[key]
    name = (one["email"] or "Somebody").partition("@")[0].title()
    return {"id": key, "name": name, "url": "https://x", **one, "default_group_id": None, "organization_id": None}


def group(desk, key):
    return {"id": key, "url": "https://x", "is_public": True, "default": False, "description": "", **desk.groups[key],
            "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z"}  # fmt: skip


def one(desk, number):
    """The number, if there is such a ticket."""
    if number not in desk.tickets or desk.tickets[number]["status"] == "deleted":
        raise Refused(404, "RecordNotFound", "Not found")
    return number


def safe(desk, number, told):
    """Refuse a change that is based on another second."""
    row = desk.tickets[one(desk, number)]
    if str(told.get("safe_update", "")).lower() != "true":
        return
    if datetime.fromisoformat(told["updated_stamp"]) != row["updated_at"].astimezone(UTC).replace(microsecond=0):
        raise Refused(409, "UpdateConflict", "Safe Update prevented the update due to outdated ticket data.")


def allowed(request):
    shown = request.headers.get("authorization", "")
    mine = base64.b64encode(f"deskyard@example.test/token:{TOKEN}".encode()).decode()
    return shown in (f"Basic {mine}", f"Bearer {TOKEN}")


def authorize(request):
    if not allowed(request):
        raise Refused(401, "Couldn't authenticate you", "Couldn't authenticate you")


def paged(request, name, rows):
    """A page by cursors."""
    size = int(request.query_params.get("page[size]", 100))
    start = int(base64.b64decode(request.query_params.get("page[after]", base64.b64encode(b"0").decode())))
    page = rows[start : start + size]
    after = base64.b64encode(str(start + len(page)).encode()).decode() if page else None
    more = start + size < len(rows)
    return {
        name: page,
        "meta": {"has_more": more, "after_cursor": after, "before_cursor": None},
        "links": {"next": f"https://account.zendesk.com{request.url.path}?page[after]={after}", "prev": None},
    }
