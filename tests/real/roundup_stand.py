"""Roundup as the tests see it: its people act through REST with their own passwords, its administrator by command."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2

from deskyard.testing import StoreHarness
from tests.real.conftest import HOOK_SECRET
from tests.real.stand import Stand, running

PRIORITIES = {"low": "wish", "medium": "bug", "high": "urgent", "critical": "critical"}


class People:
    """Everybody but deskyard. `queue` is the property of issues that is their queue."""

    def __init__(self, variables, queue):
        self.variables = variables
        self.queue = queue
        self.base = variables["URL"]
        self.headers = {"Origin": self.base, "Referer": f"{self.base}/", "X-Requested-With": "x"}
        self.client = httpx2.Client(base_url=f"{self.base}/rest/data", headers=self.headers, timeout=30)
        self.kinds = {}

    def ask(self, who, method, path, **options):
        answer = self.client.request(method, path, auth=(who, f"{who}pass"), **options)
        answer.raise_for_status()
        return answer.json()["data"]

    def number(self, kind, name):
        if (kind, name) not in self.kinds:
            found = self.ask("alice", "GET", f"/{kind}", params={"@verbose": "2"})["collection"]
            self.kinds |= {(kind, text): one["id"] for one in found for text in one.values()}
        return self.kinds[kind, name]

    def file(self, subject, body="", queue=None, who="req"):
        number = self.number(self.queue, queue or "Inbox")
        payload = {"title": subject, self.queue: [number] if self.queue == "keyword" else number}
        if body:
            message = {"content": body, "author": self.number("user", who), "date": "."}
            payload["messages"] = [self.ask(who, "POST", "/msg", json=message)["id"]]
        return str(self.ask(who, "POST", "/issue", json=payload)["id"])

    def put(self, ref, payload, who="alice"):
        etag = self.ask(who, "GET", f"/issue/{ref}")["@etag"]
        return self.ask(who, "PUT", f"/issue/{ref}", json=payload, headers={"If-Match": etag})

    def set(self, ref, field, value):
        if field == "queue":
            number = self.number(self.queue, value)
            self.put(ref, {self.queue: [number] if self.queue == "keyword" else number})
        elif field == "priority":
            self.put(ref, {"priority": self.number("priority", PRIORITIES[value])})
        elif field == "category":
            self.put(ref, {"kind": self.number("kind", value)})
        else:
            self.put(ref, {"assignedto": self.number("user", value)})

    def say(self, ref, text, who="alice"):
        payload = {"content": text, "author": self.number("user", who), "date": "."}
        number = self.ask(who, "POST", "/msg", json=payload)["id"]
        parts = self.ask(who, "GET", f"/issue/{ref}")["attributes"]
        return self.put(ref, {"messages": [*(one["id"] for one in parts["messages"]), number]}, who)

    def shown(self, ref):
        return self.ask("alice", "GET", f"/issue/{ref}", params={"@verbose": "2", "@protected": "true"})["attributes"]

    def notes(self, ref):
        numbers = [one["id"] for one in self.shown(ref)["messages"]]
        params = {"id": numbers, "@fields": "content,author", "@verbose": "3"}
        found = self.ask("alice", "GET", "/msg", params=params)["collection"] if numbers else []
        return [one["content"] for one in found if one["author"]["username"] == "router"]

    def retire(self, kind, name):
        what = f"{kind}{self.number(kind, name)}"
        command = [f"{self.variables['BIN']}/roundup-admin", "-i", self.variables["TRACKER"], "retire", what]
        subprocess.run(command, check=True, capture_output=True, timeout=60)


def hook(ref, at):
    """The webhook of `detector.py.txt`."""
    payload = {"issue": ref, "by": "alice", "at": str(at.timestamp())}
    return {"X-Deskyard-Secret": HOOK_SECRET, "Content-Type": "application/json"}, json.dumps(payload).encode()


@contextmanager
def stand(hook_url: str = "", schema: str = "queue", calls: int = 0) -> Iterator[Stand]:
    """A tracker, its account `router`, and the agents alice and bob. `schema`: "classic" as Roundup ships it, whose
    queues are its keywords, or "queue". `calls`: how many an account has in a minute, 0: as many as it likes."""
    with running("roundup", hook_url, schema, str(calls)) as variables:
        queue = "queue" if schema == "queue" else "keyword"
        people = People(variables, queue)
        options = f"?hook_secret={HOOK_SECRET}" + ("&category=kind&agents=Agent" if schema == "queue" else "")
        try:
            yield Stand(
                url=f"roundup:{variables['URL'].replace('://', '://router:routerpass@')}{options}",
                version=variables["VERSION"],
                harness=StoreHarness(
                    make_tickets=lambda n, at: [people.file("VPN drops", "It drops.") for _ in range(n)],
                    set_as_person=people.set,
                    read_notes=people.notes,
                    close_queue=lambda name: people.retire(queue, name),
                    make_absent=lambda name: people.retire("user", name),
                    start_queue="Inbox",
                    queues=("Network", "Billing", "Hardware"),
                    agents=("alice", "bob"),
                    make_webhook=hook,
                ),
                file=people.file,
            )
        finally:
            people.client.close()
