"""A headless Chromium for the tests of this folder, which are skipped where there is none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LOCAL = ("file:", "data:", "blob:", "http://127.0.0.1")
PATIENCE = 120_000  # milliseconds; a busy machine draws slowly


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker, one browser."""
    for item in items:
        if item.path.parent.name == "browser":
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """The browser of FEWSHOT_METALSTM_BROWSER or of the PATH, driven by Playwright; or skip.

    Of a module and not of the session: while Playwright runs, nothing else in this process can run
    an event loop.
    """
    program = os.environ.get("FEWSHOT_METALSTM_BROWSER") or next(
        filter(None, map(shutil.which, NAMES)), None
    )
    if program is None:
        pytest.skip(
            "no Chromium here: apt-get install chromium, or set FEWSHOT_METALSTM_BROWSER to one"
        )
    reason = "Playwright is not installed: make install, or pip install playwright"
    playwright = pytest.importorskip("playwright.sync_api", reason=reason)
    with playwright.sync_playwright() as driver:
        # A container has no user namespaces to make a sandbox of, and the pages are our own.
        browser = driver.chromium.launch(
            executable_path=program, args=["--no-sandbox"], timeout=PATIENCE
        )
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    """A new page; errors of its scripts and requests to anywhere but this machine fail the test."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE)
    opened = context.new_page()
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(f"script: {error}"))
    opened.on("dialog", lambda dialog: wrong.append(f"dialog: {dialog.message}"))

    def asked(request: Any) -> None:
        if not request.url.startswith(LOCAL):
            wrong.append(f"request: {request.url}")

    opened.on("request", asked)
    yield opened
    context.close()
    assert wrong == []
