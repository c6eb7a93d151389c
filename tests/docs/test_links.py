"""Links between pages lead somewhere, and the site's navigation names every page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docs.pages import PAGES, ROOT, SOURCES, links, read


def anchors(path: Path) -> set[str]:
    """The names that headings get, and those of the API's entries."""
    page = read(path)
    headings = re.findall(r"^#+ (.*)$", page.prose, re.MULTILINE)
    slugs = {
        re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", heading.replace("`", "")).strip().lower())
        for heading in headings
    }
    return slugs | set(re.findall(r"^::: ([\w.]+)", page.prose, re.MULTILINE))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    problems = []
    for link in links(read(path)):
        if re.match(r"https?:|mailto:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        if not target.exists():
            problems.append(f"{link}: is not there")
        elif anchor and not any(anchor == a or anchor.startswith(f"{a}.") for a in anchors(target)):
            problems.append(f"{link}: {target.name} has no such heading")
        elif path.parent.name == "docs" and ROOT / "docs" not in target.parents:
            problems.append(f"{link}: leads out of the site; give the address in the repository")
    assert problems == []


def test_the_navigation_names_every_page() -> None:
    config = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), Loader=yaml.SafeLoader)

    def pages(entry: Any) -> list[str]:
        if isinstance(entry, str):
            return [entry]
        parts = entry.values() if isinstance(entry, dict) else entry
        return [page for part in parts for page in pages(part)]

    named = pages(config["nav"])
    assert len(named) == len(set(named))
    assert set(named) == {path.name for path in (ROOT / "docs").glob("*.md")}


def test_the_api_page_names_what_there_is() -> None:
    names = re.findall(r"^::: ([\w.]+)", (ROOT / "docs" / "api.md").read_text(), re.MULTILINE)
    assert names
    for name in names:
        *parts, last = name.split(".")
        if SOURCES.joinpath(*parts, f"{last}.py").is_file():
            continue
        source = SOURCES.joinpath(*parts).with_suffix(".py").read_text(encoding="utf-8")
        assert re.search(rf"^class {last}\b", source, re.MULTILINE), name
