"""The routes of a machine-learning backend of Label Studio."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fewshot_metalstm.kinds.tagging.annotate.journal import NotWritten
from fewshot_metalstm.kinds.tagging.annotate.label_config import labelling
from fewshot_metalstm.kinds.tagging.annotate.label_studio import Backend
from fewshot_metalstm.kinds.tagging.annotate.security import Guard

MOST_BYTES = 64 * 2**20
_Answer = Callable[[Request], Awaitable[Response]]


def backend_application(backend: Backend, hosts: Collection[str]) -> Guard:
    """The server, for programs that call it by its name; no page of a browser may ask."""

    def health(given: Mapping[str, Any]) -> Any:
        return {"status": "UP", "model_class": "fewshot-metalstm", "model_version": backend.version,
                "submitted": backend.submitted, "adapting": backend.adapting,
                "problem": backend.problem}  # fmt: skip

    def setup(given: Mapping[str, Any]) -> Any:
        schema = given.get("schema") or given.get("label_config")
        if schema:  # a project that has none yet may be connected all the same
            labelling(_words(schema))
        return {"model_version": backend.version}

    def predict(given: Mapping[str, Any]) -> Any:
        tasks = given.get("tasks")
        if not isinstance(tasks, list):
            raise ValueError("there is no list of tasks")
        results = backend.predict(tasks, _words(given.get("label_config")))
        return {"results": results, "model_version": backend.version}

    def webhook(given: Mapping[str, Any]) -> Any:
        return {"status": "ok", "adapting": backend.webhook(_words(given.get("action")), given)}

    def train(given: Mapping[str, Any]) -> Any:
        return {"status": "ok", "adapting": backend.adapt()}

    app = Starlette(routes=[
        Route("/", _answer(health)),
        Route("/health", _answer(health)),
        Route("/setup", _answer(setup), methods=["POST"]),
        Route("/predict", _answer(predict), methods=["POST"]),
        Route("/webhook", _answer(webhook, 201), methods=["POST"]),
        Route("/train", _answer(train, 201), methods=["POST"]),
    ])  # fmt: skip
    return Guard(app, None, hosts, most=MOST_BYTES)


def _answer(work: Callable[[Mapping[str, Any]], Any], status: int = 200) -> _Answer:
    async def answer(request: Request) -> Response:
        try:
            given: Any = {}
            if request.method == "POST":
                given = json.loads(await request.body())
            if not isinstance(given, dict):
                raise ValueError("the body is no object")
            return JSONResponse(await run_in_threadpool(work, given), status)
        except ClientDisconnect:
            return JSONResponse({"error": "the body is too large"}, 413)
        except (ValueError, RecursionError) as error:
            return JSONResponse({"error": str(error)}, 400)
        except NotWritten as full:
            return JSONResponse({"error": f"not saved: {full}"}, 507)

    return answer


def _words(given: Any) -> str:
    if not isinstance(given, str):
        raise ValueError("the labelling configuration, or the action, is no text")
    return given
