"""Small projects, and a client that asks an ASGI application what no browser would."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fewshot_metalstm.kinds.tagging.annotate.adapter import Adapter, AdapterConfig
from fewshot_metalstm.kinds.tagging.annotate.project import Begin, Project, opened
from fewshot_metalstm.kinds.tagging.annotate.security import Guard
from fewshot_metalstm.kinds.tagging.annotate.server import application

TOKEN, HOST = "the-token", "127.0.0.1:7777"
STRAINS = ("W303", "BY4741", "S288C", "AH109", "SK1", "Y187")
TEXT = "".join(
    f"Cells of {STRAINS[i % 6]} were grown for {i + 2} days.\nPlate {i} was read by the others.\n"
    for i in range(12)
)


@contextmanager
def project(folder: Path, text: str = TEXT, **begin: Any) -> Iterator[Project]:
    """A project of a text; one that is there goes on."""
    source = folder.parent / "text.txt"
    if not folder.exists():
        source.write_text(text, encoding="utf-8")
    with opened(folder, Begin(source, **{"types": ("Strain", "Time"), **begin})) as found:
        yield found


def mark(sentence: int, *spans: tuple[str, int, int], **more: Any) -> dict[str, Any]:
    """An entry that marks a sentence."""
    found = [[name, [[start, end]]] for name, start, end in spans]
    return {"do": "mark", "sentence": sentence, "how": "add", "status": "open", "spans": found,
            "rejected": [], **more}  # fmt: skip


def annotate(project: Project, number: int) -> None:
    """Annotate the strains of the first sentences."""
    for i in range(number):
        sentence = project.text.sentence(i)
        spans = [("Strain", sentence.index(s), sentence.index(s) + len(s))
                 for s in STRAINS if s in sentence]  # fmt: skip
        project.act(mark(i, *spans, how="done", status="done"))


@dataclass(frozen=True)
class Answer:
    """What a server says."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The object that it answers with."""
        return json.loads(self.body)


@dataclass
class Client:
    """Asks a server; what is not said is as a page of the server's own has it."""

    app: Guard

    def ask(
        self, path: str, method: str = "GET", body: bytes = b"", *,
        headers: Mapping[str, str | None] = {}, sent: int | None = None,
    ) -> Answer:  # fmt: skip
        """An answer; a header that is None is left out, ``sent`` is the length that is said."""
        given: dict[str, str | None] = {
            "host": HOST, "authorization": f"Bearer {TOKEN}", "origin": f"http://{HOST}",
            "sec-fetch-site": "same-origin",
        }  # fmt: skip
        if method == "POST":
            given |= {"content-type": "application/json",
                      "content-length": str(len(body) if sent is None else sent)}  # fmt: skip
        given |= headers
        return asyncio.run(self._ask(path, method, body, given))

    def get(self, path: str) -> Any:
        """What a good question is answered with."""
        answer = self.ask(path)
        assert answer.status == 200, answer.body
        return answer.json()

    def post(self, path: str, value: Any, status: int = 200) -> Any:
        """What is answered to an object."""
        answer = self.ask(path, "POST", json.dumps(value).encode())
        assert answer.status == status, answer.body
        return answer.json()

    async def _ask(
        self, path: str, method: str, body: bytes, headers: Mapping[str, str | None]
    ) -> Answer:
        path, _, query = path.partition("?")
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
            "scheme": "http", "path": path, "raw_path": path.encode(), "root_path": "",
            "query_string": query.encode(), "client": ("127.0.0.1", 1), "server": None,
            "headers": [(k.encode(), v.encode()) for k, v in headers.items() if v is not None],
        }  # fmt: skip
        parts = [body[i : i + 2**16] for i in range(0, len(body), 2**16)] or [b""]
        messages = [
            {"type": "http.request", "body": part, "more_body": i + 1 < len(parts)}
            for i, part in enumerate(parts)
        ]
        said: list[Any] = []

        async def receive() -> Any:
            return messages.pop(0) if messages else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            said.append(message)

        await self.app(scope, receive, send)
        names = {k.decode(): v.decode() for k, v in said[0]["headers"]}
        return Answer(said[0]["status"], names, b"".join(m.get("body", b"") for m in said[1:]))


@contextmanager
def serving(folder: Path, text: str = TEXT, **begin: Any) -> Iterator[tuple[Client, Project]]:
    """A project behind a server without a tagger."""
    with project(folder, text, **begin) as found:
        adapter = Adapter(found, AdapterConfig(None))
        yield Client(application(found, adapter, TOKEN, (HOST,))), found
