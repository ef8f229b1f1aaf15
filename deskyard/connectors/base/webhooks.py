"""Checks webhooks: signatures and secrets, compared in constant time, and their age.

A signed webhook proves sender, content and time; a secret in a header or path proves the sender alone, so its content
is only a hint and the ticket is fetched.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from deskyard.errors import BadSignature, StaleWebhook

MAX_AGE_SECONDS: Final = 300.0
"""Seconds that the time of a webhook may differ from ours, either way."""

SECRET_HEADER: Final = "x-deskyard-secret"  # noqa: S105 - a header's name
"""The header in which a help desk that does not sign sends the secret; a secret in the URL is put here, too."""

_ENCODERS: Final[Mapping[str, Callable[[bytes], str]]] = {
    "hex": bytes.hex,
    "base64": lambda raw: base64.b64encode(raw).decode(),
}


def lower_header_names(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers with their names in lower case."""
    return {name.lower(): value for name, value in headers.items()}


def check_signature(secret: str, signature: str, signed: bytes, digest: str = "sha256", encoding: str = "hex") -> None:
    """Raise BadSignature unless `signature` is the HMAC of `signed` (RFC 2104) with a secret that is not empty.

    >>> check_signature("key", "", b"body")
    Traceback (most recent call last):
    deskyard.errors.BadSignature: the webhook's signature is wrong: compare the secret here and at the help desk
    """
    made = _ENCODERS[encoding](hmac.new(secret.encode(), signed, digest).digest())
    if not secret or not hmac.compare_digest(made.encode(), signature.strip().encode()):
        raise BadSignature("the webhook's signature is wrong: compare the secret here and at the help desk")


def check_secret(sha256: str, headers: Mapping[str, str]) -> None:
    """Raise BadSignature unless the secret in the header has that SHA-256 (hexadecimal)."""
    shown = lower_header_names(headers).get(SECRET_HEADER, "")
    if not sha256 or not hmac.compare_digest(hash_secret(shown), sha256):
        raise BadSignature("the webhook has no valid secret: compare its URL here and at the help desk")


def hash_secret(secret: str) -> str:
    """The SHA-256 of a secret, hexadecimal; only this is stored."""
    return hashlib.sha256(secret.encode()).hexdigest()


def check_age(moment: datetime, now: datetime) -> None:
    """Raise StaleWebhook for a time more than `MAX_AGE_SECONDS` from now."""
    if abs((now - moment).total_seconds()) > MAX_AGE_SECONDS:
        raise StaleWebhook("the webhook is older (or newer) than five minutes: compare the clocks at both ends")


def parse_timestamp(text: str) -> datetime:
    """The time in a header: ISO 8601, or seconds or milliseconds since 1970. Raises StaleWebhook.

    >>> parse_timestamp("1700000000") == parse_timestamp("1700000000000") == parse_timestamp("2023-11-14T22:13:20Z")
    True
    """
    try:
        if re.fullmatch(r"[0-9]{1,16}", text):
            number = int(text)
            return datetime.fromtimestamp(number / 1000 if number > 10**11 else number, UTC)
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError) as error:
        raise StaleWebhook("the webhook does not say when it was sent") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def parse_body(raw: bytes) -> dict[str, Any]:
    """The JSON object in the body of a webhook. Raises BadSignature for anything else, which no help desk sends."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise BadSignature("the webhook is not a JSON object")
    return found


def verify_deskyard_webhook(secret: str, headers: Mapping[str, str], raw: bytes, now: datetime) -> dict[str, Any]:
    """The body of a webhook in our own format, as sent by another deskyard or by one of our add-ons.

    The header X-Deskyard-Timestamp holds seconds since 1970, X-Deskyard-Signature "sha256=" and the HMAC of that time,
    a dot and the body. Raises BadSignature and StaleWebhook.
    """
    lowered = lower_header_names(headers)
    moment = lowered.get("x-deskyard-timestamp", "")
    signature = lowered.get("x-deskyard-signature", "").removeprefix("sha256=")
    check_signature(secret, signature, f"{moment}.".encode() + raw)
    check_age(parse_timestamp(moment), now)
    return parse_body(raw)


def make_event_id(*parts: object) -> str:
    """An id for an event of a help desk that gives none; the same parts give the same id."""
    return hashlib.sha256("\x00".join(map(str, parts)).encode()).hexdigest()[:24]
