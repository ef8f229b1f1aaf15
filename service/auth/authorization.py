"""Who the caller is, what each role may do, and how often.

Programs send an API key, browsers the cookie of a session, which gives access to pages only. `PERMISSIONS` is the only
table of permissions; an address without a line in it is refused to everybody. Nothing here reads the body of a request.
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
from deskyard.auth.api_keys import ROLES, ActiveKeys
from deskyard.db.database import Database
from deskyard.domain.actors import Actor
from service.auth.rate_limit import RateLimiter


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent the request. `queues`: the queues whose tickets they may see; None: all queues."""

    actor: Actor
    role: str
    queues: frozenset[str] | None = None

    def may_see(self, queue: str) -> bool:
        """Whether the caller may see the tickets of a queue."""
        return self.queues is None or queue in self.queues

    def may(self, method: str, path: str) -> bool:
        """Whether the caller's role has the permission for a method and a path pattern."""
        return self.role in PERMISSIONS.get((method, path), frozenset())


LOCAL_CALLER: Final = Caller(Actor("person", "local"), "admin")
"""Any caller from this machine, until the first key exists."""

GUEST: Final = Caller(Actor("person", "guest"), "guest", frozenset())
"""A caller who is not signed in, on a public page."""

UNAUTHENTICATED_ROUTES: Final = frozenset({"/livez", "/readyz", "/v1/hooks/{name}", "/v1/hooks/{name}/{secret}"})
"""Addresses for supervisors, which have no key, and for webhooks, which are signed or send a secret."""

PUBLIC_PAGES: Final = frozenset(
    {
        "/static",
        "/language",
        "/sign-in",
        "/sign-in/oidc",
        "/sign-in/oidc/callback",
        "/sign-out",
        "/set-up/{token}",
        "/submit",
        "/submit/suggestions",
        "/status/{secret}",
        "/status/{secret}/reply",
        "/status/{secret}/rating",
    }
)
"""Pages that need no sign-in."""

SESSION_COOKIE: Final = "deskyard_session"

Roles = frozenset[str]
CAN_READ: Final[Roles] = frozenset(ROLES)
CAN_WORK: Final[Roles] = frozenset({"agent", "manager", "admin", "machine"})
CAN_MANAGE: Final[Roles] = frozenset({"manager", "admin"})
CAN_ADMINISTER: Final[Roles] = frozenset({"admin"})

PERMISSIONS: Final[Mapping[tuple[str, str], Roles]] = {
    ("GET", "/"): CAN_READ,
    ("GET", "/overview"): CAN_READ,
    ("GET", "/review"): CAN_WORK,
    ("POST", "/review/{id}"): CAN_WORK,
    ("POST", "/review/{id}/hold"): CAN_WORK,
    ("GET", "/tickets/{id}"): CAN_READ,
    ("POST", "/tickets/{id}"): CAN_WORK,
    ("POST", "/tickets/{id}/comments"): CAN_WORK,
    ("POST", "/tickets/{id}/verify"): CAN_WORK,
    ("POST", "/tickets/{id}/undo"): CAN_WORK,
    ("GET", "/queues/{name:path}"): CAN_READ,
    ("POST", "/queues/{name:path}"): CAN_WORK,
    ("GET", "/openapi.json"): CAN_READ,
    ("GET", "/docs"): CAN_READ,
    ("GET", "/metrics"): CAN_READ,
    ("GET", "/v1/me"): CAN_READ,
    ("GET", "/v1/tickets/{id}"): CAN_READ,
    ("GET", "/v1/changes"): CAN_READ,
    ("GET", "/v1/changes/{id}"): CAN_READ,
    ("GET", "/v1/catalogue"): CAN_READ,
    ("GET", "/v1/queues"): CAN_READ,
    ("GET", "/v1/queues/{name:path}"): CAN_READ,
    ("GET", "/v1/queues/{name:path}/tickets"): CAN_READ,
    ("GET", "/v1/agents"): CAN_READ,
    ("GET", "/v1/agents/{name:path}"): CAN_READ,
    ("GET", "/v1/decisions/{id}"): CAN_READ,
    ("GET", "/v1/connections"): CAN_READ,
    ("GET", "/v1/deliveries"): CAN_READ,
    ("GET", "/v1/models/current"): CAN_READ,
    ("GET", "/v1/models"): CAN_MANAGE,
    ("GET", "/v1/models/challenger"): CAN_MANAGE,
    ("GET", "/v1/models/retraining"): CAN_MANAGE,
    ("GET", "/v1/policy"): CAN_READ,
    ("GET", "/v1/policy/versions"): CAN_READ,
    ("GET", "/v1/policy/taxonomy"): CAN_MANAGE,
    ("GET", "/v1/labels"): CAN_WORK,
    ("POST", "/v1/score"): CAN_READ,  # writes nothing
    ("POST", "/v1/tickets"): CAN_WORK,
    ("PATCH", "/v1/tickets/{id}"): CAN_WORK,
    ("POST", "/v1/tickets/{id}/comments"): CAN_WORK,
    ("PUT", "/v1/queues/{name:path}"): CAN_MANAGE,
    ("PUT", "/v1/agents/{name:path}"): CAN_MANAGE,
    ("POST", "/v1/deliveries/{id}/retry"): CAN_MANAGE,
    ("GET", "/v1/audit"): CAN_MANAGE,
    ("GET", "/reports"): CAN_MANAGE,
    ("GET", "/reports/tickets"): CAN_MANAGE,
    ("GET", "/reports/panels.css"): CAN_MANAGE,
    ("GET", "/reports/csv/{name}"): CAN_MANAGE,
    ("GET", "/reports/{name}"): CAN_MANAGE,
    ("GET", "/left-out-mails"): CAN_MANAGE,
    ("POST", "/left-out-mails/{id}"): CAN_MANAGE,
    ("GET", "/models"): CAN_MANAGE,
    ("GET", "/models/what-if"): CAN_MANAGE,
    ("GET", "/models/training"): CAN_MANAGE,
    ("GET", "/models/live"): CAN_MANAGE,
    ("GET", "/models/policy"): CAN_MANAGE,
    ("GET", "/models/{name}/report"): CAN_MANAGE,
    ("POST", "/models/promote"): CAN_ADMINISTER,
    ("POST", "/models/rollback"): CAN_ADMINISTER,
    ("POST", "/models/challenge"): CAN_ADMINISTER,
    ("POST", "/models/retrain"): CAN_ADMINISTER,
    ("POST", "/models/halt"): CAN_ADMINISTER,
    ("POST", "/models/resume"): CAN_ADMINISTER,
    ("POST", "/models/policy"): CAN_ADMINISTER,
    ("POST", "/models/policy/breaker"): CAN_ADMINISTER,
    ("POST", "/models/policy/text"): CAN_ADMINISTER,
    ("POST", "/models/train"): CAN_ADMINISTER,
    ("POST", "/models/train/cancel"): CAN_ADMINISTER,
    ("PUT", "/v1/policy"): CAN_ADMINISTER,
    ("POST", "/v1/erasures"): CAN_ADMINISTER,
    ("POST", "/v1/policy/taxonomy"): CAN_ADMINISTER,
    ("POST", "/v1/models/{name}/activate"): CAN_ADMINISTER,
    ("POST", "/v1/models/rollback"): CAN_ADMINISTER,
    ("PUT", "/v1/models/challenger"): CAN_ADMINISTER,
    ("DELETE", "/v1/models/challenger"): CAN_ADMINISTER,
    ("POST", "/v1/models/retraining"): CAN_ADMINISTER,
}
"""(method, path pattern of the route) → the roles with that permission. GET includes HEAD."""

REQUEST_LIMIT: Final = (200.0, 400)
"""Requests of one caller: a second, and at once."""

WRONG_KEY_LIMIT: Final = (10 / 60, 10)
"""Wrong keys from one address: a second, and at once."""

SUBMISSION_LIMIT: Final = (1 / 60, 10)
"""Tickets submitted on the requester pages from one address: a second, and at once."""

ANSWER_SEARCH_LIMIT: Final = (2.0, 20)
"""Searches for shared answers from one address: a second, and at once."""

KEY_CACHE_SECONDS: Final = 0.5
"""Seconds that keys are cached, so that a revoked key is refused within a second."""

_BEARER: Final = re.compile(r"bearer +(\S+) *", re.IGNORECASE)
_LOOPBACK_HOST: Final = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)
_KEY_NEEDED: Final = "send a key in the header Authorization: Bearer dy_...; `deskyard key create` makes one"
_KEY_UNKNOWN: Final = "this key is unknown or was revoked: check it for typing errors, or ask for a new one"
_CHALLENGE: Final = {"WWW-Authenticate": "Bearer"}


class AccessControl:
    """Authenticates callers by key or session, and limits how often each of them may call."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        """Read keys and sessions from `database`; `clock` gives seconds."""
        self.clock = clock
        self._database = database
        self._keys: ActiveKeys | None = None
        self._read_at = 0.0
        self._lock = threading.Lock()
        self._requests = RateLimiter(*REQUEST_LIMIT)
        self._failures = RateLimiter(*WRONG_KEY_LIMIT)
        self._submissions = RateLimiter(*SUBMISSION_LIMIT)
        self._answer_searches = RateLimiter(*ANSWER_SEARCH_LIMIT)

    async def authenticate(self, headers: Headers, address: str, method: str, path: str) -> Caller:
        """The caller of a request. Raises HTTPException: 401 without a valid key or session, 429 for too many requests,
        400 and 403 for requests from other machines before the first key exists and from pages of other sites."""
        keys = await self._current_keys()
        if not keys.is_required:
            _refuse_remote(headers, address)
            return LOCAL_CALLER
        if "authorization" not in headers:
            secret = session_cookie(headers)
            if secret and not path.startswith("/v1"):
                _refuse_cross_site(headers, method)
                user = await run_in_threadpool(self._session_user, secret)
                if user is not None:
                    self._count_for(f"user {user.actor.name}")
                    return user
            self.count_request(address)
            if path in PUBLIC_PAGES:
                _refuse_cross_site(headers, method)
                return GUEST
            raise HTTPException(401, _KEY_NEEDED, _CHALLENGE)
        bearer = _BEARER.fullmatch(headers["authorization"])
        key = keys.find_key(bearer[1]) if bearer else None
        if key is None:
            # Valid keys are accepted from any address: otherwise one caller could lock out all others behind the same
            # proxy, and nobody guesses 256 bits.
            refuse_if(self._failures.wait(network_of(address), self.clock()), "too many wrong keys from your address")
            raise HTTPException(401, _KEY_UNKNOWN, _CHALLENGE)
        self._count_for(f"key {key.name}")
        return Caller(Actor("machine" if key.role == "machine" else "person", key.name), key.role)

    def count_request(self, address: str) -> None:
        """Count a request without a key; requests from this machine are not limited. Raises HTTPException 429."""
        if not _is_local(address):
            self._count_for(network_of(address))

    def _count_for(self, name: str) -> None:
        refuse_if(self._requests.wait(name, self.clock()), "too many requests")

    def submission_wait(self, address: str) -> int:
        """Count a submission from the requester pages; returns the seconds to wait, 0 if it is allowed now."""
        return math.ceil(self._submissions.wait(network_of(address), self.clock()))

    def may_search_answers(self, address: str) -> bool:
        """Count a search for shared answers; returns whether it is allowed now."""
        return not self._answer_searches.wait(network_of(address), self.clock())

    def reload_keys(self) -> None:
        """Read the keys again at the next request, after this process created the first user."""
        self._read_at = -math.inf

    def _session_user(self, secret: str) -> Caller | None:
        now = datetime.now(UTC)
        with self._database.reading() as conn:
            found = sessions.find_session_user(conn, secret, now)
        if found is None:
            return None
        user, needs_touch = found
        if needs_touch:
            with self._database.writing() as conn:
                sessions.touch_session(conn, secret, now)
        return Caller(Actor("person", user.name), user.role, frozenset(user.queues) or None)

    async def _current_keys(self) -> ActiveKeys:
        keys = self._keys
        if keys is None or self.clock() - self._read_at > KEY_CACHE_SECONDS:
            return await run_in_threadpool(self._load_keys)
        return keys

    def _load_keys(self) -> ActiveKeys:
        with self._lock:
            now = self.clock()
            if self._keys is None or now - self._read_at > KEY_CACHE_SECONDS:
                with self._database.reading() as conn:
                    self._keys = api_keys.load_active_keys(conn)
                self._read_at = now
            return self._keys


def require_permission(caller: Caller, method: str, path: str) -> None:
    """Raise HTTPException 403 unless the caller's role has the permission."""
    allowed = PERMISSIONS.get(("GET" if method == "HEAD" else method, path), frozenset())
    if caller.role not in allowed:
        who = " or ".join(role for role in ROLES if role in allowed) or "nobody"
        raise HTTPException(403, f"the role {caller.role} may not do this: {who} may")


def session_cookie(headers: Headers) -> str:
    """The secret of a browser's session; "" without one."""
    return Request({"type": "http", "headers": headers.raw}).cookies.get(SESSION_COOKIE, "")


def _refuse_cross_site(headers: Headers, method: str) -> None:
    """Raise HTTPException 403 if a request with our cookie that may change something does not come from our own pages.

    Browsers send the origin of a request (Fetch Metadata, older ones Origin); requests with neither are refused.
    """
    if method in ("GET", "HEAD"):
        return
    site, origin = headers.get("sec-fetch-site"), headers.get("origin", "")
    is_own_page = site == "same-origin" if site else bool(origin) and origin.split("//")[-1] == headers.get("host", "")
    if not is_own_page:
        raise HTTPException(403, "a web page of another site may not do this: use deskyard's own pages")


def _refuse_remote(headers: Headers, address: str) -> None:
    """While there are no keys, raise HTTPException unless the request comes from this machine, and not from other
    sites.

    The Host header is checked because another site could point its own name at the loopback address (DNS rebinding);
    the Origin, because another site could send a form to this service.
    """
    host = headers.get("host", "")
    if not _LOOPBACK_HOST.fullmatch(host):
        raise HTTPException(400, "this service answers only to localhost, 127.0.0.1 and [::1]: use one of these names")
    if not _is_local(address):
        raise HTTPException(
            403, "only this machine has access until the first key exists: create one with `deskyard key create`"
        )
    is_own_page = headers.get("sec-fetch-site") == "same-origin"  # a page without referrers sends `Origin: null`
    if not is_own_page and headers.get("origin", host).split("//")[-1] != host:
        raise HTTPException(
            403, "a web page of another origin may not do this: create a key and send it with the request"
        )


def refuse_if(wait: float, problem: str) -> None:
    """Raise HTTPException 429 with the `problem` if there are seconds to wait."""
    if wait:
        seconds = max(1, math.ceil(wait))
        raise HTTPException(429, f"{problem}: try again in {seconds} s", {"Retry-After": str(seconds)})


@lru_cache(maxsize=1_000)
def _is_local(address: str) -> bool:
    """Whether the address is of this machine; if it is no IP address, the request came over a Unix socket."""
    try:
        return _ip(address).is_loopback
    except ValueError:
        return True


@lru_cache(maxsize=1_000)
def network_of(address: str) -> str:
    """The network within which a client can choose its address: an IPv4 address, or 64 bits of an IPv6 address."""
    try:
        ip = _ip(address)
    except ValueError:
        return address
    return str(ip) if ip.version == 4 else str(ipaddress.ip_network((ip, 64), strict=False))


def _ip(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    ip = ipaddress.ip_address(address)
    return getattr(ip, "ipv4_mapped", None) or ip
