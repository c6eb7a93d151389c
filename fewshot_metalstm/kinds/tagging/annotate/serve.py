"""Serve a project's page until Ctrl-C."""

from __future__ import annotations

import asyncio
import html
import ipaddress
import os
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.annotate.security import ANY_NUMBER, Guard

DOORWAY = "open.html"


@dataclass(frozen=True)
class Address:
    """A socket that listens, and how it is called."""

    socket: socket.socket
    host: str
    port: int
    token: str

    @property
    def hosts(self) -> tuple[str, ...]:
        """What requests may call the server."""
        if ipaddress.ip_address(self.host).is_unspecified:
            return (f"localhost:{self.port}", ANY_NUMBER)
        shown = f"[{self.host}]" if ":" in self.host else self.host
        names = [shown, "localhost"] if is_loopback(self.host) else [shown]
        return tuple(f"{name}:{self.port}" for name in names)

    @property
    def url(self) -> str:
        """The address that a person opens; the token is in the part that no server is sent."""
        return f"http://{self.hosts[0]}/#{self.token}"


def is_loopback(host: str) -> bool:
    """Whether an address is one that other machines cannot reach."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listen(host: str, port: int) -> Address:
    """Listen on an address; port 0 takes one that is free.

    Raises:
        UserError: it is not an address of this machine, or the port is taken.
    """
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise UserError(f"--host {host}: is no IP address; name one such as 127.0.0.1") from None
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen(64)
    except OSError as error:
        found.close()
        reason = (error.strerror or "").lower()
        cure = "choose another with --port" if port else "choose another with --host"
        raise UserError(f"{host}:{port}: cannot be listened on ({reason}); {cure}") from None
    return Address(found, host, found.getsockname()[1], secrets.token_urlsafe(32))


@contextmanager
def doorway(address: Address, folder: Path) -> Iterator[Path]:
    """A file that leads a browser to the address, and that only its user can read.

    The address itself would be seen by all users of the machine, as the argument of the program
    that opens the browser.
    """
    place = folder / DOORWAY
    place.unlink(missing_ok=True)
    url = html.escape(address.url)
    page = (
        '<!doctype html><meta charset="utf-8"><title>Annotate</title>'
        f'<meta http-equiv="refresh" content="0;url={url}"><a href="{url}">Annotate</a>\n'
    )
    try:
        with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(page)
        yield place
    finally:
        place.unlink(missing_ok=True)


def serve(app: Guard, address: Address, ready: Callable[[], object] = lambda: None) -> None:
    """Answer requests until SIGINT or SIGTERM; ``ready`` is called when it does.

    The signal that ended it is raised again, as :class:`KeyboardInterrupt` for Ctrl-C.
    """
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, lifespan="off", ws="none",
        server_header=False, date_header=False, timeout_graceful_shutdown=2,
    )  # fmt: skip
    server = uvicorn.Server(config)

    async def run() -> None:
        serving = asyncio.create_task(server.serve(sockets=[address.socket]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        ready()
        await serving

    try:
        asyncio.run(run())
    finally:
        address.socket.close()
