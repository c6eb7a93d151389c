"""``fewshot-metalstm tasks map`` as a user runs it."""

from __future__ import annotations

import csv
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from fewshot_metalstm.cli.main import main
from fewshot_metalstm.kinds.tagging.tagger.model import save_model
from tests.cli.builders import refused, run_json
from tests.pretrained.builders import checkpoint, with_heads

SOURCES = {"demo-genes": ("Gene",), "demo-cells": ("Anatomy", "Cell"), "demo-enzymes": ("Enzyme",)}


@pytest.fixture(scope="module")
def with_sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of fresh weights with random heads for some synthetic tasks."""
    folder = tmp_path_factory.mktemp("sources") / "checkpoint"
    save_model(with_heads(checkpoint(synthetic=True), SOURCES), folder)
    return folder


def test_source_tasks_against_each_other_and_a_target(
    with_sources: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The suite's own types on their devel splits; then a target, beside measured transfer."""
    made = run_json(
        ["tasks", "map", "--checkpoint", str(with_sources), "--shots", "3", "-o",
         str(tmp_path / "own")], capsys,
    )  # fmt: skip
    types = [f"{row['target']}/{row['type']}" for row in made["rows"]]
    assert set(types) <= set(made["sources"])
    assert [name for name in made["sources"] if name in types] == types  # in the sources' order
    assert {row["split"] for row in made["rows"]} == {"devel"}
    with (tmp_path / "own" / "losses.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row, known in zip(rows, made["rows"], strict=True):
        assert {n: float(row[n]) for n in made["sources"]} == known["losses"]

    measured = tmp_path / "measured.csv"
    names = made["sources"][:4]
    given = "".join(f"demo-methods,{name},{i}\n" for i, name in enumerate(names))
    measured.write_text(f"target,source,f1\n{given}")
    arguments = ["tasks", "map", "--checkpoint", str(with_sources), "--target", "demo-methods",
                 "--shots", "3", "--measured", str(measured), "-o"]  # fmt: skip
    found = run_json([*arguments, str(tmp_path / "one")], capsys)
    (row,), (agreement,) = found["rows"], found["measured"]
    assert (row["target"], row["split"]) == ("demo-methods", "train")
    assert agreement["heads"] == 4
    assert agreement["chosen"] == min(names, key=row["losses"].__getitem__)
    assert agreement["best"] == names[-1]
    page = (tmp_path / "one" / "map.html").read_text(encoding="utf-8")
    assert "Beside measured transfer" in page
    assert agreement["chosen"] in page
    ElementTree.parse(tmp_path / "one" / "map.svg")
    assert (tmp_path / "one" / "map.png").read_bytes().startswith(b"\x89PNG")

    measured.write_text("target,source,f1\ndemo-methods,none,5\n")
    assert "no source head none" in refused([*arguments, str(tmp_path / "two")], capsys)
    assert not (tmp_path / "two" / "map.html").exists()


def test_what_is_found_is_a_table(
    with_sources: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "map"
    assert main(["tasks", "map", "--checkpoint", str(with_sources), "--target", "demo-methods",
                 "--shots", "0", "-o", str(output)]) == 0  # fmt: skip
    printed = capsys.readouterr()
    assert "demo-methods/Method" in printed.out
    assert f"{output / 'map.html'}: 1 types of targets" in printed.out
    assert "trying the heads on targets: 1/1" in printed.err
    line = refused(["tasks", "map", "--checkpoint", str(with_sources), "-o", str(output)], capsys)
    assert "holds a run already" in line
    save_model(checkpoint(), tmp_path / "bare")
    arguments = [
        "tasks",
        "map",
        "--checkpoint",
        str(tmp_path / "bare"),
        "-o",
        str(tmp_path / "none"),
    ]
    assert "keeps no heads of its source tasks" in refused(arguments, capsys)
    assert not (tmp_path / "none").exists()
