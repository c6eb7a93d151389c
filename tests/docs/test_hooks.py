"""References in docstrings, as the site shows them."""

from __future__ import annotations

import pytest

hooks = pytest.importorskip("mkdocs_hooks", reason="the site's files are not beside the tests")


def test_references_become_links_or_names() -> None:
    role = ":class:<code>~fewshot_metalstm.meta.\nouter.OuterLoop</code>"
    link = '<autoref optional identifier="fewshot_metalstm.meta.outer.OuterLoop">'
    assert hooks.on_page_content(f"<p>See {role}, :meth:<code>adapt</code>", page=None) == (
        f"<p>See {link}<code>OuterLoop</code></autoref>, <code>adapt</code>"
    )
    assert hooks.on_page_content("<p>: <code>x</code></p>") == "<p>: <code>x</code></p>"
