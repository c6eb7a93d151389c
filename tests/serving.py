"""Servers of tests: a free port, and waiting until something answers there."""

from __future__ import annotations

import socket
import subprocess
import time
import urllib.request


def free_port() -> int:
    """A port that nothing listened on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(address: str, server: subprocess.Popen[str] | subprocess.Popen[bytes]) -> str:
    """What the server at an address answers, as soon as it does."""
    deadline = time.monotonic() + 300
    while True:
        assert server.poll() is None, "the server ended"
        assert time.monotonic() < deadline, "the server did not answer"
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                body: str = answer.read().decode()
                return body
        except OSError:
            time.sleep(0.3)
