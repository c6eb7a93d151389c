"""What the documentation site does beside its plugins: references of docstrings become links.

Docstrings name things as Sphinx does (``:class:`~package.module.Name```), which Markdown has no
word for.
"""

from __future__ import annotations

import re
from typing import Any

_ROLE = re.compile(
    r":(?:attr|class|data|exc|func|meth|mod):<code>~?(?P<name>[\w.\s]+)</code>", re.ASCII
)
_OURS = "fewshot_metalstm."


def on_page_content(html: str, **given: Any) -> str:
    """Called by mkdocs with a page's HTML, before links are resolved."""
    del given
    return _ROLE.sub(_link, html)


def _link(role: re.Match[str]) -> str:
    name = "".join(role["name"].split())  # a name may be broken at the end of a line
    if not name.startswith(_OURS):
        return f"<code>{name}</code>"
    shown = name.rpartition(".")[2]
    # optional: what is not on the API page is named and not linked
    return f'<autoref optional identifier="{name}"><code>{shown}</code></autoref>'
