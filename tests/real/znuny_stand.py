"""Znuny as the tests see it: its people act through Znuny's own code, never through deskyard's web service."""

import asyncio
import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx2

from deskyard.testing import StoreHarness
from tests.fakes.serving import Faults
from tests.real.conftest import HOOK_SECRET
from tests.real.stand import SERVERS, Stand, running

ZONE = ZoneInfo("Asia/Yekaterinburg")
"""What start.sh sets, so that nothing passes because a server's zone happens to be UTC."""

PRIORITIES = {"low": "2 low", "medium": "3 normal", "high": "4 high", "critical": "5 very high"}
STATUSES = {"open": "open", "closed": "closed successful"}


class People:
    """Everybody but deskyard: `people.pl`, which stays for the whole test."""

    def __init__(self, home):
        self.log = Path(home).parent.joinpath("people.log").open("w")
        self.process = subprocess.Popen(
            ["perl", SERVERS / "znuny" / "people.pl", home],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            encoding="utf-8",
        )
        self.lock = threading.Lock()

    def ask(self, command, **arguments):
        with self.lock:
            self.process.stdin.write(json.dumps([command, arguments]) + "\n")
            self.process.stdin.flush()
            answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["ok"]

    def file(self, subject, body="", queue=None, *, at=None, **article):
        moment = at and at.astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S")
        return str(self.ask("file", subject=subject, body=body, queue=queue, at=moment, article=article))

    def set(self, ref, field, value, who="alice"):
        theirs = {"priority": PRIORITIES, "status": STATUSES}.get(field, {}).get(value, value)
        if field == "category":
            field, theirs = "field", ["Category", value]
        self.ask("set", ref=ref, field=field, value=theirs, who=who)

    def notes(self, ref):
        return self.ask("notes", ref=ref)

    def moves(self, ref):
        """Lines of the history that tell of a change, as (type, number of the agent)."""
        kinds = ("Move", "OwnerUpdate", "PriorityUpdate", "StateUpdate", "TicketDynamicFieldUpdate", "AddNote")
        return [(kind, int(by)) for kind, by, _ in self.ask("history", TicketID=ref) if kind in kinds]

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()
        self.log.close()


def hook(ref, at):
    """What the add-on's invoker sends."""
    payload = {
        "Event": {"Event": "TicketQueueUpdate", "TicketID": ref},
        "Ticket": {"TicketID": ref, "Changed": at.astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S"), "ChangeBy": 3},
    }
    return {"X-Deskyard-Secret": HOOK_SECRET, "Content-Type": "application/json"}, json.dumps(payload).encode()


class BadLine(Faults):
    """The way to a server, on which the waiting faults meet updates of tickets only."""

    def __init__(self, site):
        super().__init__(self.pass_on)
        self.site = site

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http" and scope["path"].endswith("/TicketUpdate"):
            return await super().__call__(scope, receive, send)
        return await self.pass_on(scope, receive, send)

    async def pass_on(self, scope, receive, send):
        body, more = b"", True
        while more:
            part = await receive()
            body, more = body + part.get("body", b""), part.get("more_body", False)
        address = self.site + scope["path"]
        post = httpx2.Client(timeout=30, headers={"Content-Type": "application/json"})
        answer = await asyncio.to_thread(post.post, address, content=body)
        post.close()
        headers = [(b"content-type", answer.headers["content-type"].encode())]
        await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": answer.content})


@dataclass(frozen=True, slots=True, kw_only=True)
class ZnunyStand(Stand):
    """With the people behind it, the web service's address for stores with other options, and Znuny's folder."""

    people: People
    address: str
    home: Path


def url(address, login="router", password="router-pass", **options):
    """A store's URL at this Znuny."""
    query = "&".join(f"{name}={value}" for name, value in {"hook_secret": HOOK_SECRET, **options}.items())
    return f"znuny:{address.replace('://', f'://{login}:{password}@')}?{query}"


@contextmanager
def stand(hook_url: str = "") -> Iterator[ZnunyStand]:
    """Znuny with four queues beside Raw, our agent `router`, and the agents alice, bob, carl and dora."""
    with running("znuny", *([hook_url] if hook_url else [])) as variables:
        people = People(variables["HOME"])
        try:
            yield ZnunyStand(
                url=url(variables["URL"]),
                version=variables["VERSION"],
                harness=StoreHarness(
                    make_tickets=lambda n, at: [people.file("VPN drops", "It drops.", at=at) for _ in range(n)],
                    set_as_person=people.set,
                    read_notes=people.notes,
                    close_queue=lambda name: people.ask("queue", name=name, valid=2),
                    make_absent=lambda login: people.ask("agent", login=login, valid=2),
                    start_queue="Raw",
                    queues=("Network", "Billing", "Hardware"),
                    agents=("alice", "bob"),
                    make_webhook=hook,
                ),
                file=people.file,
                people=people,
                address=variables["URL"],
                home=Path(variables["HOME"]),
            )
        finally:
            people.close()
