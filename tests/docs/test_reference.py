"""docs/reference says what the code says, and explains all of it."""

import pytest

from tests.docs.markdown import ROOT
from tests.reference import FOLDER, all_pages, commands, metric_rows, openapi, parameters, settings_rows

MADE_ANEW = "run `make reference`"


@pytest.fixture(scope="module")
def described():
    return openapi()


@pytest.fixture(scope="module")
def known_commands():
    return commands()


def test_the_pages_are_what_the_code_makes():
    made = all_pages()
    assert sorted(file.name for file in FOLDER.glob("*")) == sorted(made), MADE_ANEW
    for name, text in made.items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text, f"docs/reference/{name}: {MADE_ANEW}"


def test_every_command_argument_and_option_has_a_help_text(known_commands):
    without = [name for name, command in known_commands.items() if not (command.help or "").strip()]
    assert without == []
    shown = [(name, one) for name, command in known_commands.items() for one in parameters(command)]
    assert [f"{name} {one.opts[0]}" for name, one in shown if not (one.help or "").strip()] == []
    assert len(shown) > 150


def test_every_setting_has_a_description():
    rows = settings_rows()
    assert [row[0] for row in rows if not row[3].strip()] == []
    assert len(rows) > 10


def test_every_operation_of_the_api_and_each_of_its_parameters_has_a_description(described):
    without = []
    for path, item in described["paths"].items():
        for method, operation in item.items():
            without += [] if operation.get("description", "").strip() else [f"{method} {path}"]
            without += [
                f"{method} {path} {one['name']}"
                for one in operation.get("parameters", ())
                if not one.get("description", "").strip()
            ]
    assert without == []


def test_every_member_of_a_request_or_response_has_a_description(described):
    schemas = described["components"]["schemas"]
    assert [name for name, schema in schemas.items() if not schema.get("description", "").strip()] == []
    members = [(name, *pair) for name, schema in schemas.items() for pair in schema.get("properties", {}).items()]
    assert [f"{name}.{member}" for name, member, one in members if not one.get("description", "").strip()] == []
    assert len(members) > 300


def test_every_metric_has_a_description_and_a_name_of_ours():
    rows = metric_rows()
    assert [row[0] for row in rows if not row[3].strip() or not row[0].startswith("`deskyard_")] == []
    assert len(rows) > 3


def test_the_pages_can_be_found():
    for page in ("README.md", "docs/administrator.md", "docs/architecture.md"):
        assert "reference/" in (ROOT / page).read_text(encoding="utf-8"), page
