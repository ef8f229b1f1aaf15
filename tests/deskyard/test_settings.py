"""Settings that can't be used, and variables that are none, are named in a sentence."""

import pytest

from deskyard.errors import BadInput
from deskyard.settings import OTHER_VARIABLES, find_unknown_variables, settings
from tests.reference import CONNECTION_VARIABLES, commands, parameters

pytestmark = pytest.mark.usefixtures("home")


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("DESKYARD_PUBLIC_URL", "javascript:alert(1)", "https://"),
        ("DESKYARD_PUBLIC_URL", "desk.example.org", "https://"),
        ("DESKYARD_PUBLIC_URL", "https://", "https://"),
        ("DESKYARD_PUBLIC_URL", "https://ann:hunter2@desk.example.org", "without a name"),
        ("DESKYARD_PUBLIC_URL", "http://[::1", "can't be used"),
        ("DESKYARD_OIDC_ISSUER", "ftp://login.example.org", "https://"),
        ("DESKYARD_TIME_ZONE", "Mars/Phobos", "timezone"),
        ("DESKYARD_TIME_ZONE", "../../etc/passwd", "timezone"),
        ("DESKYARD_PULL_INTERVAL", "0", "greater than or equal to 1"),
        ("DESKYARD_PULL_INTERVAL", "often", "number"),
        ("DESKYARD_PULL_INTERVAL", "nan", "must be"),
        ("DESKYARD_PULL_INTERVAL", "inf", "must be"),
        ("DESKYARD_STORE_TIMEOUT", "-1", "greater than 0"),
        ("DESKYARD_NOTIFY_ALLOW", "10.0.0.0/8", "JSON list"),
        ("DESKYARD_NOTIFY_ALLOW", '{"a": 1}', "must be"),
    ],
)
def test_a_value_that_can_not_be_used_is_a_sentence_that_names_the_variable(monkeypatch, variable, value, reason):
    monkeypatch.setenv(variable, value)
    with pytest.raises(BadInput, match=variable) as raised:
        settings()
    assert reason in str(raised.value)
    assert "hunter2" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_values_that_people_use_are_taken(monkeypatch):
    monkeypatch.setenv("DESKYARD_PUBLIC_URL", "https://desk.example.org:8443/help/")
    monkeypatch.setenv("DESKYARD_OIDC_ISSUER", "https://login.example.org/realms/desk")
    monkeypatch.setenv("DESKYARD_NOTIFY_ALLOW", '["10.0.0.0/8", "hooks.local"]')
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://mlflow/runs")
    found = settings()
    assert found.notify_allow == ("10.0.0.0/8", "hooks.local")
    assert found.tracking_uri == "postgresql://mlflow/runs"


def test_a_variable_that_means_nothing_is_named_with_the_one_that_was_meant():
    names = ["DESKYARD_OIDC_ISUER", "DESKYARD_FOO", "PATH", "DESKYARD_HOME", "DESKYARD_SECRET_ZNUNY", *OTHER_VARIABLES]
    assert list(find_unknown_variables(names)) == [
        "DESKYARD_FOO is no setting and does nothing",
        "DESKYARD_OIDC_ISUER is no setting and does nothing (did you mean DESKYARD_OIDC_ISSUER?)",
    ]


def test_every_variable_of_an_option_or_a_bundle_is_known():
    options = {parameter.envvar for command in commands().values() for parameter in parameters(command)}
    named = {name for name in CONNECTION_VARIABLES if not name.endswith("_NAME")}
    assert set(OTHER_VARIABLES) == {name for name in options | named if name}
