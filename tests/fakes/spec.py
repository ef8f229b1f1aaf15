"""Whether a fake help desk speaks as its vendor's OpenAPI file says: every request and every answer is compared.

In come an ASGI app and a vendor's file (test data beside the project, never part of it); out go the sentences in
`broken`, empty if both sides kept to the file. A test whose file is missing is skipped, with the file's place as
reason.
"""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.validation.response.exceptions import MissingData
from werkzeug.datastructures import Headers, ImmutableMultiDict

SPECS = Path(__file__).parents[2] / ".." / "shared" / "specs"
UNCHECKED = b"x-fake-breaks-its-spec"
"""Header of an answer that is wrong on purpose."""

_FAITHFUL = set()
"""Digests of exchanges that kept to the file, to the letter; a comparison takes some 10 ms."""


def is_moment(text):
    """A date-time as vendors write it: RFC 3339, and +0100 for +01:00 (Jira's own examples)."""
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


@cache
def described(name):
    """A vendor's file, read once a session."""
    path = SPECS / name
    if not path.exists():
        pytest.skip(f"the fake can't be checked: the vendor's file ../shared/specs/{name} is not beside the project")
    return OpenAPI.from_dict(
        json.loads(path.read_text()),
        config=Config(spec_validator_cls=None, extra_format_validators={"date-time": is_moment}),
    )


@dataclass
class Asked:
    """A request as openapi-core wants it; the host is the file's own, whatever port the fake has."""

    host_url: str
    method: str
    path: str
    parameters: RequestParameters
    body: bytes
    content_type: str


@dataclass
class Answered:
    """An answer, likewise."""

    status_code: int
    headers: dict
    data: bytes
    content_type: str = field(default="application/json")


class Checked:
    """ASGI middleware that compares what goes in and out."""

    def __init__(self, app, name):
        self.app = app
        self.name = name
        self.api = described(name)
        self.host = self.api.spec["servers"].read_value()[0]["url"].rstrip("/")
        self.broken = []
        self.seen = 0

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        asked, said = b"", []
        more = True
        while more:
            message = await receive()
            asked += message.get("body", b"")
            more = message.get("more_body", False)

        async def again():
            return {"type": "http.request", "body": asked, "more_body": False}

        async def keep(message):
            said.append(message)

        await self.app(scope, again, keep)
        self._compare(scope, asked, said)
        for message in said:
            await send(message)
        return None

    def _compare(self, scope, body, said):
        self.seen += 1
        exchange = repr((scope["method"], scope["path"], scope["query_string"], body, said)).encode()
        digest = hashlib.sha256(self.name.encode() + exchange).digest()
        if digest in _FAITHFUL:
            return
        before = len(self.broken)
        self._look(scope, body, said)
        if len(self.broken) == before:
            _FAITHFUL.add(digest)

    def _look(self, scope, body, said):
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        query = parse_qsl(scope["query_string"].decode(), keep_blank_values=True)
        request = Asked(
            host_url=self.host,
            method=scope["method"].lower(),
            path=scope["path"],
            parameters=RequestParameters(query=ImmutableMultiDict(query), header=Headers(headers)),
            body=body or None,
            content_type=headers.get("content-type", "application/json").partition(";")[0],
        )
        start = said[0]
        told = dict(start["headers"])
        answer = Answered(
            status_code=start["status"],
            headers={name.decode(): value.decode() for name, value in start["headers"]},
            data=b"".join(message.get("body", b"") for message in said[1:]),
            content_type=told.get(b"content-type", b"application/json").decode().partition(";")[0],
        )
        self._note(request, "request", lambda: self.api.validate_request(request))
        if UNCHECKED not in told:
            self._note(request, f"answer {answer.status_code}", lambda: self.api.validate_response(request, answer))

    def _note(self, request, what, check):
        try:
            check()
        except MissingData:
            if what != "answer 204":  # HTTP forbids the body that some files describe
                self.broken.append(f"{what} of {request.method} {request.path} has no body")
        except Exception as error:  # openapi-core has a tree of them; each is a breach of the file
            why = getattr(error.__cause__, "schema_errors", None) or error.__cause__ or error
            self.broken.append(f"{what} of {request.method} {request.path}: {type(error).__name__} {why}")
