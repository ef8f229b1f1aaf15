"""The command line: a newcomer finds the way, and nothing heavy is loaded to show it."""

import subprocess
import sys

import pytest

from deskyard.cli.main import COMMANDS

POLICY = ("show", "mode", "halt", "resume", "export", "import")
TAXONOMY = ("show", "rename", "merge", "split", "retire", "tasks")
INSIDE = [*(("policy", name) for name in POLICY), *(("taxonomy", name) for name in TAXONOMY)]


def test_the_help_lists_every_command(command):
    shown = command("--help").out
    assert all(name in shown for name in COMMANDS)
    assert "First steps" in shown


@pytest.mark.parametrize("words", [*((name,) for name in COMMANDS), *INSIDE])
def test_the_help_of_every_command_holds_an_example(command, words):
    shown = command(*words, "--help").out
    assert "Example" in shown
    assert "deskyard " + " ".join(words) in " ".join(shown.split())


def test_a_command_that_does_not_exist_is_a_sentence(command):
    result = command("trian")
    assert result.code == 2
    assert "trian" in result.err


def test_the_help_loads_no_library_for_learning_or_serving():
    heavy = {"sklearn", "pandas", "fastapi", "sqlalchemy", "nltk", "scipy", "ftfy", "inscriptis", "mlflow"}
    requested_value = "import sys; from deskyard.cli.main import app; app(['--help'], standalone_mode=False)"
    requested_value += f"; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", requested_value], capture_output=True, check=False).returncode == 0
