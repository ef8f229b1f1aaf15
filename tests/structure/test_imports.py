"""No module needs itself: imports in functions and for type checking count."""

from tests.structure.imports import circles, import_graph, module_files

SOURCES = {
    "deskyard/one.py": "def run():\n    from deskyard.rooms import two\n",
    "deskyard/rooms/__init__.py": "",
    "deskyard/rooms/two.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .. import three\n",
    "deskyard/three.py": "import deskyard.one\nfrom deskyard.alone import VALUE\n",
    "deskyard/alone.py": "import json\n",
    "deskyard/__init__.py": "",
}


def test_no_modules_import_each_other_in_a_circle():
    graph = import_graph(module_files())
    assert sum(map(len, graph.values())) > 1_000
    assert circles(graph) == []


def test_a_circle_over_lazy_typing_and_relative_imports_would_be_found(tmp_path):
    for name, text in SOURCES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    graph = import_graph(module_files(tmp_path))
    assert graph["deskyard.three"] == {"deskyard.one", "deskyard.alone"}
    assert circles(graph) == [["deskyard.one", "deskyard.rooms.two", "deskyard.three"]]
