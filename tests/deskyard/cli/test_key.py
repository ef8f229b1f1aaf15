"""`deskyard key`, and the notes that the command line leaves in the audit log."""

import getpass
import re
import shutil

import pytest

from deskyard.auth import api_keys
from deskyard.db.database import open_database
from deskyard.domain.actors import Actor
from deskyard.journal import audit_log
from deskyard.registry import promotion


def entries(home):
    database = open_database(f"sqlite:///{home}/deskyard.db")
    with database.reading() as conn:
        found = audit_log.list_entries(conn).items
    database.close()
    assert {entry.actor for entry in found} <= {Actor("person", getpass.getuser())}
    return [(entry.action, entry.subject) for entry in found]


def test_a_new_key_prints_its_secret_alone_on_a_line_so_that_a_script_can_take_it(command, home):
    result = command("key", "create", "mail-gateway", "--role", "machine")
    assert result.code == 0
    assert re.fullmatch(r"dy_[A-Za-z0-9_-]{43}\n", result.out)
    assert "not shown again" in result.err
    assert "Authorization: Bearer" in result.err
    assert result.out.strip() not in result.err
    database = open_database(f"sqlite:///{home}/deskyard.db")
    with database.reading() as conn:
        assert api_keys.load_active_keys(conn).find_key(result.out.strip()).role == "machine"
    database.close()


def test_only_the_first_key_is_told_to_close_the_door(command):
    assert "first key" in command("key", "create", "one", "--role", "admin").err
    assert "first key" not in command("key", "create", "two", "--role", "admin").err


def test_keys_are_listed_and_revoked(command, home):
    assert "no key" in command("key", "list").out
    secret = command("key", "create", "ci", "--role", "viewer").out.strip()
    assert command("key", "revoke", "ci").code == 0
    listed = command("key", "list").out
    assert re.search(r"^ci: viewer, created .* UTC by .*, revoked ", listed)
    assert secret not in listed
    assert entries(home) == [("key.revoke", "ci"), ("key.create", "ci (viewer)")]


@pytest.mark.parametrize(
    "words",
    [("create", "x", "--role", "root"), ("create", "x"), ("create", "", "--role", "admin"), ("revoke", "nobody")],
)
def test_what_can_not_be_done_is_a_sentence(command, words):
    result = command("key", *words)
    assert result.code == 2
    assert result.err.strip()
    assert result.out == ""


@pytest.mark.parametrize("name", ["create", "list", "revoke"])
def test_the_help_of_every_key_command_holds_an_example(command, name):
    shown = " ".join(command("key", name, "--help").out.split())
    assert "Example" in shown
    assert f"deskyard key {name}" in shown


def test_a_policy_is_noted_when_it_changes_and_only_then(command, home):
    for _ in range(2):
        assert command("policy", "halt").code == 0
    assert entries(home) == [("policy.put", "version 1")]


def test_a_model_is_noted_when_it_is_put_in_use_and_only_then(home, champion):
    shutil.copytree(champion / "models", home / "models")
    database = open_database(f"sqlite:///{home}/deskyard.db")
    for _ in range(2):
        promotion.promote(database, home / "models", "tiny", Actor("person", getpass.getuser()))
    database.close()
    ((entry, subject),) = entries(home)
    assert entry == "model.activate"
    assert re.fullmatch(r"tiny \([0-9a-f]{16}\)", subject)
