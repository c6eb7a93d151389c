"""``fewshot-metalstm init`` as a user runs it, and --config of the commands that it is for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fewshot_metalstm.cli.main import main
from tests.cli.builders import QUICK, adapt, refused, settings


def test_init_writes_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init"]) == 0
    printed = capsys.readouterr()
    assert "wrote adapt.yaml" in printed.out
    assert "Next: fewshot-metalstm check example" in printed.err
    assert "is there already" in refused(["init"], capsys)
    assert main(["init", "--json", "new"]) == 0
    written = json.loads(capsys.readouterr().out)["written"]
    assert written[0] == "new/meta-train.yaml"
    assert all((tmp_path / path).is_file() for path in written)
    assert main(["check", "example"]) == 0


def test_init_of_a_kind_without_an_example(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "--kind", "digits", str(tmp_path)]) == 0
    printed = capsys.readouterr()
    assert "Next:" not in printed.err
    assert "images of each class" in (tmp_path / "sweep.yaml").read_text()
    assert not (tmp_path / "example").exists()


def test_adapt_and_sweep_take_their_settings_from_the_file(
    tmp_path: Path, meta_trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", str(tmp_path)]) == 0
    file = tmp_path / "adapt.yaml"
    text = file.read_text().replace("#draws: 5", "draws: 2").replace("#score: true", "score: false")
    file.write_text(text.replace("#seed: 0", "seed: 4", 1))
    command = adapt(tmp_path / "out", "--checkpoint", str(meta_trained), "--config", str(file))
    capsys.readouterr()
    assert main([*command, "--quiet", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [draw["f1"] for draw in printed["draws"]] == [None, None]
    assert "seed: 4" in (tmp_path / "out" / "config.yaml").read_text()
    file = tmp_path / "sweep.yaml"
    text = file.read_text().replace("#targets: [example/train.tsv]", "targets: [demo-species]")
    text = text.replace("#shots: [10, 50]", "shots: [5]").replace("#draws: [0, 1, 2, 3, 4]",
                                                                    "draws: [1]")  # fmt: skip
    file.write_text(text.replace("#methods: [meta, scratch]", "methods: [scratch]"))
    command = ["sweep", "--config", str(file), "--checkpoint", str(meta_trained), "--output",
               str(tmp_path / "sweep"), "--runner", "pool", "--workers", "1", "--no-tracking",
               "--quiet", "--json", *settings(QUICK)]  # fmt: skip
    assert main(command) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["cells"] == 1
    assert set(printed["rows"][0]["draws"]) == {"1"}
    line = refused(["sweep", "--output", str(tmp_path / "s"), "--methods", "crf"], capsys)
    assert "no target is named" in line
