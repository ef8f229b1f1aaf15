"""Who calls, what each role may do, and how often.

In come headers and addresses, out goes the caller, or a refusal: 401, 403 or 429. Programs show a key, browsers the
cookie of a session, which opens pages only. `RIGHTS` is the one table of who may do what; an address without a line in
it is refused to everybody. Nothing here reads a request's body.
"""

import ipaddress
import math
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request

from deskyard.auth import api_keys, sessions
from deskyard.auth.api_keys import ROLES, Keys
from deskyard.db.database import Database
from deskyard.desk.ticket_history import Actor
from service.auth.rate_limit import Limit


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent the request. `queues`: those whose tickets they may see, None: all."""

    actor: Actor
    role: str
    queues: frozenset[str] | None = None

    def sees(self, queue: str) -> bool:
        """Whether they may see a queue's tickets."""
        return self.queues is None or queue in self.queues

    def may(self, method: str, path: str) -> bool:
        """Whether their role may do that."""
        return self.role in RIGHTS.get((method, path), frozenset())


LOCAL: Final = Caller(Actor("person", "local"), "admin")
"""Whoever sits at this machine, until the first key exists."""

GUEST: Final = Caller(Actor("person", "guest"), "guest", frozenset())
"""Somebody who did not sign in, on a page for everybody."""

OPEN: Final = frozenset({"/livez", "/readyz", "/v1/hooks/{name}", "/v1/hooks/{name}/{secret}"})
"""Addresses for supervisors, which have no key, and for webhooks, which prove themselves."""

EVERYBODYS: Final = frozenset(
    {
        "/static",
        "/language",
        "/sign-in",
        "/sign-in/elsewhere",
        "/sign-in/back",
        "/sign-out",
        "/set-up/{word}",
        "/submit",
        "/submit/answers",
        "/status/{secret}",
        "/status/{secret}/answer",
        "/status/{secret}/stars",
    }
)
"""Pages for whoever reaches this service."""

COOKIE: Final = "deskyard_session"

Roles = frozenset[str]
LOOK: Final[Roles] = frozenset(ROLES)
WORK: Final[Roles] = frozenset({"agent", "manager", "admin", "machine"})
RUN: Final[Roles] = frozenset({"manager", "admin"})
RULE: Final[Roles] = frozenset({"admin"})

RIGHTS: Final[Mapping[tuple[str, str], Roles]] = {
    ("GET", "/"): LOOK,
    ("GET", "/yard"): LOOK,
    ("GET", "/review"): WORK,
    ("POST", "/review/{id}"): WORK,
    ("POST", "/review/{id}/hold"): WORK,
    ("GET", "/tickets/{id}"): LOOK,
    ("POST", "/tickets/{id}"): WORK,
    ("POST", "/tickets/{id}/comments"): WORK,
    ("POST", "/tickets/{id}/verify"): WORK,
    ("POST", "/tickets/{id}/undo"): WORK,
    ("GET", "/queues/{name:path}"): LOOK,
    ("POST", "/queues/{name:path}"): WORK,
    ("GET", "/openapi.json"): LOOK,
    ("GET", "/docs"): LOOK,
    ("GET", "/metrics"): LOOK,
    ("GET", "/v1/me"): LOOK,
    ("GET", "/v1/tickets/{id}"): LOOK,
    ("GET", "/v1/changes"): LOOK,
    ("GET", "/v1/changes/{id}"): LOOK,
    ("GET", "/v1/catalogue"): LOOK,
    ("GET", "/v1/queues"): LOOK,
    ("GET", "/v1/queues/{name:path}"): LOOK,
    ("GET", "/v1/queues/{name:path}/tickets"): LOOK,
    ("GET", "/v1/agents"): LOOK,
    ("GET", "/v1/agents/{name:path}"): LOOK,
    ("GET", "/v1/decisions/{id}"): LOOK,
    ("GET", "/v1/stores"): LOOK,
    ("GET", "/v1/deliveries"): LOOK,
    ("GET", "/v1/models/current"): LOOK,
    ("GET", "/v1/models"): RUN,
    ("GET", "/v1/models/challenger"): RUN,
    ("GET", "/v1/models/retraining"): RUN,
    ("GET", "/v1/policy"): LOOK,
    ("GET", "/v1/policy/versions"): LOOK,
    ("GET", "/v1/policy/taxonomy"): RUN,
    ("GET", "/v1/labels"): WORK,
    ("POST", "/v1/score"): LOOK,  # writes nothing
    ("POST", "/v1/tickets"): WORK,
    ("PATCH", "/v1/tickets/{id}"): WORK,
    ("POST", "/v1/tickets/{id}/comments"): WORK,
    ("PUT", "/v1/queues/{name:path}"): RUN,
    ("PUT", "/v1/agents/{name:path}"): RUN,
    ("POST", "/v1/deliveries/{id}/retry"): RUN,
    ("GET", "/v1/audit"): RUN,
    ("GET", "/reports"): RUN,
    ("GET", "/reports/tickets"): RUN,
    ("GET", "/reports/panels.css"): RUN,
    ("GET", "/reports/csv/{name}"): RUN,
    ("GET", "/reports/{name}"): RUN,
    ("GET", "/models"): RUN,
    ("GET", "/models/what-if"): RUN,
    ("GET", "/models/training"): RUN,
    ("GET", "/models/live"): RUN,
    ("GET", "/models/policy"): RUN,
    ("GET", "/models/{name}/report"): RUN,
    ("POST", "/models/promote"): RULE,
    ("POST", "/models/rollback"): RULE,
    ("POST", "/models/challenge"): RULE,
    ("POST", "/models/retrain"): RULE,
    ("POST", "/models/halt"): RULE,
    ("POST", "/models/resume"): RULE,
    ("POST", "/models/policy"): RULE,
    ("POST", "/models/policy/breaker"): RULE,
    ("POST", "/models/policy/text"): RULE,
    ("POST", "/models/train"): RULE,
    ("POST", "/models/train/cancel"): RULE,
    ("PUT", "/v1/policy"): RULE,
    ("POST", "/v1/erasures"): RULE,
    ("POST", "/v1/policy/taxonomy"): RULE,
    ("POST", "/v1/models/{name}/activate"): RULE,
    ("POST", "/v1/models/rollback"): RULE,
    ("PUT", "/v1/models/challenger"): RULE,
    ("DELETE", "/v1/models/challenger"): RULE,
    ("POST", "/v1/models/retraining"): RULE,
}
"""(method, address as its route writes it) → the roles that may. What may be read with GET may be asked with HEAD."""

REQUESTS: Final = (200.0, 400)
"""Requests a second of one caller, and at once."""

FAILURES: Final = (10 / 60, 10)
"""Wrong keys from one address."""

GUESSES: Final = (5 / 60, 10)
"""Passwords tried from one address, and for one name."""

ASKS: Final = (1 / 60, 10)
"""Requests for help filed from one address."""

LOOKS: Final = (2.0, 20)
"""Times that somebody at one address is shown what others were answered."""

FRESH: Final = 0.5
"""Seconds that keys are remembered: a revoked one is refused within a second."""

_BEARER: Final = re.compile(r"bearer +(\S+) *", re.IGNORECASE)
_OURS: Final = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)
_NEEDED: Final = "send a key in the header Authorization: Bearer dy_...; `deskyard key create` makes one"
_WRONG: Final = "this key is not known or was revoked: look for typing errors, or ask for another"
_CHALLENGE: Final = {"WWW-Authenticate": "Bearer"}


class Access:
    """The keys as the database knows them, and how often each caller came."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        """Nothing is read until somebody calls."""
        self.clock = clock
        self._database = database
        self._keys: Keys | None = None
        self._read_at = 0.0
        self._one_at_a_time = threading.Lock()
        self._requests = Limit(*REQUESTS)
        self._failures = Limit(*FAILURES)
        self._guesses = Limit(*GUESSES)
        self._asks = Limit(*ASKS)
        self._looks = Limit(*LOOKS)

    async def caller(self, headers: Headers, address: str, method: str, path: str) -> Caller:
        """Who calls. Raises HTTPException: 401 without a key or a session that fits, 429 for too many, 400 and 403 for
        strangers and for what other sites' pages send."""
        keys = await self._fresh()
        if not keys.needed:
            _refuse_strangers(headers, address)
            return LOCAL
        if "authorization" not in headers:
            secret = cookie(headers)
            if secret and not path.startswith("/v1"):
                _refuse_other_sites(headers, method)
                user = await run_in_threadpool(self._signed_in, secret)
                if user is not None:
                    self._count(f"user {user.actor.name}")
                    return user
            self.count(address)
            if path in EVERYBODYS:
                _refuse_other_sites(headers, method)
                return GUEST
            raise HTTPException(401, _NEEDED, _CHALLENGE)
        found = _BEARER.fullmatch(headers["authorization"])
        key = keys.find(found[1]) if found else None
        if key is None:
            # Right keys are let in from any address: else a stranger could lock out everybody behind the same proxy,
            # and nobody guesses 256 bits.
            _refuse_if(self._failures.wait(_network(address), self.clock()), "too many wrong keys from your address")
            raise HTTPException(401, _WRONG, _CHALLENGE)
        self._count(f"key {key.name}")
        return Caller(Actor("machine" if key.role == "machine" else "person", key.name), key.role)

    def count(self, address: str) -> None:
        """Count a request without a key; whoever sits at this machine is not limited. Raises HTTPException 429."""
        if not _is_here(address):
            self._count(_network(address))

    def _count(self, name: str) -> None:
        _refuse_if(self._requests.wait(name, self.clock()), "too many requests")

    def guess(self, address: str, name: str) -> None:
        """Somebody is about to try a password. Raises HTTPException 429 where too many were wrong."""
        now = self.clock()
        for who in (_network(address), f"name {name}"):
            _refuse_if(self._guesses.wait(who, now), "too many attempts to sign in")

    def ask(self, address: str) -> int:
        """Somebody is about to file a request for help: seconds to wait, 0 if they may now."""
        return math.ceil(self._asks.wait(_network(address), self.clock()))

    def may_look(self, address: str) -> bool:
        """Whether somebody who is about to ask may be shown what others were answered once more."""
        return not self._looks.wait(_network(address), self.clock())

    def forget(self) -> None:
        """Read the keys anew: this process has just made the first user."""
        self._read_at = -math.inf

    def _signed_in(self, secret: str) -> Caller | None:
        now = datetime.now(UTC)
        with self._database.reading() as conn:
            found = sessions.who(conn, secret, now)
        if found is None:
            return None
        user, heard = found
        if heard:
            with self._database.writing() as conn:
                sessions.heard(conn, secret, now)
        return Caller(Actor("person", user.name), user.role, frozenset(user.queues) or None)

    async def _fresh(self) -> Keys:
        keys = self._keys
        if keys is None or self.clock() - self._read_at > FRESH:
            return await run_in_threadpool(self._read)
        return keys

    def _read(self) -> Keys:
        with self._one_at_a_time:
            now = self.clock()
            if self._keys is None or now - self._read_at > FRESH:
                with self._database.reading() as conn:
                    self._keys = api_keys.in_use(conn)
                self._read_at = now
            return self._keys


def refuse_unless_allowed(caller: Caller, method: str, path: str) -> None:
    """Raise HTTPException 403 unless the caller's role may do that."""
    allowed = RIGHTS.get(("GET" if method == "HEAD" else method, path), frozenset())
    if caller.role not in allowed:
        who = " or ".join(role for role in ROLES if role in allowed) or "nobody"
        raise HTTPException(403, f"the role {caller.role} may not do this: {who} may")


def cookie(headers: Headers) -> str:
    """The secret of a browser's session; empty without one."""
    return Request({"type": "http", "headers": headers.raw}).cookies.get(COOKIE, "")


def _refuse_other_sites(headers: Headers, method: str) -> None:
    """Of what a browser sends along with our cookie, only our own pages may change anything.

    Browsers say where a request comes from (Fetch Metadata; older ones in Origin); what says neither is refused.
    """
    if method in ("GET", "HEAD"):
        return
    site, origin = headers.get("sec-fetch-site"), headers.get("origin", "")
    ours = site == "same-origin" if site else bool(origin) and origin.split("//")[-1] == headers.get("host", "")
    if not ours:
        raise HTTPException(403, "a web page of another site may not do this: use deskyard's own pages")


def _refuse_strangers(headers: Headers, address: str) -> None:
    """Without keys only this machine is trusted, and of its browsers only our own pages.

    The Host header is checked as a web page elsewhere could point its own name at the loopback address (DNS rebinding);
    the Origin, as it could send a form to ours.
    """
    host = headers.get("host", "")
    if not _OURS.fullmatch(host):
        raise HTTPException(400, "this service answers to localhost, 127.0.0.1 and [::1] only: call it by that name")
    if not _is_here(address):
        raise HTTPException(403, "only this machine may come in until the first key is made: `deskyard key create`")
    same = headers.get("sec-fetch-site") == "same-origin"  # a page without referrers sends `Origin: null`
    if not same and headers.get("origin", host).split("//")[-1] != host:
        raise HTTPException(403, "a web page of another origin may not do this: make a key and send it along")


def _refuse_if(wait: float, why: str) -> None:
    if wait:
        seconds = max(1, math.ceil(wait))
        raise HTTPException(429, f"{why}: go on after {seconds} s", {"Retry-After": str(seconds)})


@lru_cache(maxsize=1_000)
def _is_here(address: str) -> bool:
    """Whether that is this machine; what is no IP address came over a socket of this machine's file system."""
    try:
        return _ip(address).is_loopback
    except ValueError:
        return True


@lru_cache(maxsize=1_000)
def _network(address: str) -> str:
    """What one client may choose its address from: of IPv6 that is 64 bits."""
    try:
        ip = _ip(address)
    except ValueError:
        return address
    return str(ip) if ip.version == 4 else str(ipaddress.ip_network((ip, 64), strict=False))


def _ip(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    ip = ipaddress.ip_address(address)
    return getattr(ip, "ipv4_mapped", None) or ip
