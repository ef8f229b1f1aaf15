"""The vendor's own OpenAPI file as a second, optional check of a fake help desk.

Such files are test data outside the project (`../shared/specs`). The first check, which always runs, is our own
(`wire_check`).
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl, unquote

from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.validation.response.exceptions import MissingData
from werkzeug.datastructures import Headers, ImmutableMultiDict

from tests.fakes.wire_check import UNCHECKED, is_moment

SPECS = Path(__file__).parents[2] / ".." / "shared" / "specs"


@dataclass
class Asked:
    """A request as openapi-core wants it; the host is the file's own, whatever port the fake has."""

    host_url: str
    method: str
    path: str
    parameters: RequestParameters
    body: bytes | None
    content_type: str


@dataclass
class Answered:
    """An answer, likewise."""

    status_code: int
    headers: dict
    data: bytes
    content_type: str


class VendorFile:
    """What the vendor's own file says; a comparison takes some 50 ms."""

    by_form = True

    def __init__(self, name, told):
        self.name = name
        self.told = told
        formats = {"date-time": is_moment}
        self.api = OpenAPI.from_dict(told, config=Config(spec_validator_cls=None, extra_format_validators=formats))
        self.host = told["servers"][0]["url"].rstrip("/")

    def breaches(self, exchange):
        """A sentence for each breach; none if both sides kept to the file."""
        query = parse_qsl(exchange.query, keep_blank_values=True)
        request = Asked(
            host_url=self.host,
            method=exchange.method.lower(),
            path=unquote(exchange.path),
            parameters=RequestParameters(query=ImmutableMultiDict(query), header=Headers(exchange.headers)),
            body=exchange.body or None,
            content_type=_kind(exchange.headers),
        )
        answer = Answered(exchange.status, exchange.answer_headers, exchange.answer, _kind(exchange.answer_headers))
        checks = {"request": lambda: self.api.validate_request(request)}
        if UNCHECKED not in exchange.answer_headers:
            checks[f"answer {exchange.status}"] = lambda: self.api.validate_response(request, answer)
        return [
            f"{what} of {request.method} {request.path} {why}"
            for what, check in checks.items()
            if (why := _broken(what, check))
        ]


def _kind(headers):
    return headers.get("content-type", "application/json").partition(";")[0]


def _broken(what, check):
    try:
        check()
    except MissingData:
        return "" if what == "answer 204" else "has no body"  # HTTP forbids the body that some files describe
    except Exception as error:  # openapi-core has a tree of them; each is a breach of the file
        why = getattr(error.__cause__, "schema_errors", None) or error.__cause__ or error
        return f"{type(error).__name__} {why}"
    return ""


@cache
def vendor_file(name):
    """A vendor's own file as a check, read once a session; None where it is not beside the project."""
    path = SPECS / name
    return VendorFile(name, json.loads(path.read_text())) if path.exists() else None
