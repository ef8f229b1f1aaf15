"""Zendesk Support in memory, with the difficult behaviour in its documentation; `zendesk_api` is its API.

A clock of its own that may be ahead; `updated_at` in whole seconds; an export that leaves out the last minute, is
ordered by `generated_timestamp`, and shows deleted tickets; assignees outside the group are dropped; audits of
everything.
"""

import base64
import hashlib
import hmac
import itertools
import json
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

SECRET = "zendesk-hook-secret"
TOKEN = "zendesk-token"
US, ANN, BOB, REQ = 11, 12, 13, 14
INBOX, NETWORK, BILLING, HARDWARE = 101, 102, 103, 104
KIND = 900


class Refused(Exception):
    """What Zendesk says no to: a status and a body."""

    def __init__(self, status, error, description, **more):
        super().__init__(description)
        self.status = status
        self.body = {"error": error, "description": description, **more}


def invalid(field, description):
    """A record that does not validate."""
    details = {field: [{"description": description, "error": "InvalidValue"}]}
    return Refused(422, "RecordInvalid", "Record validation errors", details=details)


class Zendesk:
    """The account. Hazards are switches: `haste` (seconds that pass before each export), `embargo`, `drops` (fields
    that a write forgets), `says` (a body that the next write answers with 200 instead), `bare` (tickets without
    optional fields), `twice` (every row of the export comes twice)."""

    def __init__(self):
        self.ahead = timedelta()
        self.haste = 0
        self.embargo = 60
        self.drops = set()
        self.says = None
        self.bare = False
        self.twice = False
        names = {INBOX: "Inbox", NETWORK: "Network", BILLING: "Billing", HARDWARE: "Hardware"}
        self.groups = {key: {"name": name, "deleted": False} for key, name in names.items()}
        self.users = {
            US: _user("deskyard@example.test", "admin", 4),
            ANN: _user("ann@example.test", "agent", 0),
            BOB: _user("bob@example.test", "agent", 0),
            REQ: _user("req@example.test", "end-user", None),
        }
        self.members = {(ANN, NETWORK), (ANN, BILLING), (BOB, NETWORK), (US, INBOX)}
        options = [_option(1, "Hardware::Printer", "kind_printer"), _option(2, "Network", "kind_network")]
        self.fields = {KIND: {"type": "tagger", "title": "Kind", "active": True, "custom_field_options": options}}
        self.tickets = {}
        self.audits = {}
        self.writes = Counter()
        self.asked = []
        self.numbers = itertools.count(1)
        self.events = itertools.count(5_000_000_001)
        self.lock = threading.RLock()

    def now(self):
        """The account's clock."""
        return datetime.now(UTC) + self.ahead

    def wait(self, seconds):
        """Time passes."""
        with self.lock:
            self.ahead += timedelta(seconds=seconds)

    def file(self, subject="VPN drops", body="It drops.", *, at=None, group=INBOX, **values):
        """A requester files a ticket by mail; its number."""
        with self.lock:
            number, at = next(self.numbers), at or self.now()
            self.tickets[number] = {
                "subject": subject, "description": body, "created_at": at, "updated_at": at, "generated": at,
                "requester_id": REQ, "group_id": group, "assignee_id": None, "priority": None, "status": "new",
                "tags": set(), "custom_fields": dict.fromkeys(self.fields), "type": None, **values,
            }  # fmt: skip
            made = [self._event("Comment", body=body, public=True, author_id=REQ)]
            names = ("subject", "status", "priority", "assignee_id", "group_id", "requester_id")
            made += [self._event("Create", field_name=name, value=_text(self.tickets[number][name])) for name in names]
            self._audit(number, REQ, at, made, "email")
            return str(number)

    def change(self, number, values, by, *, note=None, public=False, channel="web", rule=None):
        """Somebody (or, inside somebody's change, a rule) changes a ticket; what Zendesk does with each value."""
        with self.lock:
            ticket = self.tickets[int(number)]
            if ticket["status"] == "closed":
                raise invalid("status", "Status: closed prevents ticket update")
            values = self._checked(ticket, {key: value for key, value in values.items() if key not in self.drops})
            made = [self._event("Comment", body=note, public=public, author_id=by)] if note is not None else []
            for name, value in values.items():
                was = ticket["custom_fields"][name] if isinstance(name, int) else ticket[name]
                if was == value:
                    continue
                via = {"via": {"channel": "rule", "source": {"from": {"id": 7, "title": rule}, "rel": "trigger"}}}
                made.append(
                    self._event("Change", field_name=str(name), value=_text(value), previous_value=_text(was),
                                **(via if rule else {}))
                )  # fmt: skip
                if isinstance(name, int):
                    ticket["custom_fields"][name] = value
                else:
                    ticket[name] = value
            if made:
                at = self.now()
                ticket |= {"updated_at": at, "generated": at}
                self._audit(int(number), by, at, made, channel)
                self.writes[str(number), by] += 1
            return ticket

    def _checked(self, ticket, values):
        """As Zendesk: a group must be one, and an assignee who is not of the group is silently left out."""
        if values.get("group_id") is not None and self.groups.get(values["group_id"], {"deleted": True})["deleted"]:
            raise invalid("group_id", "Group: is invalid")
        if values.get("priority") not in (None, "low", "normal", "high", "urgent"):
            raise invalid("priority", f"Priority: {values['priority']} is not a valid priority")
        assignee = values.get("assignee_id", ticket["assignee_id"])
        group = values.get("group_id", ticket["group_id"])
        if assignee is not None and ((assignee, group) not in self.members or self.users[assignee]["suspended"]):
            values["assignee_id"] = None if "group_id" in values else ticket["assignee_id"]
        if values.get("assignee_id") and ticket["status"] == "new":
            values.setdefault("status", "open")
        return values

    def touch(self, number):
        """A system update: noted for the export, without an audit and without a new `updated_at`."""
        with self.lock:
            self.tickets[int(number)]["generated"] = self.now()

    def delete(self, number):
        """An agent deletes a ticket: gone from the API, and shown as deleted by the export."""
        with self.lock:
            self.tickets[int(number)] |= {"status": "deleted", "updated_at": self.now(), "generated": self.now()}

    def notes(self, ref):
        """Internal comments, oldest first."""
        events = [event for audit in self.audits[int(ref)] for event in audit["events"]]
        return [event["body"] for event in events if event["type"] == "Comment" and not event["public"]]

    def hook(self, ref, at=None, **told):
        """The webhook of a trigger with our template."""
        last = self.audits[int(ref)][-1]
        told = told or {
            "ticket": ref,
            "by": self.users[last["author_id"]]["email"],
            "updated": stamp(self.tickets[int(ref)]["updated_at"]),
        }
        return self.signed(json.dumps(told).encode(), at, str(last["id"]))

    def signed(self, raw, at=None, invocation="1"):
        """A webhook with Zendesk's headers."""
        moment = stamp(at or datetime.now(UTC))
        made = hmac.new(SECRET.encode(), moment.encode() + raw, hashlib.sha256).digest()
        headers = {
            "x-zendesk-account-id": "123456",
            "x-zendesk-webhook-id": "01F1KRFQ6BG29CNWFR60NK5FNY",
            "x-zendesk-webhook-invocation-id": invocation,
            "x-zendesk-webhook-signature": base64.b64encode(made).decode(),
            "x-zendesk-webhook-signature-timestamp": moment,
            "content-type": "application/json",
        }
        return headers, raw

    def _event(self, kind, **facts):
        return {"id": next(self.events), "type": kind, **facts}

    def _audit(self, number, author, at, events, channel):
        via = {"channel": channel, "source": {"from": {}, "to": {}, "rel": None}}
        found = {"id": next(self.events), "ticket_id": number, "created_at": stamp(at), "author_id": author,
                 "metadata": {"system": {}, "custom": {}}, "events": events, "via": via}  # fmt: skip
        self.audits.setdefault(number, []).append(found)


def stamp(moment):
    """A moment as Zendesk writes it: whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(value):
    return value if value is None or isinstance(value, str) else str(value)


def _user(email, role, role_type):
    return {"email": email, "role": role, "role_type": role_type, "suspended": False, "active": True}


def _option(key, name, value):
    return {"id": key, "name": name, "raw_name": name, "value": value, "default": False}
