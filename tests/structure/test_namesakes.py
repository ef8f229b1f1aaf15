"""What proves a module? A test file of its name in the same folder of tests/, or the one that a list names."""

import ast
import tomllib
from pathlib import Path

from tests.structure.imports import ROOT, module_files

LIST = ROOT / "tests" / "modules_without_namesake.toml"

MOST = 248
"""So many modules were in the list when it was made. Lower this with the list."""


def has_code(file: Path) -> bool:
    """Whether a file is more than a docstring; only `__init__.py` files are not."""
    return file.name != "__init__.py" or len(ast.parse(file.read_text(encoding="utf-8")).body) > 1


def namesake(file: Path) -> Path:
    """Where the test file of a module would lie: `deskyard/policy/policy.py` → `tests/deskyard/policy/test_policy.py`;
    of a package, beside its folder."""
    place = file.relative_to(ROOT)
    return (
        ROOT / "tests" / place.parent / f"test_{place.name}" if file.name != "__init__.py" else package_namesake(place)
    )


def package_namesake(place: Path) -> Path:
    return ROOT / "tests" / place.parent.parent / f"test_{place.parent.name}.py"


def modules() -> dict[str, Path]:
    """Modules with code in them; `__init__.py` files that are only a docstring need no proof."""
    return {name: file for name, file in module_files().items() if has_code(file)}


def listed() -> dict[str, str]:
    return tomllib.loads(LIST.read_text(encoding="utf-8"))


def test_every_module_has_a_test_file_of_its_name_or_is_in_the_list():
    without = [name for name, file in modules().items() if not namesake(file).exists()]
    assert sorted(set(without) - set(listed())) == [], (
        f"write {namesake(Path('deskyard/room/module.py')).name} for these"
    )


def test_the_list_names_only_modules_without_a_test_file_of_their_name():
    found = modules()
    assert sorted(set(listed()) - set(found)) == [], "these modules are gone: take them from the list"
    assert [name for name in listed() if namesake(found[name]).exists()] == [], (
        "these have one: take them from the list"
    )
    assert len(listed()) <= MOST, "the list only gets shorter: a new module comes with a test file of its name"


def test_every_test_file_that_the_list_names_exists():
    assert [file for file in set(listed().values()) if not (ROOT / file).is_file()] == []
    assert list(listed()) == sorted(listed())


def test_test_files_of_the_three_packages_lie_in_folders_of_the_packages():
    folders = {file.parent.relative_to(ROOT / "tests") for file in ROOT.glob("tests/*/**/test_*.py")}
    ours = {folder for folder in folders if folder.parts[0] in ("deskyard", "service", "training")}
    assert len(ours) > 30
    assert [str(folder) for folder in sorted(ours) if not (ROOT / folder / "__init__.py").is_file()] == []
