"""Puts the tests' queues and people into a new tracker, in-process: the command line takes a second for each."""

import sys

from roundup import instance
from roundup.password import Password

tracker, schema = sys.argv[1:]
db = instance.open(tracker).open("admin")
agent, router = ("User,Agent", "User,Router") if schema == "queue" else ("User", "User")
for name, roles in (("router", router), ("alice", agent), ("bob", agent), ("104233", agent), ("req", "User")):
    db.user.create(
        username=name,
        password=Password(f"{name}pass", config=db.config),
        address=f"{name}@example.test",
        roles=roles,
        **({"timezone": "UTC"} if name == "router" else {}),
    )
queues = ("Inbox", "Network", "Billing", "Hardware", "Сеть и связь", "7")
for name in queues:
    (db.queue if schema == "queue" else db.keyword).create(name=name)
if schema == "queue":
    for name in ("vpn", "invoice", "Связь"):
        db.kind.create(name=name)
    for name in ("vip", "сеть"):
        db.keyword.create(name=name)
db.commit()
db.close()
