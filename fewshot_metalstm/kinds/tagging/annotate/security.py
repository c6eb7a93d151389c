"""Nobody but the person who started the server gets in: what every request has to bring.

- The ``Host`` is the server's own, by number or as ``localhost``: a name of another's that was made
  to point here (DNS rebinding) is refused.
- An ``Origin``, where a browser sends one, is the server's own, and so is ``Sec-Fetch-Site``: pages
  of others are refused.
- Whatever holds or changes data has the token in its ``Authorization`` header, which a page of
  another's cannot add. The token is in the part of the address behind ``#``, which is sent to
  nobody. What is served without it is the page as it is installed, without any of the user's text.
- A body has a length that is said, and is no larger than a limit.

Answers forbid whatever the page does not need: scripts and styles are the server's own files, no
other may frame it, nothing is kept in caches.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 2**20  # of a request's body
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
ANY_NUMBER = "*"
"""Stands for any IP address: of a server that listens on all of a machine's."""
_NUMBER = re.compile(r"(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:.]+\])(:\d+)?")
_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Guard:
    """The ASGI application within, for requests that are the user's own."""

    def __init__(
        self,
        app: ASGIApp,
        token: str | None,
        hosts: Collection[str],
        open_paths: Collection[str] = (),
        most: int = MOST_BYTES,
    ) -> None:
        """Guard an application.

        Args:
            token: what requests have to bring; None where the machine's own programs may ask.
            hosts: what ``Host`` may be, with the port; :data:`ANY_NUMBER` lets in every IP address.
            open_paths: the paths that are answered without the token.
            most: bytes of a body.
        """
        self._app, self._token, self._most = app, token, most
        self._hosts = frozenset(host.lower() for host in hosts)
        self._any = ANY_NUMBER in self._hosts
        self._open = frozenset(open_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, refuse, or pass on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
            await send(message)

        if scope["type"] != "http":  # no WebSocket has any business here
            await send({"type": "websocket.close", "code": 1008})
            return
        refused = self._refused(scope)
        if refused is not None:
            await JSONResponse({"error": refused[1]}, refused[0])(scope, receive, guarded)
            return
        await self._app(scope, self._limited(receive), guarded)

    def _refused(self, scope: Scope) -> tuple[int, str] | None:
        """Status and reason of a refusal, or None."""
        headers = Headers(scope=scope)
        given = headers.getlist("host")
        if len(given) != 1 or not self._is_own(given[0].lower()):
            return 421, "this server does not go by that name"
        origin = headers.get("origin")
        if origin is not None and origin.lower() != f"http://{given[0].lower()}":
            return 403, "a page of another server asks"
        # But for a link that the person follows: it gets the page, which holds no data.
        followed = scope["path"] in self._open and headers.get("sec-fetch-mode") == "navigate"
        if headers.get("sec-fetch-site", "none") not in ("same-origin", "none") and not followed:
            return 403, "a page of another server asks"
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return 405, "the method is not known here"
        if self._token is not None and scope["path"] not in self._open:
            scheme, _, token = headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not _same(token, self._token):
                return 401, "open the address that fewshot-metalstm has printed"
        if scope["method"] == "POST":
            length = headers.get("content-length", "")
            if not (length.isascii() and length.isdigit()):
                return 411, "the length of the body is not said"
            if len(length) > 9 or int(length) > self._most:
                return 413, f"the body is larger than {self._most} bytes"
            if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
                return 415, "the body is no JSON"
        return None

    def _is_own(self, host: str) -> bool:
        if host in self._hosts:
            return True
        return self._any and bool(_NUMBER.fullmatch(host))

    def _limited(self, receive: Receive) -> Receive:
        """A body that ends where the limit is, whatever length was said."""
        total = 0

        async def limited() -> Message:
            nonlocal total
            message = await receive()
            total += len(message.get("body", b""))
            if total > self._most:
                return {"type": "http.disconnect"}
            return message

        return limited


def _same(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())
