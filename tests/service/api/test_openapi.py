"""The API behaves as its OpenAPI description says, checked by schemathesis for each operation."""

import shutil
from contextlib import suppress

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from deskyard.settings import Settings
from service.app import create_app

FOLLOWS, BREAKS = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
EXAMPLES = [
    pytest.param(FOLLOWS, 3, id="follows"),
    pytest.param(BREAKS, 3, id="breaks"),
    pytest.param(FOLLOWS, 20, id="follows-many", marks=pytest.mark.scale),
    pytest.param(BREAKS, 10, id="breaks-many", marks=pytest.mark.scale),
]
"""Requests to each operation that follow its description, or do not, and how many."""

TAKES_ANYTHING = {
    "GET /v1/changes/{id}",
    "GET /v1/decisions/{id}",
    "GET /v1/tickets/{id}",
    "POST /v1/deliveries/{id}/retry",
    "POST /v1/hooks/{name}",
    "POST /v1/hooks/{name}/{secret}",
    "POST /v1/models/{name}/activate",
}
"""Operations whose description no request breaks; finding that out takes 3 s each, so only `make scale` tries."""

HERE = {"Host": "localhost"}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@schemathesis.serializer("application/toml")
def encode_toml(_context, value):
    return str(value).encode(errors="replace")


@pytest.fixture(scope="module")
def schema(tmp_path_factory, champion):
    """The schema of a service with a model and a ticket, on a database that the requests may change."""
    home = tmp_path_factory.mktemp("schema")
    shutil.copytree(champion / "models", home / "models")
    app = create_app(Settings(home=home))
    loaded = schemathesis.openapi.from_asgi("/openapi.json", app, headers=HERE)
    first = next(
        operation.ok() for operation in loaded.get_all_operations() if operation.ok().label == "POST /v1/tickets"
    )
    assert first.Case(body={"subject": "VPN"}, media_type="application/json").call(headers=HERE).status_code == 201
    yield loaded
    app.state.training.cancel()
    app.state.context.database.close()


@pytest.mark.parametrize(("mode", "examples"), EXAMPLES)
def test_every_operation_answers_as_described(schema, mode, examples):
    bounded = hypothesis_settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    tried = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.label in TAKES_ANYTHING and (mode, examples) == (BREAKS, 3):
            continue

        @bounded
        @given(case=operation.as_strategy(mode))
        def answers_as_described(case):
            case.call_and_validate(checks=CHECKS, headers=HERE)
            tried.add(case.operation.label)

        with suppress(Unsatisfiable):  # an operation without parameters has no invalid requests
            answers_as_described()
    if mode is FOLLOWS:
        assert len(tried) == schema.statistic.operations.total
        assert tried > TAKES_ANYTHING
    else:
        assert len(tried) > 20
        assert not tried & TAKES_ANYTHING


def test_an_empty_idempotency_key_is_ignored(client):
    sent = [client.post("/v1/tickets", json={"body": "VPN"}, headers={"Idempotency-Key": ""}) for _ in range(2)]
    assert [answered.status_code for answered in sent] == [201, 201]
    address = f"/v1/tickets/{sent[0].json()['ticket']['id']}/comments"
    comments = [client.post(address, json={"text": "?"}, headers={"Idempotency-Key": ""}) for _ in range(2)]
    assert [answered.status_code for answered in comments] == [201, 201]


def test_the_idempotency_key_does_not_matter_beside_an_external_id(client):
    key = {"Idempotency-Key": "1"}
    sent = [client.post("/v1/tickets", json={"external_id": number}, headers=key) for number in ("a", "b", "a")]
    assert [answered.status_code for answered in sent] == [201, 201, 200]


@pytest.mark.parametrize(("address", "body"), [("queues", {}), ("agents", {})])
def test_a_name_that_is_too_long_is_refused_with_a_sentence(client, address, body):
    answered = client.put(f"/v1/{address}/{'щ' * 501}", json=body)
    assert answered.status_code == 422
    assert "at most" in answered.json()["detail"]
    assert client.put(f"/v1/{address}/{'щ' * 200}", json=body).status_code == 200
