"""The versions of the policy, and the command that switches them."""

from datetime import UTC, datetime

from sqlalchemy import insert

from deskyard.db.tables.policy import POLICY_VERSIONS
from deskyard.policy.policy import Mode, Policy
from deskyard.policy.toml_format import format_policy, parse_policy
from deskyard.policy.versions import DEFAULT_POLICY, Policies

NOW = datetime(2026, 1, 31, tzinfo=UTC)


def test_the_newest_version_is_in_force_and_none_is_lost(database):
    with database.reading() as conn:
        assert Policies.current(conn).policy == DEFAULT_POLICY
    for mode in (Mode.OFF, Mode.SHADOW):
        with database.writing() as conn:
            Policies.add_version(conn, Policy(mode=mode), "ann", NOW)
    with database.reading() as conn:
        assert Policies.current(conn).policy.mode is Mode.SHADOW
        assert [(v.number, v.policy.mode.value, v.actor) for v in Policies.list_recent(conn, 9)] == [
            (2, "shadow", "ann"), (1, "off", "ann"),
        ]  # fmt: skip


def test_putting_the_same_policy_again_makes_no_version(database):
    for _ in range(2):
        with database.writing() as conn:
            assert Policies.add_version(conn, Policy(mode=Mode.OFF), "ann", NOW).number == 1


def test_modes_are_switched_shown_exported_and_imported_from_the_command_line(command, home):
    assert "the default" in command("policy", "show").out
    assert command("policy", "mode", "suggest").code == 0
    assert command("policy", "mode", "route", "--queue", "Сеть / VPN").code == 0
    assert command("policy", "mode", "off", "--target", "assignee").code == 0
    assert command("policy", "mode", "shadow", "--target", "priority", "--queue", "Billing").code == 0
    assert command("policy", "export", home / "policy.toml").code == 0
    exported = parse_policy((home / "policy.toml").read_text(encoding="utf-8"))
    assert exported.mode is Mode.SUGGEST
    assert exported.effective_rule("queue", "Сеть / VPN").mode is Mode.ROUTE
    assert exported.effective_rule("assignee", None).mode is Mode.OFF
    assert exported.effective_rule("priority", "Billing").mode is Mode.SHADOW
    assert command("policy", "halt").code == 0
    assert "halted = true" in command("policy", "show").out
    assert command("policy", "import", home / "policy.toml").code == 0
    assert "halted = false" in command("policy", "show", "--versions", "3").out
    assert "in force already" in command("policy", "import", home / "policy.toml").out


def test_a_wrong_policy_changes_nothing_and_says_why(command, home):
    (home / "policy.toml").write_text('mode = "rout"', encoding="utf-8")
    result = command("policy", "import", home / "policy.toml")
    assert result.code == 2
    assert "line 1" in result.err
    assert command("policy", "mode", "route", "--target", "colour").code == 2
    assert "the default" in command("policy", "show").out


def test_a_version_stored_under_former_keys_is_in_force_shown_and_exported_under_todays(database):
    stored = 'mode = "route"\nhalted = false\nfallback = "triage"\nstrangers = 0.05\nblind = 0.1\n'
    requested = Policy(mode=Mode.ROUTE, out_of_scope_rate=0.05, blind_review_rate=0.1)
    with database.writing() as conn:
        values = {"at": NOW, "actor": "ann", "digest": requested.digest, "text": stored}
        conn.execute(insert(POLICY_VERSIONS), values)
        version = Policies.current(conn)
        assert version.policy == requested
        assert version.text == format_policy(requested)
        assert parse_policy(version.text) == requested
        assert Policies.find_by_digest(conn, requested.digest) == requested
        assert Policies.add_version(conn, requested, "ann", NOW).number == version.number
