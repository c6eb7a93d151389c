"""``fewshot-metalstm label-studio``: what it refuses; its answers are tested with its server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.builders import refused


def test_what_it_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["label-studio", str(tmp_path / "absent"), "-o", str(tmp_path / "p")]
    assert "holds no model" in refused(command, capsys, quiet=False)
    said = refused([*command, "--host", "0.0.0.0"], capsys, quiet=False)
    assert "no password" in said
    assert "--i-know-there-is-no-tls" in said
    assert not (tmp_path / "p").exists()
