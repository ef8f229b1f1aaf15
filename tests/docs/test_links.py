"""Links in the documentation lead somewhere, and files that it names are there."""

import re
from functools import cache
from urllib.parse import unquote

import pytest

from tests.docs.markdown import OLD_WORDS, PAGES, ROOT, anchors, code_spans, links, page_id, tokens
from tests.structure.imports import PACKAGES, module_files

IN_THE_TREE = re.compile(r"(?:deskyard|service|training|tests|docs|notebooks|\.ci)/[\w./-]*")
DOTTED = re.compile(r"((?:deskyard|service|training)(?:\.\w+)+)(?:\(.*\))?")

IN_OTHER_SYSTEMS = frozenset({"deskyard_helpdesk.py", "detectors/deskyard.py"})
"""Files that an administrator puts into another help desk."""


def broken(page, href):
    """What is wrong with a relative link; "" if nothing is."""
    path, _, anchor = unquote(href).partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.exists():
        return f"{href}: there is no {path}"
    if anchor and target.suffix == ".md" and anchor not in anchors(target):
        return f"{href}: no heading there is called so"
    return ""


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_relative_links_and_their_anchors_hold(page):
    relative = [href for href in links(page) if not re.match(r"[a-z]+:", href)]
    assert [wrong for href in relative if (wrong := broken(page, href))] == []


def test_a_broken_link_or_anchor_would_be_found():
    page = ROOT / "README.md"
    assert broken(page, "docs/nothing.md")
    assert broken(page, "docs/administrator.md#nothing")
    assert not broken(page, "docs/administrator.md#policy")
    assert sum(len([*links(page)]) for page in PAGES) > 100


@cache
def python_files():
    return [str(file) for folder in (*PACKAGES, "tests") for file in (ROOT / folder).rglob("*.py")]


def missing_paths(text):
    """A path in the tree that a code span names and that is not there."""
    return [text] if IN_THE_TREE.fullmatch(text) and not (ROOT / text).exists() else []


def missing_files(text):
    """A path in the tree, or a Python file by its name alone, that a code span names and that is not there."""
    if IN_THE_TREE.fullmatch(text):
        return missing_paths(text)
    if re.fullmatch(r"[\w/]+\.py", text) and text not in IN_OTHER_SYSTEMS:
        return [] if any(file.endswith(f"/{text}") for file in python_files()) else [text]
    return []


@pytest.mark.parametrize("page", [page for page in PAGES if page not in OLD_WORDS], ids=page_id)
def test_files_that_a_page_names_are_there(page):
    assert [missing for text in code_spans(page) for missing in missing_files(text)] == []


def test_a_file_that_is_not_there_would_be_found():
    assert missing_files("deskyard/turns.py")
    assert missing_files("turns.py")
    assert not missing_files("deskyard/policy/policy.py")
    assert not missing_files("policy.py")
    assert not missing_files("report.html")  # made at run time
    assert sum(bool(IN_THE_TREE.fullmatch(text)) for page in PAGES for text in code_spans(page)) > 100


def missing_names(text, files):
    """The dotted name of a code span, where its module, or the name in it, is not there."""
    found = DOTTED.fullmatch(text)
    if found and not text.endswith((".py", ".db", ".org")):
        name = module = found[1]
        while module not in files:
            module = module.rpartition(".")[0]
        rest = name[len(module) + 1 :].split(".")[0]
        if rest and not re.search(rf"\b{rest}\b", files[module].read_text(encoding="utf-8")):
            yield name


def test_modules_and_names_that_pages_and_sources_give_in_backticks_are_there():
    files = module_files()
    sources = [*files.values(), *(ROOT / "tests").rglob("*.py"), *(page for page in PAGES if page not in OLD_WORDS)]
    named = {
        (page_id(file), text) for file in sources for text in re.findall(r"`([\w./()-]+)`", file.read_text("utf-8"))
    }
    assert sum(bool(DOTTED.fullmatch(text)) for _, text in named) > 80
    wrong = {file: missing for file, text in named for missing in (*missing_names(text, files), *missing_paths(text))}
    assert wrong == {}


def test_a_module_that_is_not_there_would_be_found():
    files = module_files()
    assert [*missing_names("deskyard.turns.of", files)] == ["deskyard.turns.of"]
    assert [*missing_names("deskyard.testing.check_store", files)] == []


def test_every_page_begins_with_a_heading():
    first = {page_id(page): next(one for one in tokens(page) if one.type != "html_block") for page in PAGES}
    assert {name: token.tag for name, token in first.items() if token.type != "heading_open" or token.tag != "h1"} == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_the_map_in_the_architecture_names_every_folder_of_a_package(package):
    named = code_spans(ROOT / "docs" / "architecture.md")
    folders = sorted(file.parent.name for file in (ROOT / package).glob("*/__init__.py"))
    assert [folder for folder in folders if f"{folder}/" not in named and f"{package}/{folder}/" not in named] == []
