"""A second deskyard for tests: its people call its API, each with a key of their own."""

import hashlib
import hmac
import json
from datetime import UTC, datetime

import httpx2
from sqlalchemy import update

from deskyard.auth import api_keys
from deskyard.db.tables.desk import TICKETS
from deskyard.desk import agents, queues
from deskyard.domain.catalogue import TRIAGE
from deskyard.testing import StoreHarness

SECRET = "a-secret-of-the-tests"
ROLES = {"router": "machine", "ann": "agent", "boss": "admin", "eve": "viewer"}


class There:
    """The other deskyard: its people call its API with their own keys."""

    def __init__(self, database, base):
        self.database = database
        self.base = base
        with self.database.writing() as conn:
            now = datetime.now(UTC)
            self.keys = {name: api_keys.create_key(conn, name, role, "test", now) for name, role in ROLES.items()}
            queues.ensure_queues(conn, ["IT", "Billing", "Кадры/Отпуск"])
            agents.ensure_agents(conn, {"ann": ["IT"], "борис": ["IT", "Billing"]})
        self.client = httpx2.Client(base_url=f"{base}/v1", timeout=30, verify=False)

    def ask(self, who, method, path, headers=None, **options):
        headers = {"Authorization": f"Bearer {self.keys[who]}", **(headers or {})}
        answer = self.client.request(method, path, headers=headers, **options)
        answer.raise_for_status()
        return answer.json()

    def file(self, subject="VPN", body="", queue=None):
        ref = self.ask("router", "POST", "/tickets", json={"subject": subject, "body": body})["ticket"]["id"]
        if queue:
            self.set(ref, "queue", queue)
        return ref

    def make_tickets(self, n, at=None):
        refs = [self.file() for _ in range(n)]
        if at is not None:
            moved = update(TICKETS).where(TICKETS.c.id.in_(map(int, refs)))
            with self.database.writing() as conn:
                conn.execute(moved.values(received_at=at, updated_at=at))
        return refs

    def set(self, ref, field, value, who="ann"):
        self.ask(who, "PATCH", f"/tickets/{ref}", json={field: value}, headers={"If-Match": "*"})

    def read_notes(self, ref):
        return [one["text"] for one in self.ask("ann", "GET", f"/tickets/{ref}")["comments"] if not one["public"]]

    def harness(self):
        def close_queue(name):
            self.ask("boss", "PUT", f"/queues/{name}", json={"open": False})

        def make_absent(name):
            self.ask("boss", "PUT", f"/agents/{name}", json={"present": False, "queues": ["IT"]})

        return StoreHarness(
            make_tickets=self.make_tickets,
            set_as_person=self.set,
            read_notes=self.read_notes,
            close_queue=close_queue,
            make_absent=make_absent,
            make_webhook=hook,
            start_queue=TRIAGE,
            queues=("IT", "Billing", "Кадры/Отпуск"),
            agents=("ann", "борис"),
        )

    def close(self):
        self.client.close()

    def url(self, key):
        return f"deskyard:{self.base.replace('://', f'://:{key}@')}?hook_secret={SECRET}"


def hook(ref, at, secret=SECRET):
    raw = json.dumps({"id": "n7", "event": "placed", "ticket": ref, "queue": "IT", "link": ""}).encode()
    moment = str(int(at.timestamp()))
    made = hmac.new(secret.encode(), f"{moment}.".encode() + raw, hashlib.sha256).hexdigest()
    return {"X-Deskyard-Signature": f"sha256={made}", "X-Deskyard-Timestamp": moment}, raw
