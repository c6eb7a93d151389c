"""Attacks: each is refused, and what is refused has changed and shown nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.annotate.security import ANY_NUMBER, MOST_BYTES, Guard
from fewshot_metalstm.kinds.tagging.annotate.serve import Address, doorway, is_loopback, listen
from tests.kinds.tagging.annotate.builders import HOST, TOKEN, Client, mark, serving

ENTRY = json.dumps(mark(0, ("Strain", 0, 5))).encode()
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with serving(tmp_path / "p") as (found, project):
        yield found
        assert project.journal.entries == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"authorization": None}, 401),
        ({"authorization": "Bearer "}, 401),
        ({"authorization": f"Bearer {TOKEN}x"}, 401),
        ({"authorization": f"Bearer {TOKEN[:-1]}"}, 401),
        ({"authorization": f"Basic {TOKEN}"}, 401),
        ({"authorization": None, "cookie": f"token={TOKEN}"}, 401),
        # A name that was made to point to this machine.
        ({"host": "evil.example:7777"}, 421),
        ({"host": "evil.example:7777", "origin": "http://evil.example:7777"}, 421),
        ({"host": "127.0.0.1"}, 421),
        ({"host": "127.0.0.1:7778"}, 421),
        ({"host": f"{HOST}.evil.example"}, 421),
        ({"host": None}, 421),
        # A page of another server.
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "https://127.0.0.1:7777"}, 403),
        ({"origin": "http://127.0.0.1:5000"}, 403),
        ({"origin": None, "sec-fetch-site": "cross-site"}, 403),
        ({"origin": None, "sec-fetch-site": "same-site"}, 403),
        # What a form of another page can send without asking.
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"content-type": None}, 415),
        # Sizes.
        ({"content-length": None}, 411),
        ({"content-length": "-1"}, 411),
        ({"content-length": "1e3"}, 411),
        ({"content-length": "٣"}, 411),
        ({"content-length": str(MOST_BYTES + 1)}, 413),
        ({"content-length": "9" * 40}, 413),
    ],
)
def test_who_asks_wrongly_is_refused(
    client: Client, headers: dict[str, str | None], status: int
) -> None:
    answer = client.ask("/api/act", "POST", ENTRY, headers=headers)
    assert answer.status == status
    assert answer.json()["error"]
    assert TOKEN not in answer.body.decode()
    if status in (401, 403, 421):
        asked = client.ask("/api/sentences?full&at=0", headers=headers)
        assert asked.status == status
        assert b"W303" not in asked.body


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(client: Client, method: str) -> None:
    assert client.ask("/api/act", method, ENTRY).status == 405


def test_reading_paths_do_not_act_and_acting_ones_are_not_read(client: Client) -> None:
    assert client.ask("/api/act").status == 405
    assert client.ask("/api/project", "POST", b"{}").status == 405


def test_a_body_that_is_longer_than_was_said_is_cut_off(client: Client) -> None:
    assert client.ask("/api/act", "POST", b" " * (MOST_BYTES + 1), sent=10).status == 413


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"[" * 100_000, b"\xff", b"3", b'"a"'])
def test_what_is_no_object_is_refused(client: Client, body: bytes) -> None:
    assert client.ask("/api/act", "POST", body).status == 400


@pytest.mark.parametrize(
    "path",
    ["/api/sentences?at=99999", "/api/sentences?at=-1", "/api/sentences?at=", "/api/sentences",
     "/api/sentences?at=1e1", "/api/sentences?at=٣", "/api/next?not=x", "/api/search?words=",
     f"/api/search?words={'x' * 501}", "/api/sentences?at=" + ",".join(["1"] * 201)],
)  # fmt: skip
def test_questions_that_mean_nothing(client: Client, path: str) -> None:
    assert client.ask(path).status in (400, 404)


def test_no_path_leads_to_a_file(client: Client) -> None:
    for path in ("/../setup.cfg", "/..%2fsetup.cfg", "/page.js/../../server.py", "//etc/passwd"):
        assert client.ask(path).status == 404


def test_a_format_is_no_path(client: Client) -> None:
    for value in ({"format": "../../x"}, {"format": ["jsonl"]}, {}, {"format": "text"},
                  {"format": "jsonl", "what": "../x"}):  # fmt: skip
        assert "error" in client.post("/api/export", value, 422 if "what" in value else 400)


def test_the_page_holds_nothing_of_the_user_and_forbids_all_else(client: Client) -> None:
    page = client.ask("/", headers={"authorization": None, "origin": None,
                                    "sec-fetch-site": "cross-site",
                                    "sec-fetch-mode": "navigate"})  # fmt: skip
    assert page.status == 200  # a link that was followed
    text = page.body.decode()
    assert TOKEN not in text
    assert "Strain" not in text
    policy = dict(part.strip().split(" ", 1) for part in
                  page.headers["content-security-policy"].split(";"))  # fmt: skip
    assert policy["default-src"] == "'none'"
    for name in ("script-src", "style-src", "connect-src"):
        assert policy[name] == "'self'"
    assert policy["frame-ancestors"] == policy["form-action"] == policy["base-uri"] == "'none'"
    assert "style=" not in text  # neither scripts nor styles stand in the page
    assert text.count("<script") == text.count('<script type="module" src="/page.js"></script>')
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-content-type-options"] == "nosniff"
    # But a page of another's that embeds it or its scripts gets nothing.
    for mode in ("no-cors", "cors"):
        headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": mode}
        assert client.ask("/page.js", headers=headers).status == 403


def test_scripts_write_no_markup(client: Client) -> None:
    """Text of the user reaches the page as text alone."""
    for name in ("page", "list", "sentence", "server", "dialogs", "curve"):
        script = client.ask(f"/{name}.js").body.decode()
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(",
                     "new Function", "setAttribute(\"on"):  # fmt: skip
            assert word not in script, (name, word)
    assert "http" not in client.ask("/style.css").body.decode()


def test_text_and_types_are_given_as_json_alone(tmp_path: Path) -> None:
    with serving(tmp_path / "p", f"The {SCRIPT} grew.\n", types=(SCRIPT,)) as (client, _):
        for path in ("/api/project", "/api/sentences?full&at=0", "/api/status"):
            answer = client.ask(path)
            assert answer.headers["content-type"] == "application/json"
            assert SCRIPT in answer.body.decode() or path == "/api/status"


def test_other_protocols_are_closed(client: Client) -> None:
    import asyncio

    said = []

    async def receive() -> object:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, object]) -> None:
        said.append(message)

    scope = {"type": "websocket", "headers": []}
    asyncio.run(client.app(scope, receive, send))  # type: ignore[arg-type]
    assert [each["type"] for each in said] == ["websocket.close"]


def test_addresses() -> None:
    assert is_loopback("127.0.0.1")
    assert is_loopback("::1")
    assert not any(map(is_loopback, ("0.0.0.0", "10.0.0.1", "localhost", "::")))
    with pytest.raises(UserError, match="no IP address"):
        listen("localhost", 0)
    one, other = listen("127.0.0.1", 0), listen("127.0.0.1", 0)
    assert one.token != other.token
    assert len(one.token) >= 40
    assert one.url == f"http://127.0.0.1:{one.port}/#{one.token}"
    with pytest.raises(UserError, match="choose another with --port"):
        listen("127.0.0.1", one.port)
    for each in (one, other):
        each.socket.close()


def test_the_address_is_told_to_its_user_alone(tmp_path: Path) -> None:
    """In a file, as arguments of a program are seen by all users."""
    address = listen("127.0.0.1", 0)
    with doorway(address, tmp_path) as place:
        assert place.stat().st_mode & 0o077 == 0
        assert address.url in place.read_text()
    assert not place.exists()
    address.socket.close()


def test_a_server_on_all_addresses_goes_by_numbers_alone(tmp_path: Path) -> None:
    with serving(tmp_path / "p") as (client, _):
        inner = client.app._app
    hosts = Address(None, "0.0.0.0", 7777, TOKEN).hosts  # type: ignore[arg-type]
    assert ANY_NUMBER in hosts
    wide = Client(Guard(inner, TOKEN, hosts))
    asked = {
        "10.1.2.3:7777": 200, "[fe80::1]:7777": 200, "localhost:7777": 200,
        "evil.example:7777": 421, "10.1.2.3.evil.example:7777": 421,
    }  # fmt: skip
    for host, status in asked.items():
        headers = {"host": host, "origin": None}
        assert wide.ask("/api/status", headers=headers).status == status
