"""What the page asks for: the routes, each a small JSON answer."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.annotate.adapter import Adapter
from fewshot_metalstm.kinds.tagging.annotate.export import export, formats
from fewshot_metalstm.kinds.tagging.annotate.journal import NotWritten
from fewshot_metalstm.kinds.tagging.annotate.project import Changed, Project
from fewshot_metalstm.kinds.tagging.annotate.security import Guard
from fewshot_metalstm.kinds.tagging.annotate.view import Views
from fewshot_metalstm.version import __version__

MOST_AT_ONCE = 200  # sentences of an answer
MOST_FOUND = 5000
LONGEST_SEARCH = 500
_SCRIPTS = ("page.js", "list.js", "sentence.js", "server.js", "dialogs.js", "curve.js")
_Answer = Callable[[Request], Awaitable[Response]]


def application(project: Project, adapter: Adapter, token: str, hosts: Collection[str]) -> Guard:
    """The server of a project, guarded; see :mod:`.security` for ``token`` and ``hosts``."""
    routes = _Routes(project, adapter, Views(project, adapter))
    assets = _assets()
    app = Starlette(routes=[
        *(Route(path, _asset(*asset)) for path, asset in assets.items()),
        Route("/api/project", routes.project),
        Route("/api/status", routes.status),
        Route("/api/sentences", routes.sentences),
        Route("/api/search", routes.search),
        Route("/api/next", routes.next),
        Route("/api/act", routes.act, methods=["POST"]),
        Route("/api/adapt", routes.adapt, methods=["POST"]),
        Route("/api/export", routes.export, methods=["POST"]),
    ])  # fmt: skip
    return Guard(app, token, hosts, open_paths=assets)


def _assets() -> Mapping[str, tuple[str, str]]:
    """The page, its style and its scripts by path: text and media type. None holds user's text."""
    own = files("fewshot_metalstm.kinds.tagging.annotate") / "templates"
    shared = files("fewshot_metalstm.pages") / "templates"
    page = Environment(autoescape=True).from_string((own / "annotate.html").read_text("utf-8"))
    style = (shared / "style.css").read_text("utf-8") + (own / "annotate.css").read_text("utf-8")
    return {
        "/": (page.render(version=__version__), "text/html"),
        "/style.css": (style, "text/css"),
        **{f"/{n}": ((own / n).read_text("utf-8"), "text/javascript") for n in _SCRIPTS},
    }


def _asset(text: str, media: str) -> _Answer:
    async def answer(request: Request) -> Response:
        return Response(text, media_type=media)

    return answer


class _Bad(Exception):
    """A request that means nothing, with the status that says so."""

    def __init__(self, problem: str, status: int = 400) -> None:
        super().__init__(problem)
        self.status = status


def _answered(work: Callable[[_Routes, Request, Any], Any]) -> Any:
    """A route from a function that gives an object; what it raises becomes an answer."""

    async def answer(self: _Routes, request: Request) -> Response:
        try:
            given = await _body(request) if request.method == "POST" else None
            return JSONResponse(await run_in_threadpool(work, self, request, given))
        except _Bad as bad:
            return JSONResponse({"error": str(bad)}, bad.status)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)
        except Changed:
            problem = "this sentence was changed in another window; it is shown as it is now"
            return JSONResponse({"error": problem, "changed": True}, 409)
        except NotWritten as full:
            problem = f"not saved: {full}. What was done before is safe; this was not done"
            return JSONResponse({"error": problem, "full": True}, 507)
        except UserError as error:
            return JSONResponse({"error": str(error)}, 422)

    return answer


async def _body(request: Request) -> Mapping[str, Any]:
    try:
        found = json.loads(await request.body())
    except ClientDisconnect:
        raise _Bad("the body is too large", 413) from None
    except (ValueError, RecursionError):
        raise _Bad("the body is no JSON") from None
    if not isinstance(found, dict):
        raise _Bad("the body is no object")
    return found


class _Routes:
    """The answers, about one project."""

    def __init__(self, project: Project, adapter: Adapter, views: Views) -> None:
        self._project, self._adapter, self._views = project, adapter, views

    @_answered
    def project(self, request: Request, given: Any) -> Any:
        """What stays the same, and the status of every sentence."""
        project = self._project
        return {
            "name": project.name, "sentences": len(project.text),
            "types": list(project.state.types), "statuses": project.statuses(),
            "formats": formats(), "notes": list(project.notes),
            "learns": self._adapter.config.checkpoint is not None,
            "folder": str(project.folder),
        }  # fmt: skip

    @_answered
    def status(self, request: Request, given: Any) -> Any:
        """What changes by itself."""
        return self._views.status()

    @_answered
    def sentences(self, request: Request, given: Any) -> Any:
        """Sentences by their numbers, ``at=3,7``; ``full`` with tokens, marks and proposals."""
        numbers = [self._number(each) for each in request.query_params.get("at", "").split(",")]
        if len(numbers) > MOST_AT_ONCE:
            raise _Bad(f"more than {MOST_AT_ONCE} sentences at once")
        if "full" in request.query_params:
            self._adapter.want(numbers)
            return [self._views.sentence(i) for i in numbers]
        return [self._views.line(i) for i in numbers]

    @_answered
    def search(self, request: Request, given: Any) -> Any:
        """The numbers of sentences that hold words."""
        words = " ".join(request.query_params.get("words", "").lower().split())
        if not words or len(words) > LONGEST_SEARCH:
            raise _Bad(f"search for 1 to {LONGEST_SEARCH} characters")
        found = [i for i, each in enumerate(self._project.text.lowered) if words in each]
        return {"sentences": found[:MOST_FOUND], "all": len(found)}

    @_answered
    def next(self, request: Request, given: Any) -> Any:
        """The sentence to do next, but for ``not``, the one that the person is at."""
        here = request.query_params.get("not", "")
        return {"sentence": self._views.next(self._number(here) if here else None)}

    @_answered
    def act(self, request: Request, given: Any) -> Any:
        """Do what an entry of the journal says; answer when it is on the disk."""
        known = {"do", "sentence", "how", "status", "spans", "rejected", "name"}
        entry = {key: given[key] for key in given if key in known}
        seen = given.get("seen")
        if seen is not None and type(seen) is not int:
            raise _Bad("the version that was seen is no number")
        changed = self._project.act(entry, seen)
        answer = {"status": self._views.status(), "sentence": None}
        if changed is not None:
            answer["sentence"] = self._views.sentence(changed)
        return answer

    @_answered
    def adapt(self, request: Request, given: Any) -> Any:
        """Adapt now."""
        return {"begun": self._adapter.adapt()}

    @_answered
    def export(self, request: Request, given: Any) -> Any:
        """Write what is annotated in a format."""
        format, what = given.get("format"), given.get("what", "sentences")
        if not isinstance(format, str) or format not in formats() or not isinstance(what, str):
            raise _Bad("there is no such format to write")
        made = export(self._project, format, what)
        return {"path": str(made.path), "documents": made.documents, "mentions": made.mentions,
                "notes": list(made.notes)}  # fmt: skip

    def _number(self, given: str) -> int:
        number = int(given) if given.isascii() and given.isdigit() and len(given) < 12 else -1
        if not 0 <= number < len(self._project.text):
            raise _Bad("there is no such sentence", 404)
        return number
