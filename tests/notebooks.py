"""Executes the notebooks on the sample data and renders them for the docs: `make notebooks`.

Each of `notebooks/*.ipynb` becomes one file `docs/notebooks/*.html` without scripts and external resources. The data is
synthetic. Warnings and output on standard error are failures.
"""

import os
import tempfile
from hashlib import sha256
from pathlib import Path

import nbformat
from jinja2 import Environment, FileSystemLoader
from markdown_it import MarkdownIt
from markupsafe import Markup
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

FOLDER = Path(__file__).parents[1] / "notebooks"
PAGES = FOLDER.parent / "docs" / "notebooks"
FRESH = "%reset -f\nimport warnings\nwarnings.simplefilter('error')"
LENIENT = "warnings.simplefilter('ignore')"  # ipykernel warns of itself while it ends
SECONDS = 600

_CODE = HtmlFormatter(nowrap=True, style="friendly")
_MARKDOWN = MarkdownIt("commonmark").enable("table")


def notebooks() -> list[Path]:
    """The notebooks, in reading order."""
    return sorted(FOLDER.glob("*.ipynb"))


def execute(paths: list[Path], home: Path) -> list[NotebookNode]:
    """The notebooks with their outputs, all run in one kernel whose namespace is cleared in between.

    The trained model is cached in `home` for the next notebook.
    """
    found = [nbformat.read(path, as_version=4) for path in paths]
    cells = [cell for notebook in found for cell in (new_code_cell(FRESH), *notebook.cells)]
    client = NotebookClient(
        new_notebook(cells=[*cells, new_code_cell(LENIENT)]),
        timeout=SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(FOLDER)}},
    )
    client.execute(env=os.environ | {"DESKYARD_HOME": str(home), "IPYTHONDIR": str(home / "ipython")})
    for path, notebook in zip(paths, found, strict=True):
        errors = [output.text for output in _outputs(notebook) if output.get("name") == "stderr"]
        if errors:
            raise AssertionError(f"{path.name} wrote to standard error: {''.join(errors)}")
    return found


def digest(notebook: NotebookNode) -> str:
    """The digest of the cells' sources; a page contains it, so that outdated pages are detected."""
    return sha256("\0".join(f"{cell.cell_type}\0{cell.source}" for cell in notebook.cells).encode()).hexdigest()


def page(path: Path, notebook: NotebookNode) -> str:
    """An executed notebook as one HTML file."""
    template = Environment(loader=FileSystemLoader(FOLDER), autoescape=True).get_template("page.html")
    return template.render(
        title=title(notebook),
        digest=digest(notebook),
        parts=[part for cell in notebook.cells for part in _parts(cell)],
        pages=[(one.stem, one == path, title(nbformat.read(one, as_version=4))) for one in notebooks()],
        code_style=Markup(_CODE.get_style_defs("pre.code")),
    )


def title(notebook: NotebookNode) -> str:
    """Its first heading."""
    return notebook.cells[0].source.splitlines()[0].removeprefix("# ")


def _outputs(notebook: NotebookNode) -> list[NotebookNode]:
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def _parts(cell: NotebookNode) -> list[Markup]:
    if cell.cell_type == "markdown":
        return [Markup(_MARKDOWN.render(cell.source))]
    shown = [Markup(output.data["text/html"]) for output in cell.outputs if "text/html" in output.get("data", {})]
    code = Markup('<details><summary>code</summary><pre class="code">{}</pre></details>')
    return [*shown, code.format(Markup(highlight(cell.source, PythonLexer(), _CODE)))]


def main() -> None:
    """Execute all notebooks and write their pages."""
    PAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        for path, executed in zip(notebooks(), execute(notebooks(), Path(home)), strict=True):
            (PAGES / f"{path.stem}.html").write_text(page(path, executed), encoding="utf-8")
            print(f"docs/notebooks/{path.stem}.html")


if __name__ == "__main__":
    main()
