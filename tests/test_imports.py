"""No module imports one that imports it, and the contracts of setup.cfg leave no module out."""

from __future__ import annotations

import ast
import configparser
import re
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import fewshot_metalstm

PACKAGE = Path(fewshot_metalstm.__file__).parent
SETTINGS = Path(__file__).parents[1] / "setup.cfg"


def modules(folder: Path, root: Path) -> dict[str, Path]:
    """The modules of a folder by their dotted names; ``root`` is the folder of the package."""
    found = {}
    for path in sorted(folder.rglob("*.py")):
        *parents, last = path.relative_to(root.parent).with_suffix("").parts
        found[".".join(parents if last == "__init__" else [*parents, last])] = path
    return found


def imports(path: Path, known: Mapping[str, Path]) -> set[str]:
    """Which of ``known`` a file imports: at its top, in functions and for types alone."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in known else node.module)
    return found & set(known)


def cycle(folder: Path, root: Path) -> list[str]:
    """The modules of a circle of imports in a folder; empty if there is none."""
    known = modules(folder, root)
    try:
        TopologicalSorter({name: imports(known[name], known) for name in known}).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_circle() -> None:
    assert len(modules(PACKAGE, PACKAGE)) > 300
    assert cycle(PACKAGE, PACKAGE) == []


def contract(name: str, field: str) -> list[str]:
    """The names in a field of a contract that `lint-imports` holds."""
    config = configparser.ConfigParser(interpolation=None)
    if not config.read(SETTINGS):
        pytest.skip("needs setup.cfg, which an installed package has not")
    return re.findall(r"[\w.]+", config[f"importlinter:contract:{name}"][field])


def test_every_module_has_its_layer() -> None:
    layers = contract("layers", "layers")
    known = modules(PACKAGE, PACKAGE)
    outside = [
        name
        for name, path in known.items()
        if not any(name == layer or name.startswith(f"{layer}.") for layer in layers)
        and path.name != "__init__.py"
    ]
    assert outside == []
    assert [layer for layer in layers if layer not in known] == []


@pytest.mark.parametrize(
    ("name", "field"),
    [("layers", "layers"), ("kinds", "modules"), ("inside", "protected_modules")],
)
def test_every_kind_is_under_contract(name: str, field: str) -> None:
    kinds = {path.parent.name for path in PACKAGE.glob("kinds/*/__init__.py")}
    assert len(kinds) >= 2
    assert {f"fewshot_metalstm.kinds.{kind}" for kind in kinds} <= set(contract(name, field))


@pytest.mark.parametrize(
    "line",
    [
        "from pack.sub import a",
        "import pack.sub.a",
        "def f():\n    from pack.sub.a import x",
        "if TYPE_CHECKING:\n    from pack.sub.a import x",
    ],
)
def test_a_circle_is_found(tmp_path: Path, line: str) -> None:
    folder = tmp_path / "pack" / "sub"
    folder.mkdir(parents=True)
    (folder / "a.py").write_text("from pack.sub.b import y\n")
    (folder / "b.py").write_text(f"{line}\n")
    found = cycle(folder, tmp_path / "pack")
    assert set(found) == {"pack.sub.a", "pack.sub.b"}
    (folder / "b.py").write_text("import os\n")
    assert cycle(folder, tmp_path / "pack") == []
