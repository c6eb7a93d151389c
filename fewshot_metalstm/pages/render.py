"""HTML pages from templates: one file that asks nothing of any other, with all text escaped.

A page carries a content security policy that lets nothing run, load or leave but the style and
the script that it was written with: should a text get past the escaping, it still could do nothing.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.version import __version__
from fewshot_metalstm.writing import beside, refuse_inputs

PAGES = "fewshot_metalstm.pages"
_POLICY = (
    "default-src 'none'; img-src data:; style-src {style}; script-src {script}; "
    "base-uri 'none'; form-action 'none'"
)


def check_page(path: Path, shown: Path) -> None:
    """Refuse a place for a page that is a folder, or the file itself that the page shows.

    Raises:
        UserError: it is.
    """
    if path.is_dir():
        raise UserError(f"{path}: is a folder; name a file for the page")
    refuse_inputs(path, [shown], why="is the file to look at; name another for the page")


def write_page(
    path: Path, template: str, *, package: str = PAGES, script: str = "", **values: Any
) -> Path:
    """Fill a template and write it, whole or not at all.

    Args:
        template: a name in ``templates/``, without suffix.
        script: that of the script that is embedded, where it is another.
        package: whose ``templates/`` are looked into, before those of this package.
        values: what the template shows. Strings are escaped.
    """
    environment = _environment(package)
    style = _asset(environment, "style.css")
    embedded = _asset(environment, f"{script or template}.js")
    policy = _POLICY.format(style=_digest(style), script=_digest(embedded))
    page = environment.get_template(f"{template}.html").generate(
        policy=policy, style=Markup(style), script=Markup(embedded), version=__version__, **values
    )
    with beside(path) as part, part.open("w", encoding="utf-8") as file:
        file.writelines(page)
    return path


def data_uri(data: bytes, kind: str) -> str:
    """A file's bytes as an address that holds them; ``kind`` is the media type."""
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def fragment(template: str, *, package: str, **values: Any) -> Markup:
    """A part of a page from a template of ``package``; strings are escaped."""
    return Markup(_environment(package).get_template(f"{template}.html").render(**values))


def _environment(package: str) -> Environment:
    packages = dict.fromkeys((package, PAGES))
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(each, "templates") for each in packages]),
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["percent"] = lambda share: f"{100 * share:.0f}%"
    environment.filters["figure"] = lambda value, digits=2: (
        "-" if value is None else f"{value:.{digits}f}"
    )
    return environment


def _asset(environment: Environment, name: str) -> str:
    """A style or a script, as it stands in its file."""
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def _digest(text: str) -> str:
    """How a policy names an embedded style or script."""
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
