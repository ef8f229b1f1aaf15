"""Request Tracker as the tests see it: its people act through REST with their own passwords, never with our token."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import httpx2

from deskyard.testing import StoreHarness
from tests.real.conftest import HOOK_SECRET
from tests.real.stand import Stand, running

NUMBERS = {"low": 0, "medium": 50, "high": 100}
THEIRS = {"queue": "Queue", "assignee": "Owner", "priority": "Priority", "status": "Status"}


class People:
    """Everybody but deskyard."""

    def __init__(self, base):
        self.base = base
        self.clients = {}

    def ask(self, who, method, path, **options):
        if who not in self.clients:
            password = "rootpass1" if who == "root" else f"{who}pass1"
            self.clients[who] = httpx2.Client(base_url=self.base, auth=(who, password), timeout=30)
        answer = self.clients[who].request(method, path, **options)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def file(self, subject, body="", queue=None, **more):
        payload = {"Queue": queue or "General", "Subject": subject, "Content": body, "Requestor": "req@example.test"}
        return str(self.ask("alice", "POST", "/ticket", json=payload | more)["id"])

    def set(self, ref, field, value, who="alice"):
        if field == "category":
            payload = {"CustomFields": {"Category": value}}
        else:
            payload = {THEIRS[field]: NUMBERS.get(value, value) if field == "priority" else value or "Nobody"}
        return self.ask(who, "PUT", f"/ticket/{ref}", json=payload)

    def notes(self, ref):
        query = [
            {"field": "ObjectType", "value": "RT::Ticket"},
            {"field": "ObjectId", "value": ref},
            {"field": "Type", "value": "Comment"},
        ]
        found = self.ask("root", "POST", "/transactions?per_page=100&orderby=id", json=query)["items"]
        texts = []
        for one in found:
            parts = [{"field": "TransactionId", "value": one["id"]}]
            answer = self.ask("root", "POST", "/attachments?fields=Content", json=parts)
            texts += [part["Content"] for part in answer["items"]]
        return texts

    def steps(self, ref):
        found = self.ask("root", "GET", f"/ticket/{ref}/history?fields=Type,Field,Creator&per_page=100&orderby=id")
        return [(one["Type"], one["Field"], one["Creator"]["id"]) for one in found["items"]]

    def close(self):
        for client in self.clients.values():
            client.close()


def hook(ref, at):
    """The webhook of `scrip.pl`."""
    payload = {"ticket": int(ref), "transaction": int(at.timestamp()), "type": "Set", "by": "alice"}
    return {"X-Deskyard-Secret": HOOK_SECRET, "Content-Type": "application/json"}, json.dumps(payload).encode()


@contextmanager
def stand(hook_url: str = "") -> Iterator[Stand]:
    """Request Tracker with three queues beside General, our account `router`, and the agents alice, bob and carl."""
    with running("rt", *([hook_url] if hook_url else [])) as variables:
        people = People(variables["URL"])
        place = variables["URL"].replace("://", f"://router:{quote(variables['TOKEN'])}@")
        try:
            yield Stand(
                url=f"rt:{place}?hook_secret={HOOK_SECRET}",
                version=variables["VERSION"],
                harness=StoreHarness(
                    make_tickets=lambda n, at: [people.file("VPN drops", "It drops.") for _ in range(n)],
                    set_as_person=people.set,
                    read_notes=people.notes,
                    close_queue=lambda name: people.ask("root", "PUT", f"/queue/{name}", json={"Disabled": 1}),
                    make_absent=lambda name: people.ask("root", "PUT", f"/user/{name}", json={"Disabled": 1}),
                    start_queue="General",
                    queues=("Network", "Billing", "Hardware"),
                    agents=("alice", "bob"),
                    make_webhook=hook,
                ),
                file=people.file,
            )
        finally:
            people.close()
