"""A Jira site with one service project, in memory: what its people do, and how its own rules react.

`jira` is its REST API. Each hazard of real sites is a switch here, off at first.
"""

import base64
import hashlib
import hmac
import itertools
import json
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

SECRET = "jira-hook-secret"
MAIL, TOKEN = "deskyard@acme.test", "jira-token"
US = "5f0000000000000000000001"
QUEUE_FIELD, TEAM_FIELD, REQUEST_TYPE, ORGANISATIONS = (
    "customfield_10050",
    "customfield_10001",
    "customfield_10010",
    "customfield_10002",
)


class Refused(Exception):
    """Jira says no: a status and an error collection."""

    def __init__(self, status, errors=None, *messages):
        super().__init__(status, errors, messages)
        self.status, self.errors, self.messages = status, errors or {}, list(messages)


class Jira:
    """The site. Answers show times in the site's zone; JQL is read in the zone of who asks."""

    def __init__(self):
        self.site_zone, self.our_zone = ZoneInfo("Europe/Berlin"), "America/New_York"
        self.users = {}
        for number, (name, mail) in enumerate(
            [
                ("Deskyard", MAIL),
                ("Ann Lee", "ann@acme.test"),
                ("Bob Ray", "bob@acme.test"),
                ("Eve Sun", "eve@acme.test"),
            ],
            1,
        ):
            self.add_user(f"5f{number:022d}", name, mail)
        self.add_user("qm:0001", "Rita Customer", "rita@customer.test", kind="customer", assignable=False)
        self.add_user("712020:auto", "Automation for Jira", None, kind="app", assignable=False)
        self.ann, self.bob, self.rita = "5f" + f"{2:022d}", "5f" + f"{3:022d}", "qm:0001"
        self.components = {"Inbox": "10100", "Network": "10101", "Billing": "10102", "Hardware": "10103"}
        self.options = {"Inbox": "10200", "Network": "10201", "Billing": "10202", "Hardware": "10203"}
        self.teams = {"Inbox": "team-1", "Network": "team-2", "Billing": "team-3", "Hardware": "team-4"}
        self.types = {"[System] Service request": "10001", "[System] Incident": "10002"}
        self.priorities = {"Highest": "1", "High": "2", "Medium": "3", "Low": "4", "Lowest": "5"}
        self.statuses = {
            "Waiting for support": ("10001", "new"),
            "In progress": ("3", "indeterminate"),
            "Waiting for customer": ("10002", "indeterminate"),
            "Resolved": ("5", "done"),
            "Closed": ("6", "done"),
        }
        self.rights = {
            "BROWSE_PROJECTS", "EDIT_ISSUES", "ASSIGN_ISSUES", "ADD_COMMENTS", "CREATE_ISSUES", "SERVICEDESK_AGENT",
            "ADMINISTER_PROJECTS",
        }  # fmt: skip
        self.issues, self.indexed, self.pending = {}, {}, []
        self.numbers, self.ids = itertools.count(1), itertools.count(50001)
        self.edits, self.asked = Counter(), Counter()
        self.lock = threading.RLock()
        self.lag = 0.0  # seconds until the search knows of a change
        self.waited = 0.0
        self.page_size = 100  # the most issues of a page
        self.fold = 0  # which of two equal hours JQL means, when clocks are set back
        self.changelog_shown, self.bulk_changelog_shown, self.comments_shown = 100, 40, 5000
        self.shows_instead = {}  # id → moment that the search shows, though it is sorted by an older one
        self.token, self.deployment = TOKEN, "Cloud"
        self.tells_bad_tokens = True  # a header tells that the token does not count
        self.drops = set()  # fields whose change is accepted and forgotten
        self.refuses = {}  # field → what an edit is refused with
        self.says_no_with_200 = False
        self.conflicts = 0  # edits that are answered 409
        self.between = None  # called once, right before our next edit is done
        self.makes_notes_public = False
        self.bare = False  # leaves out whatever an answer may leave out
        self.leaves_out_field_ids = False

    def add_user(self, account, name, mail, *, kind="atlassian", assignable=True, active=True):
        """Somebody."""
        self.users[account] = {
            "accountId": account, "displayName": name, "emailAddress": mail, "accountType": kind, "active": active,
            "assignable": assignable,
        }  # fmt: skip

    def file(
        self, subject="VPN drops", body="It drops every hour.", *, at=None, queue="Inbox", project="HELP", **fields
    ):
        """A requester's new issue; its key."""
        with self.lock:
            at, number = _milliseconds(at or datetime.now(UTC)), str(next(self.ids))
            key = f"{project}-{next(self.numbers)}"
            self.issues[number] = {
                "id": number, "key": key, "created": at, "updated": at, "summary": subject,
                "description": body if isinstance(body, dict | None) else doc(body),
                "components": [queue] if queue else [], QUEUE_FIELD: queue, TEAM_FIELD: queue, "priority": None,
                "assignee": None, "status": "Waiting for support", "issuetype": "[System] Service request",
                "resolution": None, "labels": [], "reporter": self.rita, "creator": self.rita, "channel": "portal",
                REQUEST_TYPE: "Report a problem", ORGANISATIONS: ["ACME"], "history": [], "comments": [],
                "bumped": at, **fields,
            }  # fmt: skip
            self._touched(self.issues[number], at)
            return key

    def find(self, ref):
        """The issue of a key (of any case) or an id, or of a key that it had before it was moved."""
        for issue in self.issues.values():
            if ref in (issue["id"], *issue.get("old keys", ())) or ref.upper() == issue["key"]:
                return issue
        raise Refused(404, None, "Issue does not exist or you do not have permission to see it.")

    def set(self, ref, values, by):
        """Somebody changes fields; each change stands in the changelog as Jira words it."""
        with self.lock:
            issue = self.find(ref)
            items = [item for field, value in values.items() for item in self._items(issue, field, value)]
            if not items:
                return
            at = _milliseconds(datetime.now(UTC))
            issue.update({field: value for field, value in values.items() if issue[field] != value})
            issue["history"].append({"id": str(next(self.ids)), "by": by, "at": at, "items": items})
            self._touched(issue, at)

    def say(self, ref, body, by, internal=False):
        """Somebody comments."""
        with self.lock:
            issue, at = self.find(ref), _milliseconds(datetime.now(UTC))
            comment = {"id": str(next(self.ids)), "by": by, "at": at, "body": body, "public": not internal}
            issue["comments"].append(comment)
            self._touched(issue, at)
            return comment

    def move(self, ref, key):
        """The issue goes to another project and gets another key."""
        issue = self.find(ref)
        issue["old keys"] = [*issue.get("old keys", ()), issue["key"]]
        issue["key"] = key
        self._touched(issue, _milliseconds(datetime.now(UTC)))

    def notes(self, ref):
        """What only the desk's people see."""
        return [words(one["body"]) for one in self.find(ref)["comments"] if not one["public"]]

    def wait(self, seconds):
        """Time goes by for the search."""
        self.waited += seconds

    def known_to_search(self):
        """Id → moment of the last change, as the search has it."""
        now = datetime.now(UTC) + timedelta(seconds=self.waited)
        for due, number, at in [one for one in self.pending if one[0] <= now]:
            self.indexed[number] = at
            self.pending.remove((due, number, at))
        return self.indexed

    def _touched(self, issue, at):
        issue["updated"] = at
        if self.lag:
            due = datetime.now(UTC) + timedelta(seconds=self.waited + self.lag)
            self.pending.append((due, issue["id"], at))
        else:
            self.indexed[issue["id"]] = at

    def _items(self, issue, field, value):
        was = issue[field]
        if was == value:
            return
        kind = "custom" if field.startswith("custom") else "jira"
        if field == "components":
            for name in was:
                if name not in value:
                    yield _item("Component", field, kind, (self.components.get(name, "0"), name), None)
            for name in value:
                if name not in was:
                    yield _item("Component", field, kind, None, (self.components[name], name))
            return
        names = {QUEUE_FIELD: "Support queue", TEAM_FIELD: "Team", REQUEST_TYPE: "Request Type"}
        yield _item(names.get(field, field), field, kind, self._logged(field, was), self._logged(field, value))

    def _logged(self, field, value):
        """(id, words) of a value, as the changelog has it."""
        if value is None:
            return None
        known = {
            "priority": self.priorities, QUEUE_FIELD: self.options, TEAM_FIELD: self.teams, "issuetype": self.types,
            "status": {name: number for name, (number, _) in self.statuses.items()},
        }.get(field)  # fmt: skip
        if field == "assignee":
            return value, self.users[value]["displayName"]
        if field == "labels":
            return None, " ".join(value)
        return (known.get(value) if known else None), words(value) if isinstance(value, dict) else str(value)

    def hook(self, ref, at=None, secret=SECRET):
        """The webhook that tells of an issue's last change: headers and body."""
        issue = self.find(ref)
        last = issue["history"][-1] if issue["history"] else None
        facts = {
            "timestamp": int((at or datetime.now(UTC)).timestamp() * 1000),
            "webhookEvent": "jira:issue_updated" if last else "jira:issue_created",
            "user": {"accountId": last["by"] if last else issue["creator"]},
            "issue": {"id": issue["id"], "key": issue["key"], "fields": {"summary": issue["summary"]}},
        }
        raw = json.dumps(facts).encode()
        made = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
        name = base64.b32encode(f"{issue['id']} {len(issue['history'])} {issue['updated']}".encode()).decode()
        return {
            "X-Hub-Signature": f"sha256={made}",
            "X-Atlassian-Webhook-Identifier": name,
            "Content-Type": "application/json",
        }, raw


def doc(said):
    """A document of one paragraph."""
    return {
        "type": "doc",
        "version": 1,
        "content": [{"type": "paragraph", "content": [{"type": "text", "text": said}]}],
    }


def words(node):
    """All text of a document."""
    if node.get("type") == "hardBreak":
        return "\n"
    parts = [words(one) for one in node.get("content", ())]
    return node.get("text", "") + ("\n" if node.get("type") == "doc" else "").join(parts)


def _item(name, field, kind, was, became):
    item = {"field": name, "fieldId": field, "fieldtype": kind}
    for ends, value in (("from", was), ("to", became)):
        number, result = value or (None, None)
        item |= {ends: number} if number else {}
        item |= {f"{ends}String": result} if result else {}
    if item.get("toString") is None:
        item.pop("toString", None)
    return item


def _milliseconds(at):
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
