"""Commands, variables, addresses and metrics that the documentation names are those of the code."""

import re
import shlex

import pytest

from deskyard.environment import FILE_SUFFIX
from tests.docs.markdown import OLD_WORDS, PAGES, code_lines, code_spans, page_id
from tests.reference import CONNECTION_VARIABLES, commands, metric_rows, openapi, parameters, settings_rows

CHECKED = [page for page in PAGES if page not in OLD_WORDS and page.parent.name != "reference"]
"""The pages of the reference come from the code; a wrong example there is found in the help it was taken from."""

OF_OTHERS = frozenset({"DESKYARD_NO_SKIPS", "DESKYARD_HOOK_URL", "DESKYARD_HOOK_SECRET"})
"""Variables of the tests, and of the add-on that runs inside django-helpdesk."""


@pytest.fixture(scope="module")
def known_commands():
    return commands()


@pytest.fixture(scope="module")
def known_operations():
    return [re.sub(r"\{[^}]+\}", "[^/]+", path) for path in openapi()["paths"]]


def typed_commands(page):
    """What a page lets its reader type after `deskyard`, as words."""
    for line in [*code_lines(page), *code_spans(page)]:
        for found in re.finditer(
            r"(?:^|[\s;&|(]|/)deskyard ((?:[a-z].*|--help.*))$", line.split("  #")[0].split(" # ")[0]
        ):
            try:
                words = shlex.split(re.sub(r"[|&;>].*", "", found[1]))
            except ValueError:
                continue
            if words:
                yield words


def unknown(words, known):
    """What of a typed command is not there; "" if all of it is."""
    if words == ["--help"] or words == ["--version"]:
        return ""
    name = " ".join(words[:2]) if " ".join(words[:2]) in known else words[0]
    if name not in known:
        return f"deskyard {name}"
    if hasattr(known[name], "commands") and len(words) > 1 and not words[1].startswith("-"):
        return f"deskyard {words[0]} {words[1]}"
    options = {"--help", *(option for one in known[name].params for option in [*one.opts, *one.secondary_opts])}
    wrong = [word for word in words if word.startswith("--") and word.split("=")[0] not in options]
    return f"deskyard {name} {wrong[0]}" if wrong else ""


@pytest.mark.parametrize("page", CHECKED, ids=page_id)
def test_commands_in_the_documentation_can_be_typed(page, known_commands):
    assert [wrong for words in typed_commands(page) if (wrong := unknown(words, known_commands))] == []


def test_commands_in_the_help_can_be_typed(known_commands):
    wrong = {}
    for name, command in known_commands.items():
        texts = [command.help or "", *(one.help or "" for one in parameters(command))]
        for example in (found for text in texts for found in re.findall(r"`deskyard ([^`]+)`", text)):
            words = shlex.split(re.sub(r"[|&;>].*", "", example))
            wrong |= {name: told} if (told := unknown(words, known_commands)) else {}
    assert wrong == {}


def test_a_command_or_option_that_is_not_there_would_be_found(known_commands):
    assert unknown(["favour"], known_commands)
    assert unknown(["policy", "favour"], known_commands)
    assert unknown(["train", "h.csv", "--favour", "rare"], known_commands)
    assert not unknown(["policy", "mode", "route", "--queue", "Billing"], known_commands)
    assert sum(len([*typed_commands(page)]) for page in CHECKED) > 100


def test_variables_in_the_documentation_are_read_by_the_code(known_commands):
    known = {row[0].strip("`") for row in settings_rows()} | set(CONNECTION_VARIABLES) | OF_OTHERS
    known |= {one.envvar for command in known_commands.values() for one in command.params if one.envvar}
    named = {}
    for page in CHECKED:
        for text in [*code_lines(page), *code_spans(page)]:
            for variable in re.findall(r"DESKYARD_[A-Z_]+", text):
                variable = re.sub(r"^(DESKYARD_(?:HOOK_)?SECRET)_[A-Z_]+", r"\1_NAME", variable)
                named.setdefault(variable.removesuffix(FILE_SUFFIX), page_id(page))
    assert {name: page for name, page in named.items() if name not in known} == {
        "DESKYARD_NAME": "docs/administrator.md"
    }, "NAME stands for any"
    assert "DESKYARD_HOME" in named


@pytest.mark.parametrize("page", CHECKED, ids=page_id)
def test_addresses_of_the_api_in_the_documentation_are_served(page, known_operations):
    texts = [*code_lines(page), *code_spans(page)]
    named = {found for text in texts for found in re.findall(r"(?<![\w.])(/v1/[\w/{}.*-]*[\w}])", text)}
    named = {re.sub(r"\{[^}]+\}|NAME", "x", one) for one in named if "*" not in one}
    assert [one for one in sorted(named) if not any(re.fullmatch(known, one) for known in known_operations)] == []


def test_metrics_in_the_documentation_are_exported():
    known = {row[0].strip("`") for row in metric_rows()}
    named = {
        found: page_id(page)
        for page in CHECKED
        for text in code_spans(page)
        for found in re.findall(r"\bdeskyard_[a-z_]+(?=\{)", text)
    }
    assert {name: page for name, page in named.items() if name not in known} == {}
    assert named
