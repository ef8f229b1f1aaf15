"""The API does what its description says, whatever is sent: found out by schemathesis, operation by operation."""

import shutil
from contextlib import suppress

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis
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

EXAMPLES = {GenerationMode.POSITIVE: 20, GenerationMode.NEGATIVE: 10}
"""Requests of an operation that follow its description, and that do not."""

HERE = {"Host": "localhost"}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@schemathesis.serializer("application/toml")
def as_it_stands(_context, value):
    return str(value).encode(errors="replace")


@pytest.fixture(scope="module")
def described(tmp_path_factory, champion):
    """The description of a service with a model and a ticket, on a database that the requests may spoil."""
    home = tmp_path_factory.mktemp("described")
    shutil.copytree(champion / "models", home / "models")
    app = create_app(Settings(home=home))
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, headers=HERE)
    first = next(
        operation.ok() for operation in schema.get_all_operations() if operation.ok().label == "POST /v1/tickets"
    )
    assert first.Case(body={"subject": "VPN"}, media_type="application/json").call(headers=HERE).status_code == 201
    yield schema
    app.state.training.cancel()
    app.state.context.database.close()


@pytest.mark.parametrize("mode", EXAMPLES, ids=lambda mode: mode.value)
def test_every_operation_answers_as_described(described, mode):
    bounded = hypothesis(
        max_examples=EXAMPLES[mode],
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    tried = set()
    for found in described.get_all_operations():
        operation = found.ok()

        @bounded
        @given(case=operation.as_strategy(mode))
        def answers_as_described(case):
            case.call_and_validate(checks=CHECKS, headers=HERE)
            tried.add(case.operation.label)

        with suppress(Unsatisfiable):  # what takes nothing can't be asked wrongly
            answers_as_described()
    if mode is GenerationMode.POSITIVE:
        assert len(tried) == described.statistic.operations.total


def test_an_empty_name_of_a_request_names_nothing(client):
    sent = [client.post("/v1/tickets", json={"body": "VPN"}, headers={"Idempotency-Key": ""}) for _ in range(2)]
    assert [answered.status_code for answered in sent] == [201, 201]
    address = f"/v1/tickets/{sent[0].json()['ticket']['id']}/comments"
    said = [client.post(address, json={"text": "?"}, headers={"Idempotency-Key": ""}) for _ in range(2)]
    assert [answered.status_code for answered in said] == [201, 201]


def test_the_name_of_a_request_does_not_matter_beside_the_tickets_own(client):
    named = {"Idempotency-Key": "1"}
    sent = [client.post("/v1/tickets", json={"external_id": number}, headers=named) for number in ("a", "b", "a")]
    assert [answered.status_code for answered in sent] == [201, 201, 200]


@pytest.mark.parametrize(("address", "body"), [("queues", {}), ("agents", {})])
def test_a_name_that_no_database_can_keep_is_refused_with_a_sentence(client, address, body):
    answered = client.put(f"/v1/{address}/{'щ' * 501}", json=body)
    assert answered.status_code == 422
    assert "at most" in answered.json()["detail"]
    assert client.put(f"/v1/{address}/{'щ' * 200}", json=body).status_code == 200
