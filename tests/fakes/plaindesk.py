"""Plaindesk, a made-up help desk with a small REST API: the one of `docs/new-connector.md` and of the soak test.

It checks versions (If-Match → 412), signs its webhooks, and counts every write.
"""

import hashlib
import hmac
import itertools
import json
import threading
from collections import Counter
from datetime import UTC, datetime

from fastapi import FastAPI, Header, HTTPException, Request

from tests.fakes.serving import lent

SECRET = "plain-hook-secret"
TOKEN = "plain-token"
STATES = ("new", "open", "solved", "closed")


class Plaindesk:
    """The help desk in memory; `app` is its API."""

    def __init__(self):
        self.tickets = {}
        self.notes = {}
        self.queues = {"Inbox": True, "Network": True, "Billing": True, "Hardware": True}
        self.agents = {"ann": ["Network", "Billing"], "bob": ["Network"], "eve": ["Hardware"]}
        self.priorities = ["low", "normal", "high", "urgent"]
        self.writes = Counter()
        self.numbers = itertools.count(1)
        self.lock = threading.RLock()
        self.app = _api(self)

    def file(self, subject, body="", *, at=None, queue="Inbox", **labels):
        """A requester files a ticket."""
        with self.lock:
            ref, at = str(next(self.numbers)), at or datetime.now(UTC)
            self.tickets[ref] = {
                "id": ref, "version": 1, "subject": subject, "text": body, "from": "req@example.test",
                "created": at.isoformat(), "changed": at.isoformat(), "changed_by": "req", "state": "new",
                "queue": queue, "agent": None, "priority": None, "category": None, "log": [], **labels,
            }  # fmt: skip
            self.notes[ref] = []
            return ref

    def set(self, ref, values, by, version=None):
        """Somebody changes a ticket."""
        with self.lock:
            ticket = self.tickets[ref]
            if version is not None and version != ticket["version"]:
                raise HTTPException(412, "the ticket has changed")
            bad = [name for name in values if name not in ("queue", "agent", "priority", "category", "state")]
            bad += [name for name, known in self._known().items() if values.get(name) not in (None, *known)]
            if bad:
                raise HTTPException(422, f"no such {bad[0]}")
            ticket["log"] += [{"field": name, "to": value, "by": by} for name, value in values.items()]
            ticket.update(values, version=ticket["version"] + 1, changed=datetime.now(UTC).isoformat(), changed_by=by)
            self.writes[ref, by] += 1
            return ticket

    def _known(self):
        return {
            "queue": [name for name, is_open in self.queues.items() if is_open],
            "agent": self.agents,
            "priority": self.priorities,
            "state": STATES,
        }

    def say(self, ref, text, by):
        """Somebody leaves a note."""
        with self.lock:
            ticket = self.tickets[ref]
            self.notes[ref].append({"by": by, "text": text})
            ticket.update(version=ticket["version"] + 1, changed=datetime.now(UTC).isoformat(), changed_by=by)

    def hook(self, ref, at=None):
        """The webhook that tells of a ticket: headers and body."""
        moment = str(int((at or datetime.now(UTC)).timestamp()))
        ticket = self.tickets[ref]
        facts = {"event": f"{ref}-{ticket['version']}", "ticket": ref, "by": ticket["changed_by"]}
        raw = json.dumps(facts).encode()
        made = hmac.new(SECRET.encode(), moment.encode() + raw, hashlib.sha256).hexdigest()
        return {"X-Plain-Signature": made, "X-Plain-Time": moment, "Content-Type": "application/json"}, raw


@lent
def _api(desk):
    app = FastAPI()

    def who(authorization):
        if authorization != f"Bearer {TOKEN}":
            raise HTTPException(401, "who are you?")
        return "deskyard"

    def one(ref):
        if ref not in desk.tickets:
            raise HTTPException(404, "no such ticket")
        return desk.tickets[ref]

    @app.get("/api/me")
    def me(authorization: str = Header("")):
        return {"name": who(authorization), "version": "3.1"}

    @app.get("/api/catalogue")
    def catalogue(authorization: str = Header("")):
        who(authorization)
        return {
            "queues": [name for name, is_open in desk.queues.items() if is_open],
            "agents": desk.agents,
            "priorities": desk.priorities,
        }

    @app.get("/api/tickets")
    def changed(since: str, limit: int, authorization: str = Header("")):
        who(authorization)
        with desk.lock:
            found = [one for one in desk.tickets.values() if one["changed"] >= since]
        return sorted(found, key=lambda one: (one["changed"], one["id"]))[:limit]

    @app.get("/api/tickets/{ref}")
    def read(ref: str, authorization: str = Header("")):
        who(authorization)
        with desk.lock:
            return {**one(ref), "notes": list(desk.notes[ref])}

    @app.patch("/api/tickets/{ref}")
    async def change(ref: str, request: Request, authorization: str = Header(""), if_match: str = Header("")):
        by = who(authorization)
        one(ref)
        return desk.set(ref, await request.json(), by, int(if_match) if if_match else None)

    @app.post("/api/tickets/{ref}/notes")
    async def note(ref: str, request: Request, authorization: str = Header("")):
        by = who(authorization)
        one(ref)
        desk.say(ref, (await request.json())["text"], by)
        return {}

    return app
