"""Checks that a fake help desk and our connector follow the vendor's API: every request and every answer.

`wire/<vendor>.json` describes the part of a vendor's REST API that we use. We wrote it from facts (paths, parameters,
types, required members, limits, formats); the vendors' own files are not part of the project. Each endpoint has JSON
Schemas (draft 2020-12) of its query parameters and its body, of its answers by status (null: no body), and the statuses
of its refusals, which all have the same form. Anything that is not described is a breach: an endpoint, a parameter, a
member, a status.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote

from jsonschema import Draft202012Validator, FormatChecker

FOLDER = Path(__file__).parent / "wire"
UNCHECKED = "x-fake-breaks-its-spec"
ON_PURPOSE = {UNCHECKED: "on purpose"}
"""Header of an answer that is wrong on purpose: the request alone is checked."""

FORMATS = FormatChecker(formats=())
_FAITHFUL: set[bytes] = set()
"""Digests of exchanges that kept to a check; the same exchange is compared once a session."""

HEXADECIMAL = re.compile(r"\b(?=[a-f]*[0-9])[0-9a-f]{4,}\b")
DIGIT = re.compile("[0-9]")


@FORMATS.checks("date", raises=ValueError)
def is_date(value: Any) -> bool:
    """A day in ISO 8601."""
    return not isinstance(value, str) or bool(date.fromisoformat(value))


@FORMATS.checks("date-time", raises=ValueError)
def is_moment(value: Any) -> bool:
    """A date-time as vendors write it: RFC 3339, and +0100 for +01:00 as Jira does."""
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@dataclass(frozen=True)
class Exchange:
    """A request and its answer, as they went over the wire; names of headers are in small letters."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    status: int
    answer_headers: dict[str, str]
    answer: bytes

    def without_numbers(self) -> tuple[Any, ...]:
        """The exchange with 0 for each digit but those of its query: other ids, times and ports make no other one."""
        method, path, query, *rest = astuple(self)
        bare = [DIGIT.sub("0", HEXADECIMAL.sub(lambda run: "0" * len(run[0]), repr(part))) for part in (path, rest)]
        return method, query, *bare


class Check(Protocol):
    """What an exchange is compared with; `by_form`: exchanges that differ in numbers only are compared once."""

    name: str
    by_form: bool

    def breaches(self, exchange: Exchange) -> list[str]:
        """A sentence for each breach."""


class Description:
    """What `wire/<vendor>.json` says."""

    by_form = False

    def __init__(self, name: str, told: dict[str, Any]) -> None:
        self.name = name
        self.told = told
        self.endpoints: dict[str, dict[str, Any]] = told["endpoints"]
        fewest_names_first = sorted(self.endpoints, key=lambda endpoint: endpoint.count("{"))
        self._root = Draft202012Validator(told, format_checker=FORMATS)
        self._patterns = [(re.compile(_pattern(endpoint)), endpoint) for endpoint in fewest_names_first]

    def breaches(self, exchange: Exchange) -> list[str]:
        """A sentence for each breach; none if both sides kept to the description."""
        call = f"{exchange.method} {exchange.path}"
        found = next(((match, name) for known, name in self._patterns if (match := known.fullmatch(call))), None)
        if found is None:
            return [f"{call}: no such endpoint is described"]
        match, name = found
        breaches = [*self._of_request(exchange, self.endpoints[name], match.groupdict())]
        if UNCHECKED not in exchange.answer_headers:
            breaches += self._of_answer(exchange, self.endpoints[name])
        return [f"{call}: {breach}" for breach in breaches]

    def _of_request(self, exchange: Exchange, endpoint: dict[str, Any], names: dict[str, str]) -> Iterator[str]:
        for name, value in names.items():
            yield from self._fits(f"path {name}", self.told["path"][name], unquote(value))
        query = parse_qs(exchange.query, keep_blank_values=True)
        schema = endpoint.get("query", {"additionalProperties": False})
        yield from self._fits("query", schema, self._typed(query, schema))
        if not re.fullmatch(self.told["authorization"], exchange.headers.get("authorization", "")):
            yield "authorization is missing, or of another kind"
        if "body" not in endpoint:
            yield from ["request body: none is taken"] if exchange.body else []
        else:
            yield from self._json("request body", endpoint["body"], exchange.headers, exchange.body)

    def _of_answer(self, exchange: Exchange, endpoint: dict[str, Any]) -> Iterator[str]:
        answers = endpoint["answers"] | {str(status): self.told["refusal"] for status in endpoint["refusals"]}
        what, status = f"answer {exchange.status}", str(exchange.status)
        if status not in answers:
            yield f"{what}: no such status is described"
        elif answers[status] is None:
            yield from [f"{what}: it has a body"] if exchange.answer else []
        else:
            yield from self._json(what, answers[status], exchange.answer_headers, exchange.answer)

    def _json(self, what: str, schema: Any, headers: dict[str, str], raw: bytes) -> Iterator[str]:
        if headers.get("content-type", "").partition(";")[0] != "application/json":
            yield f"{what}: it is not called application/json"
        try:
            value = json.loads(raw)
        except ValueError:
            yield f"{what}: it is no JSON"
        else:
            yield from self._fits(what, schema, value)

    def _fits(self, what: str, schema: Any, value: Any) -> Iterator[str]:
        for error in self._root.evolve(schema=schema).iter_errors(value):
            message = error.message if len(error.message) < 300 else f"{error.message[:150]} ... {error.message[-150:]}"
            yield f"{what}: {error.json_path} {message}"

    def _typed(self, query: dict[str, list[str]], schema: Any) -> dict[str, Any]:
        """Parameters as their schemas want them: lists, numbers and truth values are texts in an address."""
        properties = self.resolved(schema).get("properties", {})
        return {name: _value(texts, self.resolved(properties.get(name, {}))) for name, texts in query.items()}

    def resolved(self, schema: Any) -> dict[str, Any]:
        """A schema itself where another one refers to it."""
        while "$ref" in schema:
            _, where, name = schema["$ref"].split("/")
            schema = self.told[where][name]
        return schema


def _pattern(endpoint: str) -> str:
    return re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(endpoint))


def _value(texts: list[str], schema: dict[str, Any]) -> Any:
    kind = schema.get("type")
    if kind == "array":
        return texts
    if len(texts) > 1:
        return texts  # a list fits no schema of a single value
    if kind == "integer" and re.fullmatch(r"-?[0-9]+", texts[0]):
        return int(texts[0])
    return {"true": True, "false": False}.get(texts[0], texts[0]) if kind == "boolean" else texts[0]


@cache
def described(vendor: str) -> Description:
    """The description of a vendor's wire, read once a session."""
    description = json.loads((FOLDER / f"{vendor}.json").read_text())
    return Description(vendor, description)


class Checked:
    """ASGI middleware that compares each exchange with every check; `broken` holds the breaches, `seen` counts."""

    def __init__(self, app: Any, *checks: Check) -> None:
        self.app = app
        self.checks = checks
        self.broken: list[str] = []
        self.seen = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_body, sent = b"", []
        more = True
        while more:
            message = await receive()
            request_body += message.get("body", b"")
            more = message.get("more_body", False)

        async def again() -> dict[str, Any]:
            return {"type": "http.request", "body": request_body, "more_body": False}

        async def keep(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.app(scope, again, keep)
        self.seen += 1
        self._compare(
            Exchange(
                method=scope["method"],
                path=scope["raw_path"].decode(),
                query=scope["query_string"].decode(),
                headers={name.decode(): value.decode() for name, value in scope["headers"]},
                body=request_body,
                status=sent[0]["status"],
                answer_headers={name.decode().lower(): value.decode() for name, value in sent[0]["headers"]},
                answer=b"".join(message.get("body", b"") for message in sent[1:]),
            )
        )
        for message in sent:
            await send(message)

    def _compare(self, exchange: Exchange) -> None:
        for check in self.checks:
            compared = exchange.without_numbers() if check.by_form else astuple(exchange)
            digest = hashlib.sha256(repr((check.name, compared)).encode()).digest()
            if digest in _FAITHFUL:
                continue
            breaches = check.breaches(exchange)
            self.broken += breaches
            if not breaches:
                _FAITHFUL.add(digest)
