"""``settings`` as a user runs it."""

from __future__ import annotations

import json

import pytest

from fewshot_metalstm.cli.main import main
from tests.cli.builders import refused


def test_a_section(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings", "inner"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    row = "inner.steps │ 5 │ integer │ at least 0 │ gradient steps on the support │ meta-train"
    assert row in shown
    assert "outer.steps" not in shown


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings", "adapt.momentum", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "kind": "tagging",
        "settings": [
            {
                "name": "adapt.momentum", "commands": ["adapt", "sweep"], "type": "number",
                "default": 0.9, "meaning": "of sgd", "range": "0 to below 1",
            }
        ],
    }  # fmt: skip


def test_a_section_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert "did you mean inner?" in refused(["settings", "iner"], capsys, quiet=False)
