"""The notebooks: they run on the sample without a warning, git holds no outputs, and their pages are those of today."""

import re

import nbformat
import pytest

from tests.notebooks import FOLDER, PAGES, digest, execute, notebooks, page

LARGEST = 1_000_000
"""Bytes of a rendered page."""


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    return dict(zip(notebooks(), execute(notebooks(), tmp_path_factory.mktemp("notebooks")), strict=True))


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_a_notebook_runs_on_the_sample_without_a_warning(path, executed):
    written = page(path, executed[path])
    code = [cell for cell in executed[path].cells if cell.cell_type == "code"]
    assert len(code) > 3
    assert written.count("<svg") >= 4
    assert written.count("<details>") == len(code)
    assert "nan" not in re.findall(r"<figcaption>(.*?)</figcaption>", written)


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_git_holds_what_a_person_wrote_and_no_output(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not [cell for cell in code if cell.outputs or cell.execution_count or cell.metadata]


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_the_rendered_page_is_that_of_the_notebook_as_it_is_now(path):
    written = (PAGES / f"{path.stem}.html").read_text(encoding="utf-8")
    assert digest(nbformat.read(path, as_version=4)) in written, "make notebooks"
    assert "Synthetic data" in written
    assert len(written.encode()) < LARGEST


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_a_rendered_page_opens_without_a_network_and_without_a_script(path):
    written = (PAGES / f"{path.stem}.html").read_text(encoding="utf-8")
    assert "<script" not in written
    assert not re.findall(r'(?:src|href)="(?!0\d-)[^"#]', written)
    assert "url(" not in written
    assert "@import" not in written


def test_there_are_four_notebooks_and_each_is_told_of():
    told = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert len(notebooks()) == 4
    assert all(path.name in told and f"{path.stem}.html" in told for path in notebooks())
