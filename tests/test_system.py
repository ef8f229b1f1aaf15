"""`make test` on any machine: what is missing is installed where that is allowed, else the end says what was missed."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
QUIET = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
PACKAGES = PROJECT / "tests" / "system_packages.sh"


def program(folder: Path, name: str, does: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{does}\n")
    (folder / name).chmod(stat.S_IRWXU)


@pytest.fixture
def system(tmp_path):
    """A folder of programs: a system without chromium, Java, apt or sudo, where the user is an ordinary one."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "find", "env"):
        (folder / name).symlink_to(shutil.which(name))
    program(folder, "id", "echo 1000")
    return folder


def ask(system: Path, *words: str) -> subprocess.CompletedProcess[str]:
    own = {"PATH": str(system), "HOME": str(system), "PYTHON": "python-without-ensurepip"}
    return subprocess.run([PACKAGES, *words], env=own, capture_output=True, text=True, check=False)


def test_each_package_is_named_and_installed(system, tmp_path):
    program(system, "sudo", '[ "$1" = -n ] && shift && exec "$@"')
    program(system, "true", "exit 0")
    program(system, "apt-get", f'echo "$@" >> {tmp_path}/asked; exit 0')
    said = ask(system)
    assert (said.returncode, said.stderr) == (0, "")
    assert "\n  chromium\n" in said.stdout
    assert "chromium" in (tmp_path / "asked").read_text().splitlines()[1]


def test_what_apt_says_is_shown_where_it_fails(system):
    program(system, "sudo", '[ "$1" = -n ] && shift && exec "$@"')
    program(system, "true", "exit 0")
    program(system, "apt-get", 'echo "E: $1 failed"; exit 100')
    said = ask(system)
    assert said.returncode == 0
    assert "chromium" in said.stdout
    assert said.stderr.startswith("E: update failed")


def test_where_nothing_may_be_installed_the_tests_go_on(system):
    program(system, "sudo", "exit 1")
    program(system, "apt-get", "echo touched; exit 1")
    said = ask(system)
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")


@pytest.mark.parametrize(("part", "package"), [("venv", "python3-venv"), ("java", "default-jre-headless")])
def test_what_make_cannot_do_without_ends_it_with_the_line_that_installs_it(system, part, package):
    said = ask(system, part)
    assert said.returncode == 1
    assert f"apt-get install {package}" in said.stderr


@pytest.fixture
def run(tmp_path):
    """pytest, with this project's hooks, over tests of which three are skipped; what it printed at its end."""
    (tmp_path / "test_it.py").write_text(
        "import pytest\n"
        "browser = pytest.mark.skip(reason='a browser is not installed: apt-get install browser a-font')\n"
        "@browser\ndef test_one(): pass\n"
        "@browser\ndef test_two(): pass\n"
        "def test_three(): pytest.skip('the file ../shared/one is not here')\n"
        "def test_four(): pass\n"
    )

    def start(**own: str) -> subprocess.CompletedProcess[str]:
        asked = [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "--rootdir", str(tmp_path)]
        return subprocess.run(
            [*asked, "-p", "tests.skips", "-p", "no:cacheprovider", str(tmp_path)],
            env={**{name: value for name, value in os.environ.items() if name != "DESKYARD_NO_SKIPS"}, **QUIET, **own},
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=False,
        )

    return start


def test_a_run_with_skips_is_green_and_ends_with_what_was_not_run(run):
    said = run()
    assert said.returncode == 0
    assert (
        "3 tests were not run: 2 because a browser is not installed; 1 because the file ../shared/one is not here."
        " To run them: apt-get install browser a-font."
    ) in said.stdout


def test_without_skips_only_what_needs_the_data_beside_the_project_is_excused(run):
    said = run(DESKYARD_NO_SKIPS="1")
    assert said.returncode == 1
    assert "1 passed, 1 skipped, 2 errors" in said.stdout
    assert "1 test was not run: 1 because the file ../shared/one is not here." in said.stdout
