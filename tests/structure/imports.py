"""The import graph of the three packages as the source says it: imports in functions and for type checking included."""

import ast
from collections.abc import Container, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent.parent
PACKAGES: Final = ("deskyard", "service", "training")


def is_hidden(file: Path) -> bool:
    """Whether a file is no module of the tree: Alembic opens migrations by their path."""
    return "versions" in file.parts and "migrations" in file.parts


def module_name(file: Path, root: Path = ROOT) -> str:
    """The name under which a file is imported."""
    parts = file.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def module_files(root: Path = ROOT) -> dict[str, Path]:
    """Every module of the packages and its file, in the order of their names."""
    files = (file for package in PACKAGES for file in (root / package).rglob("*.py") if not is_hidden(file))
    return dict(sorted((module_name(file, root), file) for file in files))


def imported_modules(file: Path, name: str, files: Container[str]) -> Iterator[str]:
    """The modules of the tree that a file imports, wherever in it that stands.

    `from a import b` imports `a.b` where that is a module, else `a`. That Python runs `a/__init__.py` before any module
    of `a` is left out: it is not the importing code's doing.
    """
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name in files)
        elif isinstance(node, ast.ImportFrom):
            above = package.rsplit(".", node.level - 1)[0] if node.level else ""
            base = ".".join(filter(None, (above, node.module or "")))
            for one in node.names:
                yield from [found for found in (f"{base}.{one.name}", base) if found in files][:1]


def import_graph(files: Mapping[str, Path]) -> dict[str, set[str]]:
    """Each module with the modules of the tree that it imports itself."""
    return {name: {*imported_modules(file, name, files)} - {name} for name, file in files.items()}


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """The groups of modules that import each other, directly or over others (Tarjan's strong components)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(graph[node]):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(group) > 1:
                found.append(sorted(group))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return sorted(found)
