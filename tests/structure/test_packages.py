"""Folders with code are packages that say what they hold, so that import-linter sees every module."""

import ast
import re

import grimp
import pytest

from tests.structure.imports import PACKAGES, ROOT, is_hidden, module_files

SENTENCE = re.compile(r"(?!.*[.!?]\s+[A-Z`]).*\S\.", re.DOTALL)
"""It ends with a full stop, and no other sentence begins in it."""

FOLDERS = sorted(
    {file.parent for package in PACKAGES for file in (ROOT / package).rglob("*.py") if not is_hidden(file)}
)


def first_paragraph(text: str) -> str:
    return (ast.get_docstring(ast.parse(text)) or "").split("\n\n")[0]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(ROOT)))
def test_every_folder_of_code_says_in_one_sentence_what_it_holds(folder):
    opened = folder / "__init__.py"
    assert opened.exists(), f"{opened} is missing: import-linter passes over this folder"
    assert SENTENCE.fullmatch(first_paragraph(opened.read_text(encoding="utf-8")))


def test_two_sentences_or_none_would_be_found():
    assert SENTENCE.fullmatch(first_paragraph('"""Rules, e.g. of the policy."""'))
    assert not SENTENCE.fullmatch(first_paragraph('"""Holds rules. They are pure."""'))
    assert not SENTENCE.fullmatch(first_paragraph("import json"))


def test_import_linter_sees_every_module_of_the_tree():
    seen = grimp.build_graph(*PACKAGES, cache_dir=None).modules
    assert seen == set(module_files())
