"""The API of the fake Zammad: the paths of `/api/v1` that the connector may use, and no others.

Requests and answers follow `wire/zammad.json` (`wire_check` compares each). It is stricter than the real Zammad, which
accepts unknown parameters and fields. Answers have all members of real ones.
"""

from datetime import datetime

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from tests.fakes.serving import lent
from tests.fakes.wire_check import ON_PURPOSE
from tests.fakes.zammad import CUSTOMER, NOBODY, TOKEN, US, Refused, stamp

UPDATED = "condition[ticket.updated_at]"


@lent
def api(desk):
    """The app."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.exception_handler(Refused)
    async def refused(_, error):
        return JSONResponse(error.body, error.status)

    @app.exception_handler(HTTPException)
    async def unknown(_, error):
        return JSONResponse({"error": "No route matches"}, error.status_code)

    def authorize(request):
        desk.asked.append((request.method, request.url.path, dict(request.query_params)))
        if request.headers.get("authorization") != f"Token token={TOKEN}":
            raise Refused(401, "Invalid BasicAuth credentials")
        if request.url.path.removeprefix("/api/v1/") in desk.forbids:
            raise Refused(403, "Not authorized")
        return request.query_params

    @app.get("/api/v1/users/me")
    def me(request: Request):
        authorize(request)
        return user(desk, US)

    @app.get("/api/v1/version")
    def version(request: Request):
        authorize(request)
        return {"version": "6.5.2-1763650000.abcdef"}

    @app.get("/api/v1/users/search")
    def people(request: Request):
        params = authorize(request)
        if not desk.finds:
            raise Refused(404, "No route matches")
        found = [key for key, one in desk.users.items() if key != NOBODY and set(one["role_ids"]) - {CUSTOMER}]
        return [user(desk, key) for key in found][: int(params.get("limit", 10))]

    @app.get("/api/v1/users/{key}")
    def person(request: Request, key: int):
        authorize(request)
        if key not in desk.users:
            raise Refused(404, f"Couldn't find User with 'id'={key}")
        return user(desk, key)

    @app.get("/api/v1/groups")
    def groups(request: Request):
        params = authorize(request)
        return paged(params, [group(desk, key) for key in desk.groups])

    @app.get("/api/v1/roles")
    def roles(request: Request):
        params = authorize(request)
        return paged(params, [{"id": key, "name": name, "active": True, "group_ids": rights, "permission_ids": [1]}
                             for key, (name, rights) in desk.roles.items()])  # fmt: skip

    @app.get("/api/v1/ticket_priorities")
    def priorities(request: Request):
        params = authorize(request)
        return paged(params, [{"id": key, "name": name, "active": active, "default_create": key == 2, "note": None}
                             for key, (name, active) in desk.priorities.items()])  # fmt: skip

    @app.get("/api/v1/ticket_states")
    def states(request: Request):
        params = authorize(request)
        rows = [{"id": key, "name": name, "state_type_id": 1, "state_type": desk.types.get(key, "somewhere new"),
                 "active": True} for key, name in desk.states.items()]  # fmt: skip
        return paged(params, rows)

    @app.get("/api/v1/object_manager_attributes")
    def attributes(request: Request):
        authorize(request)
        rows = [{"name": "title", "data_type": "input", "active": True, "data_option": {"type": "text"}}]
        rows += [{"name": name, **one} for name, one in desk.attributes.items()]
        return [{"id": n, "object": "Ticket", "display": row["name"].title(), **row} for n, row in enumerate(rows, 1)]

    @app.get("/api/v1/tickets/search")
    def search(request: Request):
        params = authorize(request)
        if not desk.searches:
            raise Refused(422, "Invalid search")
        with desk.lock:
            found = sorted(desk.tickets, key=lambda key: (stamp(desk.tickets[key]["updated_at"]), key))
            if desk.searches == "all":
                return paged(params, [ticket(desk, key) for key in reversed(found)], 200)
            if (params["sort_by"], params["order_by"]) != ("updated_at,id", "asc,asc"):
                raise Refused(500, "Found invalid column for sorting.")
            if params[f"{UPDATED}[operator]"] != "after (absolute)":
                raise Refused(500, "Invalid condition, operator is invalid")
            since = datetime.fromisoformat(params[f"{UPDATED}[value]"])
            found = [key for key in found if datetime.fromisoformat(stamp(desk.tickets[key]["updated_at"])) >= since]
            return paged(params, [ticket(desk, key) for key in found], 200)

    @app.get("/api/v1/tickets")
    def tickets(request: Request):
        params = authorize(request)
        return paged(params, [ticket(desk, key) for key in sorted(desk.tickets)], 100)

    @app.get("/api/v1/tickets/{key}")
    def show(request: Request, key: int):
        authorize(request)
        return ticket(desk, one(desk, key))

    @app.get("/api/v1/ticket_articles/by_ticket/{key}")
    def articles(request: Request, key: int):
        authorize(request)
        return [article(desk, key, row) for row in desk.articles[one(desk, key)]]

    @app.get("/api/v1/tags")
    def tags(request: Request):
        params = authorize(request)
        return {"tags": list(desk.tickets[one(desk, int(params["o_id"]))]["tags"])}

    @app.get("/api/v1/ticket_history/{key}")
    def history(request: Request, key: int):
        authorize(request)
        rows = desk.history[one(desk, key)]
        hands = {str(row["created_by_id"]): user(desk, row["created_by_id"]) for row in rows}
        return {"history": rows, "assets": {"User": hands, "Ticket": {str(key): ticket(desk, key)}}}

    @app.put("/api/v1/tickets/{key}")
    async def update(request: Request, key: int):
        authorize(request)
        told = await request.json()
        with desk.lock:
            one(desk, key)
            if desk.says is not None:
                result, desk.says = desk.says, None
                return JSONResponse(result, headers=ON_PURPOSE)
            desk.change(key, {name: value for name, value in told.items() if name != "article"}, US)
            if told.get("article"):
                add(key, told["article"])
            return {**ticket(desk, key), "ticket_time_accounting_ids": []}

    @app.post("/api/v1/ticket_articles", status_code=201)
    async def note(request: Request):
        authorize(request)
        told = await request.json()
        key = one(desk, told.pop("ticket_id"))
        with desk.lock:
            add(key, told)
            return article(desk, key, desk.articles[key][-1])

    @app.post("/api/v1/tags/add", status_code=201)
    async def tag(request: Request):
        authorize(request)
        told = await request.json()
        known = {name for row in desk.tickets.values() for name in row["tags"]}
        if not desk.tag_new and told["item"] not in known:
            raise Refused(422, "tag creation is not allowed")
        desk.tag(one(desk, told["o_id"]), told["item"], US)
        return True

    def add(key, told):
        desk.say(key, told["body"], US, internal=told["internal"], kind=told["type"], content=told["content_type"])

    return app


def ticket(desk, key):
    """A ticket's whole row, names included as with `expand`."""
    one = desk.tickets[key]
    owner, state, priority = desk.users[one["owner_id"]], desk.states[one["state_id"]], desk.priorities
    row = {
        "id": key, "group_id": one["group_id"], "priority_id": one["priority_id"], "state_id": one["state_id"],
        "organization_id": 2, "number": f"22{key:03}", "title": one["title"], "owner_id": one["owner_id"],
        "customer_id": 6, "note": None, "first_response_at": None, "first_response_escalation_at": None,
        "first_response_in_min": None, "first_response_diff_in_min": None, "close_at": None,
        "close_escalation_at": None, "close_in_min": None, "close_diff_in_min": None, "update_escalation_at": None,
        "update_in_min": None, "update_diff_in_min": None, "last_close_at": None, "last_contact_at": None,
        "last_contact_agent_at": None, "last_contact_customer_at": None, "last_owner_update_at": None,
        "create_article_type_id": 1, "create_article_sender_id": 2, "article_count": len(desk.articles[key]),
        "escalation_at": None, "pending_time": None, "type": None, "time_unit": None, "preferences": {},
        "updated_by_id": one["updated_by_id"], "created_by_id": 6, "created_at": stamp(one["created_at"]),
        "updated_at": stamp(one["updated_at"]), "kind": one["kind"],
        "article_ids": [row["id"] for row in desk.articles[key]], "group": desk.groups[one["group_id"]]["name"],
        "owner": owner["login"], "priority": priority[one["priority_id"]][0], "state": state,
        "organization": "Acme", "customer": "req@example.test", "created_by": "req@example.test",
        "updated_by": desk.users[one["updated_by_id"]]["login"], "create_article_type": "email",
        "create_article_sender": "Customer",
    }  # fmt: skip
    return {name: row[name] for name in ("id", "created_at", "updated_at")} if desk.bare else row


def article(desk, key, one):
    by = desk.users[one["by"]]["login"]
    return {
        "id": one["id"], "ticket_id": key, "type_id": 10, "sender_id": 1, "from": by, "to": None, "cc": None,
        "subject": None, "reply_to": None, "message_id": None, "message_id_md5": None, "in_reply_to": None,
        "content_type": one["content_type"], "body": one["body"], "internal": one["internal"], "preferences": {},
        "updated_by_id": one["by"], "created_by_id": one["by"], "created_at": stamp(one["created_at"]),
        "updated_at": stamp(one["created_at"]), "attachments": [], "type": one["type"],
        "sender": "Customer" if one["by"] == 6 else "Agent", "created_by": by, "updated_by": by,
    }  # fmt: skip


def user(desk, key):
    return {"id": key, **desk.users[key], "organization_ids": [], "preferences": {}, "karma_user_ids": [],
            "created_at": "2026-01-01T00:00:00.000Z", "updated_at": "2026-01-01T00:00:00.000Z"}  # fmt: skip


def group(desk, key):
    return {"id": key, "signature_id": None, "email_address_id": None, "assignment_timeout": None, "note": None,
            "follow_up_possible": "yes", "follow_up_assignment": True, **desk.groups[key],
            "user_ids": [one for one, row in desk.users.items() if str(key) in row["group_ids"]]}  # fmt: skip


def one(desk, key):
    """The id, if there is such a ticket."""
    if key not in desk.tickets:
        raise Refused(404, f"Couldn't find Ticket with 'id'={key}")
    return key


def paged(asked, rows, most=500):
    size = min(int(asked.get("per_page", most)), most)
    start = (int(asked.get("page", 1)) - 1) * size
    return rows[start : start + size]
