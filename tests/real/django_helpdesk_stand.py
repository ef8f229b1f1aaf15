"""django-helpdesk as the tests see it: its people act through its own code, never through deskyard's add-on."""

import hashlib
import hmac
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deskyard.testing import StoreHarness
from tests.real.conftest import HOOK_SECRET
from tests.real.stand import Stand, running

PRIORITIES = {"low": 4, "medium": 3, "high": 2, "critical": 1}
STATUSES = {"open": 1, "resolved": 3, "closed": 4}


class People:
    """Everybody but deskyard: `people.py`, which stays for the whole test."""

    def __init__(self, variables):
        folder = Path(variables["FOLDER"])
        self.folder, self.base = folder, variables["URL"]
        self.log = (folder / "people.log").open("w")
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "settings",
            "PYTHONPATH": str(folder / "site"),
            "FOLDER": str(folder),
            "PYTHONUTF8": "1",
        }
        self.process = subprocess.Popen(
            [f"{variables['BIN']}/python", folder / "site" / "people.py"],
            env=environment,
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

    def file(self, subject, body="", queue=None, at=None):
        return str(self.ask("file", subject=subject, body=body, queue=queue, at=at and at.isoformat()))

    def set(self, ref, field, value, **who):
        theirs = {"priority": PRIORITIES, "status": STATUSES}.get(field, {}).get(value, value)
        self.ask("change", ref=ref, field=field, value=theirs, **who)

    def notes(self, ref):
        return self.ask("notes", ref=ref)

    def mails(self):
        """All mails that the help desk's web server sent; those of people are sent by another process."""
        return [path.read_text() for path in sorted((self.folder / "mail").glob("*.log"))]

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()
        self.log.close()


def hook(ref, at, secret=HOOK_SECRET):
    """What the add-on sends."""
    raw, moment = json.dumps({"id": "0a1b", "ticket": ref}).encode(), str(int(at.timestamp()))
    made = hmac.new(secret.encode(), f"{moment}.".encode() + raw, hashlib.sha256).hexdigest()
    return {"X-Deskyard-Signature": f"sha256={made}", "X-Deskyard-Timestamp": moment}, raw


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpdeskStand(Stand):
    """With the people behind it, the project's address, and the token of deskyard's account."""

    people: People
    base: str
    token: str

    def open_url(self, shown="router:routerpass", path="/deskyard", **options):
        """A store's URL at this help desk."""
        query = "&".join(f"{name}={value}" for name, value in {"hook_secret": HOOK_SECRET, **options}.items())
        return f"django-helpdesk:{self.base.replace('://', f'://{shown}@')}{path}?{query}"


@contextmanager
def stand(hook_url: str = "") -> Iterator[HelpdeskStand]:
    """A project with queues, our staff user `router`, and the agents alice, bob, carl and борис."""
    with running("django-helpdesk", *([hook_url] if hook_url else [])) as variables:
        people = People(variables)
        try:
            yield HelpdeskStand(
                url=f"django-helpdesk:{variables['URL'].replace('://', '://router:routerpass@')}/deskyard"
                f"?hook_secret={HOOK_SECRET}",
                version=variables["VERSION"],
                harness=StoreHarness(
                    make_tickets=lambda n, at: [people.file("VPN drops", "It drops.", at=at) for _ in range(n)],
                    set_as_person=people.set,
                    read_notes=people.notes,
                    close_queue=lambda name: people.ask("close", queue=name),
                    make_absent=lambda name: people.ask("leave", login=name),
                    start_queue="Inbox",
                    queues=("Network", "Billing", "Hardware"),
                    agents=("alice", "bob"),
                    make_webhook=hook,
                ),
                file=people.file,
                people=people,
                base=variables["URL"],
                token=variables["TOKEN"],
            )
        finally:
            people.close()
