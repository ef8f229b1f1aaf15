"""Zammad in memory, with the difficult behaviour of its source; `zammad_api` is its API.

Times in milliseconds; a history of everything, mails included; an owner without full access to the group is silently
removed; no versions; webhooks signed over the body alone, repeated under the same delivery.
"""

import hashlib
import hmac
import itertools
import json
import threading
from collections import Counter
from datetime import UTC, datetime

SECRET = "zammad-hook-secret"
TOKEN = "zammad-token"
NOBODY, US, ANN, BOB, REQ, EVE = 1, 3, 4, 5, 6, 7
INBOX, NETWORK, BILLING, HARDWARE = 1, 2, 3, 4
ADMIN, AGENT, CUSTOMER, BILLERS = 1, 2, 3, 4
NAMED = {"group_id": "groups", "owner_id": "users", "priority_id": "priorities", "state_id": "states"}


class Refused(Exception):
    """What Zammad says no to."""

    def __init__(self, status, error):
        super().__init__(error)
        self.status = status
        self.body = {"error": error, "error_human": error}


class Zammad:
    """The installation. Hazards are switches: `searches` (False: no search by condition, "all": it is ignored), `finds`
    (False: no search of users), `drops` (fields that a write forgets), `says` (a body that the next write answers with
    200), `bare` (tickets without optional fields), `forbids` (paths that the token may not see), `tag_new`."""

    def __init__(self):
        self.searches = True
        self.finds = True
        self.drops = set()
        self.says = None
        self.bare = False
        self.forbids = set()
        self.tag_new = True
        self.groups = {
            key: {"name": name, "active": True}
            for key, name in {INBOX: "Inbox", NETWORK: "IT::Network", BILLING: "Billing", HARDWARE: "Hardware"}.items()
        }
        every = {str(key): ["full"] for key in self.groups}
        self.roles = {ADMIN: ("Admin", {}), AGENT: ("Agent", {}), CUSTOMER: ("Customer", {}),
                      BILLERS: ("Billers", {str(BILLING): ["full"]})}  # fmt: skip
        self.users = {
            NOBODY: _user("-", [], {}, active=False),
            US: _user("deskyard@example.test", [AGENT], every),
            ANN: _user("ann@example.test", [AGENT], {str(NETWORK): ["full"], str(INBOX): ["read", "change"]}),
            BOB: _user("bob@example.test", [AGENT], {str(NETWORK): ["full"]}),
            REQ: _user("req@example.test", [CUSTOMER], {}),
            EVE: _user("eve@example.test", [AGENT, BILLERS], {}),
        }
        self.priorities = {1: ("1 low", True), 2: ("2 normal", True), 3: ("3 high", True), 4: ("4 urgent", True)}
        kinds = ("new", "open", "pending reminder", "closed", "merged", "removed", "pending close")
        self.states = dict(enumerate(kinds, 1))
        self.types = {1: "new", 2: "open", 3: "pending reminder", 4: "closed", 5: "merged", 6: "removed",
                      7: "pending action"}  # fmt: skip
        self.attributes = {"kind": {"data_type": "select", "active": True, "data_option": {
            "options": {"printer": "Hardware / Printer", "network": "Network"}, "nulloption": True}}}  # fmt: skip
        self.tickets = {}
        self.articles = {}
        self.history = {}
        self.writes = Counter()
        self.asked = []
        self.numbers = itertools.count(1)
        self.rows = itertools.count(1)
        self.lock = threading.RLock()

    def file(self, title="VPN drops", text="It drops.", *, at=None, group=INBOX, **values):
        """A customer files a ticket by mail; its id."""
        with self.lock:
            key, at = next(self.numbers), at or datetime.now(UTC)
            self.tickets[key] = {
                "title": title, "group_id": group, "owner_id": NOBODY, "priority_id": 2, "state_id": 1, "kind": None,
                "created_at": at, "updated_at": at, "updated_by_id": REQ, "tags": [], **values,
            }  # fmt: skip
            self.articles[key], self.history[key] = [], []
            self._note(key, at, REQ, "created")
            self.say(key, text, REQ, internal=False, kind="email", at=at)
            self._note(key, at, NOBODY, "notification", value_to="ann@example.test (create:email)")
            return str(key)

    def change(self, ref, values, by, *, source=None):
        """Somebody changes a ticket; what Zammad makes of each value. `source`: a trigger (type, name) does it."""
        with self.lock:
            key = int(ref)
            ticket = self.tickets[key]
            values = {name: value for name, value in values.items() if name not in self.drops}
            for name, value in values.items():
                kind = getattr(self, NAMED[name]) if name in NAMED else None
                if kind is not None and value not in kind:
                    raise Refused(422, f"Invalid value '{value}' for field '{name}'!")
            after = ticket | values
            owner = self.users[after["owner_id"]]
            if after["owner_id"] != NOBODY and not (owner["active"] and after["group_id"] in self.full(owner)):
                values["owner_id"] = NOBODY
            changed = {name: value for name, value in values.items() if ticket[name] != value}
            at = datetime.now(UTC)
            rule = {"sourceable_type": source[0], "sourceable_id": 9, "sourceable_name": source[1]} if source else {}
            for name, value in changed.items():
                details = self._told(name, ticket, value)
                self._note(key, at, by, "updated", attribute=name.removesuffix("_id"), **details, **rule)
            if changed:
                ticket |= changed | {"updated_at": at, "updated_by_id": by}
                self.writes[str(ref), by] += 1

    def say(self, ref, text, by, *, internal=True, kind="note", at=None, content="text/plain"):
        """Somebody adds an article."""
        with self.lock:
            key, at = int(ref), at or datetime.now(UTC)
            number = next(self.rows)
            self.articles[key].append(
                {"id": number, "body": text, "by": by, "internal": internal, "type": kind, "content_type": content,
                 "created_at": at}
            )  # fmt: skip
            self._note(key, at, by, "created", object="Ticket::Article", o_id=number, related_o_id=key)
            self.tickets[key]["updated_at"] = at

    def tag(self, ref, tag, by):
        """Somebody adds a tag."""
        with self.lock:
            ticket = self.tickets[int(ref)]
            if tag not in ticket["tags"]:
                ticket["tags"].append(tag)
                ticket["updated_at"] = datetime.now(UTC)
                self._note(int(ref), ticket["updated_at"], by, "added", attribute="tag", value_to=tag, value_from="")

    def full(self, user):
        """The groups that a user has full access to."""
        rights = [user["group_ids"], *(self.roles[role][1] for role in user["role_ids"])]
        return {int(key) for one in rights for key, access in one.items() if "full" in access}

    def notes(self, ref):
        """Internal notes, oldest first."""
        return [one["body"] for one in self.articles[int(ref)] if one["internal"]]

    def hook(self, ref, at=None, **more):
        """The webhook of a trigger, with the default payload."""
        ticket = self.tickets[int(ref)]
        body = {
            "ticket": {"id": int(ref), "title": ticket["title"], "updated_at": stamp(at or ticket["updated_at"]),
                       "updated_by_id": ticket["updated_by_id"]},
            "article": {"id": 1, "created_by_id": self.articles[int(ref)][-1]["by"]}, **more,
        }  # fmt: skip
        return self.signed(json.dumps(body).encode(), f"job-{ref}-{stamp(ticket['updated_at'])}")

    def signed(self, raw, delivery="job-1"):
        """A webhook with Zammad's headers."""
        made = hmac.new(SECRET.encode(), raw, hashlib.sha1).hexdigest()
        headers = {
            "User-Agent": "Zammad User Agent",
            "X-Zammad-Trigger": "deskyard",
            "X-Zammad-Delivery": delivery,
            "X-Hub-Signature": f"sha1={made}",
            "Content-Type": "application/json; charset=utf-8",
        }
        return headers, raw

    def _told(self, name, ticket, value):
        """Old and new value, as a history entry writes them: names, and numbers where there are such."""
        body = {}
        for end, one in (("from", ticket[name]), ("to", value)):
            body[f"value_{end}"] = "" if one is None else str(self._name(name, one))
            if name in NAMED:
                body[f"id_{end}"] = one
        return body

    def _name(self, name, key):
        if name == "group_id":
            return self.groups[key]["name"]
        if name == "owner_id":
            return self.users[key]["firstname"]
        if name == "priority_id":
            return self.priorities[key][0]
        return self.states[key] if name == "state_id" else key

    def _note(self, key, at, by, kind, **facts):
        self.history[key].append(
            {"id": next(self.rows), "o_id": key, "object": "Ticket", "type": kind, "created_by_id": by,
             "created_at": stamp(at), **facts}
        )  # fmt: skip


def stamp(moment):
    """A moment as Zammad writes it: milliseconds."""
    moment = moment.astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def _user(login, role_ids, group_ids, *, active=True):
    name = "-" if login == "-" else login.partition("@")[0].title()
    return {"login": login, "firstname": name, "lastname": "", "email": "" if login == "-" else login, "active": active,
            "role_ids": role_ids, "group_ids": group_ids, "out_of_office": False, "out_of_office_start_at": None,
            "out_of_office_end_at": None, "organization_id": None, "verified": False, "vip": False}  # fmt: skip
