"""``fewshot-metalstm adapt`` as a user runs it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from fewshot_metalstm.cli.main import main
from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER, load_model, save_model
from tests.cli.builders import adapt, meta_train, refused, run_json, settings
from tests.kinds.tagging.tagger.builders import digests, model

FIELDS = {
    "target", "kind", "shots", "method", "name", "checkpoint", "draws", "figure", "unit", "better",
    "mean", "mean_f1", "ci95", "baselines", "model",
}  # fmt: skip
DRAW = {
    "draw", "f1", "precision", "recall", "support_sentences", "support_mentions", "seconds",
    "losses",
}  # fmt: skip


def test_json_has_the_promised_fields_and_the_checkpoint_stays(
    tmp_path: Path, meta_trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = digests(meta_trained)
    result = run_json(
        adapt(tmp_path / "out", "--checkpoint", str(meta_trained), "--draws", "2",
              "--baseline", "scratch"),
        capsys,
    )  # fmt: skip
    assert digests(meta_trained) == before
    assert set(result) >= FIELDS
    assert set(result) - FIELDS <= {
        "tune",
        "synthetic",
        "invented",
        "unlabelled",
        "teacher",
        "tagger",
        "notes",
    }
    assert (result["target"], result["shots"], result["method"]) == ("demo-species", 5, "fomaml")
    assert result["checkpoint"] == str(meta_trained / "checkpoint")
    assert result["synthetic"] is True
    assert set(result["baselines"]) == {"scratch"}
    for method in (result, result["baselines"]["scratch"]):
        assert {"draws", "mean_f1", "ci95"} <= set(method)
        assert [draw["draw"] for draw in method["draws"]] == [0, 1]
        for draw in method["draws"]:
            assert set(draw) - {"per_type"} == DRAW
            assert 5 <= draw["support_mentions"] <= 10
            assert 0 <= draw["f1"] <= 100
    load_model(tmp_path / "out" / "tagger", TAGGER)
    assert json.loads((tmp_path / "out" / "report.json").read_text()) == result
    assert "(synthetic)" in (tmp_path / "out" / "report.md").read_text()


def test_the_table_shows_draws_mean_interval_and_baseline(
    tmp_path: Path, meta_trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = adapt(
        tmp_path / "out", "--checkpoint", str(meta_trained), "--draws", "2", "--baseline", "scratch"
    )
    assert main(arguments) == 0
    printed = capsys.readouterr()
    for part in ("demo-species (synthetic), 5 shots", "precision", "recall", meta_trained.name,
                 "scratch", "mean", "±", "tagger: ", "Next: fewshot-metalstm predict"):  # fmt: skip
        assert part in printed.out, part
    assert f"{meta_trained.name}, draw 0: F1 " in printed.err
    assert "scratch, draw 1: F1 " in printed.err


def test_a_checkpoint_of_joint_training_and_the_crf(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(meta_train(tmp_path / "run", "--algorithm", "joint", "--quiet", "--json")) == 0
    arguments = adapt(
        tmp_path / "out", "--checkpoint", str(tmp_path / "run"), "--draws", "1", "--baseline",
        "crf", *settings(["adapt.averages=2"]),
    )  # fmt: skip
    result = run_json(arguments, capsys)
    assert result["method"] == "joint"
    (head,) = result["draws"][0]["start"].values()
    heads = [source.name for source in load_model(tmp_path / "run" / "checkpoint").heads]
    assert head in heads
    assert f"- draw 0 started from the source heads {head} for " in (
        (tmp_path / "out" / "report.md").read_text()
    )
    assert result["baselines"]["crf"]["draws"][0]["f1"] >= 0
    assert {f.name for f in (tmp_path / "out" / "tagger").iterdir()} == {
        "config.json", "model.safetensors", "vocabulary.json"
    }  # fmt: skip


def test_it_finds_the_newest_compatible_checkpoint_and_says_which(
    tmp_path: Path, meta_trained: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    arguments = [
        a for a in adapt(Path("X"), "--draws", "1") if a not in ("--output", "X")
    ]  # fmt: skip
    assert "no checkpoint in runs" in refused(arguments, capsys)
    for age, name in ((100, "old"), (50, "mine")):
        shutil.copytree(meta_trained, tmp_path / "runs" / name)
        stamp = (tmp_path / "runs" / name / "checkpoint" / "config.json").stat().st_mtime - age
        os.utime(tmp_path / "runs" / name / "checkpoint" / "config.json", (stamp, stamp))
    save_model(model(), tmp_path / "runs" / "real" / "checkpoint")  # newest, not synthetic
    save_model(model(1, TAGGER), tmp_path / "runs" / "other" / "checkpoint")  # no checkpoint
    assert main(arguments) == 0
    printed = capsys.readouterr()
    assert "newest compatible checkpoint, runs/mine/checkpoint" in printed.err
    assert "writing to runs/demo-species-5" in printed.err
    assert (tmp_path / "runs" / "demo-species-5" / "tagger" / "config.json").is_file()


def test_no_score_saves_one_tagger_and_leaves_the_test_split_alone(
    tmp_path: Path, meta_trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = adapt(tmp_path / "out", "--checkpoint", str(meta_trained), "--no-score")
    result = run_json(arguments, capsys)
    assert [draw["f1"] for draw in result["draws"]] == [None]
    assert result["mean_f1"] is None
    load_model(tmp_path / "out" / "tagger", TAGGER)
    arguments = adapt(tmp_path / "two", "--checkpoint", str(meta_trained), "--no-score")
    assert main([*arguments, "--draws", "2"]) == 0
    assert "tagger: " in capsys.readouterr().out


def test_a_target_of_the_users_own(
    tmp_path: Path, meta_trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    rows = [
        f"the\tO\nBrca{i}\tB-Gene\nx{i}\tI-Gene\nand\tO\naspirin{i}\tB-Drug\n\n" for i in range(9)
    ]
    (folder / "train.tsv").write_text("".join(rows))
    (folder / "test.tsv").write_text("".join(rows[:4]).replace("the", "a"))
    arguments = ["adapt", "--target", str(folder), "--shots", "3", "--draws", "1",
                 "--checkpoint", str(meta_trained), "--no-tracking", "--workers", "1",
                 "--set", "adapt.epochs=1", "--set", "adapt.min_steps=200",
                 "--set", "adapt.lr=0.05", "--output"]  # fmt: skip
    result = run_json([*arguments, str(tmp_path / "a")], capsys)
    assert result["target"] == "mine"
    assert set(result["draws"][0]["per_type"]) == {"Drug", "Gene"}
    assert result["mean_f1"] > 50, "four sentences like those of the support"
    assert load_model(tmp_path / "a" / "tagger").types == ("Drug", "Gene")
    result = run_json([*arguments, str(tmp_path / "b"), "--type", "Gene"], capsys)
    assert set(result["draws"][0]["per_type"]) == {"Gene"}
    (folder / "train.tsv").write_text("a\tO\nb\tI-X\nc\tE-X\n\n")
    line = refused([*arguments, str(tmp_path / "c")], capsys)
    assert "train.tsv:2" in line


def test_mistakes_are_one_line(
    tmp_path: Path, meta_trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def error(*more: str) -> str:
        return refused(adapt(tmp_path / "out", *more), capsys)

    assert "holds no model" in error("--checkpoint", str(tmp_path))
    for setting, allowed in (
        ("adapt.lr=-1", "at least 0"), ("adapt.lr=1e400", "a finite number, at least 0"),
        ("draws=0", "1 to 10000"),
        ("adapt.batch=0", "at least 1"), ("adapt.momentum=2", "0 to below 1"),
    ):  # fmt: skip
        assert f"; use {allowed}" in error("--checkpoint", "x", "--set", setting)
    high = error("--checkpoint", str(meta_trained), "--draws", "1", "--set", "adapt.lr=1e30")
    assert "the loss is not finite after 4 steps at a learning rate of 1e+30; set a lower" in high
    assert not (tmp_path / "out" / "tagger").exists()
    assert "did you mean adapt.epochs?" in error("--checkpoint", "x", "--set", "adapt.epoch=1")
    given = ("--checkpoint", str(meta_trained))
    assert "nowhere" in error(*given, "--target", "nowhere")
    assert "has no entity type Gene" in error(*given, "--type", "Gene")
    assert "meta-trained on" in error(*given, "--target", "demo-drugs")
    damaged = tmp_path / "damaged"
    shutil.copytree(meta_trained / "checkpoint", damaged)
    (damaged / "model.safetensors").write_bytes(b"0" * 100)
    assert "model.safetensors: is damaged" in error("--checkpoint", str(damaged))
    assert not (tmp_path / "out").exists(), "a mistake must leave nothing behind"
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").touch()
    assert "holds a run already" in error(*given)
