"""``fewshot-metalstm tasks`` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fewshot_metalstm.cli.tasks import tasks
from fewshot_metalstm.errors import UserError


@pytest.fixture(autouse=True)
def _nothing_at_hand(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("FEWSHOT_METALSTM_DATA", raising=False)
    monkeypatch.setenv("FEWSHOT_METALSTM_CACHE", str(tmp_path / "cache"))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(tasks, arguments)


def run_json(*arguments: str) -> dict[str, Any]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    value = json.loads(result.stdout)
    assert isinstance(value, dict)
    return value


def test_tasks_list_needs_no_corpus() -> None:
    result = run("list")
    assert result.exit_code == 0
    for name in ("bionlp", "mtl-bio", "demo", "linnaeus", "demo-species (synthetic)"):
        assert name in result.output
    listed = run_json("list")
    bionlp = next(s for s in listed["suites"] if s["name"] == "bionlp")
    assert (bionlp["tasks"], bionlp["corpora"], bionlp["at_hand"]) == (17, 18, 0)
    linnaeus = next(t for t in listed["targets"] if t["name"] == "linnaeus")
    assert linnaeus["sentences"] == {"train": 11935, "devel": 4078, "test": 7142}
    assert (linnaeus["frozen_draws"], linnaeus["at_hand"]) == (25, False)


def test_tasks_of_every_kind_are_listed() -> None:
    listed = run_json("list")
    assert {"bionlp": "tagging", "digits": "digits"}.items() <= {
        suite["name"]: suite["kind"] for suite in listed["suites"]
    }.items()
    digits = next(t for t in listed["targets"] if t["name"] == "digits-6789")
    assert (digits["types"], digits["family"], digits["at_hand"]) == (list("6789"), "mnist", False)
    assert (digits["images"]["train"], digits["frozen_draws"]) == (None, 30)
    rows = run_json("show", "digits")["tasks"]
    assert {row["family"] for row in rows} == {"mnist", "mnist-90", "mnist-180", "mnist-270"}
    assert "mentions" not in run("show", "digits").output


def test_tasks_show_suite_gives_sizes_types_and_families_without_text() -> None:
    rows = run_json("show", "bionlp")["tasks"]
    row = next(r for r in rows if r["name"] == "BioNLP13CG-cc" and r["role"] == "meta-train")
    assert row["family"] == "BioNLP13CG"
    assert (row["sentences"], row["types"], row["at_hand"]) == (3033, ["Cellular_component"], False)
    assert "BioNLP13CG-cc" in run("show", "bionlp").output


def test_tasks_show_corpus_counts_its_splits(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "train.tsv").write_text("a\tS-X\nb\tB-Y\nc\tE-Y\n\nd\tO\n")
    shown = run_json("show", str(folder))
    (train,) = shown["splits"]
    assert (shown["task"], shown["types"]) == ("mine", ["X", "Y"])
    assert (train["sentences"], train["bearing"], train["longest"]) == (2, 1, 3)
    assert train["mentions"] == {"X": 1, "Y": 1}
    assert "mine" in run("show", str(folder)).output
    assert "synthetic" in run("show", "demo-species").output


def test_tasks_audit_of_the_embedded_suite_is_clean() -> None:
    report = run_json("audit", "demo", "demo-species")
    assert report["clean"]
    assert len(report["overlaps"]) == 12
    assert "before -> after" in " ".join(run("audit", "demo", "demo-species").output.split())


def test_tasks_absent_corpus_is_a_user_error() -> None:
    result = run("audit", "bionlp", "linnaeus")
    assert isinstance(result.exception, UserError)
    assert "linnaeus" in str(result.exception)


def test_tasks_draws_are_written_and_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fewshot_metalstm.declarations.folder", lambda: tmp_path)
    (tmp_path / "catalogue.yaml").write_text("format: 1\ncollections: {}\ncorpora: {}\n")
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "targets.yaml").write_text("official: []\nsynthetic: [demo-species]\n")
    missing = run("draws", "demo-species", "--check")
    assert missing.exit_code == 1
    assert "there is no" in missing.output
    assert run_json("draws", "demo-species", "--write")["written"] == [
        str(tmp_path / "draws" / "demo-species.json")
    ]
    assert run_json("draws", "demo-species")["equal"]


def test_tasks_draws_of_digits_are_what_is_frozen(real_data: Path) -> None:
    checked = run_json("draws", "--kind", "digits", "--data-dir", str(real_data))
    assert (checked["targets"], checked["problems"]) == (["digits-6789"], [])


def test_tasks_draws_of_the_real_targets_are_what_is_frozen(real_data: Path) -> None:
    checked = run_json("draws", "linnaeus", "NCBI-disease", "--data-dir", str(real_data))
    assert checked["problems"] == []
