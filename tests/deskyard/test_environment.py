"""Secrets from files, and files that only their user may read."""

import os
import stat
import subprocess
import sys

import pytest

from deskyard.environment import MOST_CHARACTERS, read_secret_files
from deskyard.errors import BadInput


def test_a_value_is_read_from_the_file_that_its_variable_names(tmp_path):
    (tmp_path / "secret").write_text("пароль with spaces \r\n\n", encoding="utf-8")
    environ = {"DESKYARD_SECRET_ZNUNY_FILE": str(tmp_path / "secret"), "OTHER_FILE": "/nowhere", "DESKYARD_X_FILE": ""}
    read_secret_files(environ)
    assert environ["DESKYARD_SECRET_ZNUNY"] == "пароль with spaces "
    assert environ["OTHER_FILE"] == "/nowhere"
    read_secret_files(environ)  # as in a process that this one started
    assert set(environ) == {"DESKYARD_SECRET_ZNUNY", "OTHER_FILE", "DESKYARD_X_FILE"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "can't be read"),
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"\xff\xfe", "no text"),
        (b"a\0b", "no text"),
        (b"x" * (MOST_CHARACTERS + 1), "longer"),
    ],
)
def test_a_file_that_can_not_be_used_is_a_sentence_without_its_content(tmp_path, content, reason):
    if content is not None:
        (tmp_path / "secret").write_bytes(content)
    with pytest.raises(BadInput, match=reason) as raised:
        read_secret_files({"DESKYARD_SECRET_FILE": str(tmp_path / "secret")})
    assert "DESKYARD_SECRET_FILE" in str(raised.value)
    assert "secret" not in str(raised.value), "a secret may stand where a path should"


def test_a_path_with_a_zero_byte_and_a_folder_are_sentences(tmp_path):
    for path in ("a\0b", str(tmp_path)):
        with pytest.raises(BadInput, match="DESKYARD_SECRET_FILE"):
            read_secret_files({"DESKYARD_SECRET_FILE": path})


def test_a_value_that_is_given_twice_is_refused(tmp_path):
    (tmp_path / "secret").write_text("one")
    with pytest.raises(BadInput, match="both set"):
        read_secret_files({"DESKYARD_SECRET": "two", "DESKYARD_SECRET_FILE": str(tmp_path / "secret")})


def run(tmp_path, *words, **variables):
    environ = {**os.environ, "DESKYARD_HOME": str(tmp_path / "home"), **variables}
    command = [sys.executable, "-m", "deskyard", *words]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, umask=0)


def test_whatever_a_command_makes_is_for_its_user_alone(tmp_path):
    (tmp_path / "out").mkdir()
    done = run(tmp_path, "simulate", "--tickets", "50", "--seed", "1", "--out", str(tmp_path / "out" / "history.csv"))
    assert done.returncode == 0, done.stderr
    done = run(tmp_path, "key", "create", "ann", "--role", "admin")
    assert done.returncode == 0, done.stderr
    made = [*(tmp_path / "out").rglob("*"), *(tmp_path / "home").rglob("*")]
    assert {"history.csv", "deskyard.db"} <= {path.name for path in made}
    assert {oct(path.stat().st_mode & 0o077) for path in made} == {"0o0"}


def test_a_command_uses_the_file_of_a_setting(tmp_path):
    (tmp_path / "url").write_text(f"sqlite:///{tmp_path / 'elsewhere.db'}\n")
    (tmp_path / "url").chmod(stat.S_IRUSR)
    done = run(tmp_path, "key", "create", "ann", "--role", "admin", DESKYARD_DATABASE_URL_FILE=str(tmp_path / "url"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "elsewhere.db").exists()
    assert not (tmp_path / "home" / "deskyard.db").exists()
    done = run(tmp_path, "key", "list", DESKYARD_DATABASE_URL_FILE=str(tmp_path / "gone"))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "DESKYARD_DATABASE_URL_FILE" in done.stderr
