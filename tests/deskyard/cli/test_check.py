"""`deskyard check`: each thing that can be wrong is named, with what to do."""

import shlex
import shutil
import socket
import sqlite3
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deskyard.cli import check
from deskyard.cli.main import app
from deskyard.db.database import open_database
from deskyard.desk import queues
from deskyard.settings import Settings, settings


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DESKYARD_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    yield tmp_path / "home"
    settings.cache_clear()


def finding(home, about, port=0):
    (found,) = [one for one in check.run_checks(Settings(home=home), port) if one.subject == about]
    return found


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def test_a_fresh_installation_passes_with_a_warning_that_there_is_no_model(home):
    shown = CliRunner().invoke(app, ["check", "--port", str(free_port())])
    assert shown.exit_code == 0, shown.output
    assert shown.output.endswith("Ready.\n")
    assert {line.split()[0] for line in shown.output.splitlines()[:-1]} == {"ok", "warn"}
    assert "deskyard train" in shown.output
    assert not home.exists(), "check changes nothing"


def test_one_failure_makes_the_exit_code_1(home):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        shown = CliRunner().invoke(app, ["check", "--port", str(taken.getsockname()[1])])
    assert shown.exit_code == 1
    assert "fail port" in shown.output
    assert "--port" in shown.output


def test_the_help_shows_an_example():
    assert "Example" in CliRunner().invoke(app, ["check", "--help"]).output


def test_an_old_python_is_named():
    assert check._check_python((3, 10, 9)).level == "fail"
    assert check._check_python((3, 11, 0)).level == "ok"


def test_a_missing_or_old_library_is_named():
    assert check._requirement_problem("no-such-library>=1") == "no-such-library is missing"
    assert check._requirement_problem("numpy>=9999") is not None
    assert check._requirement_problem("numpy>=1.0,<99") is None


def test_several_blas_threads_are_a_warning(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "8")
    assert check._check_threads().level == "warn"
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    assert check._check_threads().level == "ok"


def test_what_others_can_read_is_named_with_the_command_that_hides_it(home):
    (home / "secrets").mkdir(parents=True)
    (home / "models" / "one").mkdir(parents=True)
    for folder in (home, home / "models", home / "models" / "one"):
        folder.chmod(0o700)
    (home / "deskyard.db").touch(0o644)
    (home / "secrets").chmod(0o755)
    assert finding(home, "privacy").level == "ok", "nobody else may enter the folder"
    home.chmod(0o755)
    found = finding(home, "privacy")
    assert found.level == "warn"
    assert found.text.endswith(f"`chmod -R go= {home}`")
    assert "and 1 more" in found.text
    subprocess.run(shlex.split(found.text.split("`")[1]), check=True)
    assert finding(home, "privacy").level == "ok"


def test_a_misspelt_setting_is_named(home, monkeypatch):
    monkeypatch.setenv("DESKYARD_OIDC_ISUER", "https://login.example.org")
    found = [one for one in check.run_checks(Settings(home=home), free_port()) if "ISUER" in one.text]
    assert [(one.level, one.subject) for one in found] == [("warn", "settings")]


def test_a_home_that_can_not_be_written_fails(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    assert finding(Path("/proc/nowhere"), "state folder").level == "fail"
    assert finding(tmp_path / "file", "state folder").level == "fail"
    assert finding(tmp_path / "new" / "home", "state folder").level == "ok"


def test_a_full_disk_fails_and_a_nearly_full_one_warns(monkeypatch, tmp_path):
    for free, level in ((50_000_000, "fail"), (500_000_000, "warn"), (50_000_000_000, "ok")):
        usage = shutil.disk_usage(tmp_path)._replace(free=free)
        monkeypatch.setattr(shutil, "disk_usage", lambda _place, usage=usage: usage)
        assert check._check_disk(tmp_path).level == level


def test_a_database_is_judged_by_what_it_holds(tmp_path):
    file = tmp_path / "deskyard.db"
    assert finding(tmp_path, "database").level == "ok"
    open_database(f"sqlite:///{file}").close()
    assert "at revision" in finding(tmp_path, "database").text
    with sqlite3.connect(file) as connection:
        connection.execute("DELETE FROM desk_alembic_version")
    connection.close()
    assert finding(tmp_path, "database").level == "warn"
    for part in tmp_path.glob("deskyard.db*"):
        part.unlink()
    file.write_text("This is not a database. " * 100)
    assert finding(tmp_path, "database").level == "fail"


def test_a_champion_that_is_not_there_fails(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "CURRENT").write_text("gone\n")
    found = finding(tmp_path, "model")
    assert found.level == "fail"
    assert "train" in found.text


def test_a_label_that_may_be_several_queues_is_named(home, champion):
    shutil.copytree(champion / "models", home / "models")
    database = open_database(Settings(home=home).database)
    with database.writing() as conn:
        queues.ensure_queues(conn, ["billing", "BILLING", "IT"])
    database.close()
    found = finding(home, "labels")
    assert found.level == "warn"
    assert "queue 'Billing' of the model may be 'BILLING' or 'billing'" in found.text
