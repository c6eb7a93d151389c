"""The Python that the pages show compiles, and what it imports from the package is there."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, SOURCES, read


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_python_on_the_page(path: Path) -> None:
    page = read(path)
    own = {block.title for block in page.blocks}  # files that the page itself asks for
    for block in page.blocks:
        if block.language != "python":
            continue
        for node in ast.walk(ast.parse(block.text, str(block))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fewshot_"):
                place = (node.module or "").replace(".", "/")
                if f"{place}.py" not in own:
                    names = {alias.name for alias in node.names}
                    assert names <= offered(SOURCES / place), f"{block}: {node.module}"


def offered(place: Path) -> set[str]:
    """The names at the top of a module or package, modules in it included; it is not imported."""
    package = place.is_dir()
    file = place / "__init__.py" if package else place.with_suffix(".py")
    names = {path.stem for path in place.iterdir()} if package else set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names
