"""A small catalogue, its files, and a local server that misbehaves on demand."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from fewshot_metalstm.data.catalogue import Catalogue, Collection, CorpusEntry, FileEntry
from fewshot_metalstm.data.digests import sha256

FILES = {
    split: "".join(f"{split}{i}\tO\nE.\tB-Sp\ncoli\tE-Sp\n\n" for i in range(count)).encode()
    for split, count in (("train", 30), ("devel", 3), ("test", 4))
}


def entry(name: str = "tiny", *, bring: bool = False) -> CorpusEntry:
    files = {
        split: FileEntry(f"{split}.tsv")
        if bring
        else FileEntry(f"{split}.tsv", sha256(text), len(text))
        for split, text in FILES.items()
    }
    return CorpusEntry(
        name=name,
        collection=Collection("col", "c0ffee", "http://[::1]:1/{commit}/{path}", "", "CC0", ""),
        folder=f"data/{name}-IOBES",
        family=f"{name}-family",
        types=("Sp",),
        files=files,
        scheme=None if bring else "IOBES",
        licence="unclear" if bring else "CC0",
        citation="Nobody (2000)",
        bring=bring,
    )


def catalogue() -> Catalogue:
    return Catalogue({"tiny": entry(), "brought": entry("brought", bring=True)})


@dataclass
class Server:
    """What the server has, what it shall do wrong next, and what it was asked."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[Server]:
    """Serve ``files`` on a free port; a fault of :class:`Server` is used up by one request."""
    server = Server(files=files)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing on standard error."""

        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            server.asked.append((self.path, wanted))
            fault = server.faults.pop(0) if server.faults else ""
            body = server.files.get(self.path)
            if fault.isdigit() or body is None:
                self.send_error(int(fault or 404))
                return
            start = 0
            if wanted and fault != "no range":
                start = int(wanted.removeprefix("bytes=").rstrip("-"))
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            else:
                self.send_response(200)
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            rest = body[start:]
            if fault == "break":
                rest = rest[: len(rest) // 2]
            if fault == "corrupt":
                rest = bytes(len(rest))
            self.wfile.write(rest)

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    server.address = f"http://127.0.0.1:{httpd.server_address[1]}"
    try:
        yield server
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()
