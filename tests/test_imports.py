"""No module of the core imports one that imports it: whatever the place of the import."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import fewshot_metalstm

PACKAGE = Path(fewshot_metalstm.__file__).parent


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


@pytest.mark.parametrize("folder", ["meta", "nn"])
def test_no_circle(folder: str) -> None:
    assert len(modules(PACKAGE / folder, PACKAGE)) > 10
    assert cycle(PACKAGE / folder, PACKAGE) == []


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
