"""Digits by the commands that taggers have, on a made-up MNIST of a few hundred images."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from fewshot_metalstm.cli.main import main
from tests.cli.builders import QUICK, refused, run_json, settings
from tests.kinds.digits.builders import TINY, pictures


def meta_train(output: Path, *more: str) -> list[str]:
    """A tiny meta-training."""
    return ["meta-train", "--tasks", "digits", "--output", str(output), "--no-tracking",
            "--workers", "1", *settings(TINY), *more]  # fmt: skip


def adapt(output: Path, checkpoint: Path, *more: str) -> list[str]:
    """A tiny adaptation to the target."""
    return ["adapt", "--target", "digits-6789", "--shots", "2", "--checkpoint", str(checkpoint),
            "--output", str(output), "--workers", "1", "--no-tracking", *settings(QUICK),
            *more]  # fmt: skip


@pytest.fixture(autouse=True)
def _world(world: Path) -> None:
    """Every test here takes the made-up MNIST for the real one."""


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """A checkpoint."""
    assert main(meta_train(tmp_path / "run", "--quiet", "--json")) == 0
    return tmp_path / "run"


def test_from_meta_training_to_a_report(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = adapt(tmp_path / "adapted", trained, "--draws", "2", "--baseline", "scratch",
                      "--baseline", "neighbour")  # fmt: skip
    result = run_json(arguments, capsys)
    assert (result["kind"], result["figure"], result["better"]) == ("digits", "accuracy", "higher")
    assert set(result["baselines"]) == {"scratch", "neighbour"}
    assert result["baselines"]["neighbour"]["mean"] > 90
    assert result["draws"][0]["support_images"] == 8
    assert set(result["draws"][0]["per_class"]) == {"6", "7", "8", "9"}
    folder = tmp_path / "adapted"
    assert result["reader"] == str(folder / "reader")

    score = run_json(["evaluate", str(folder), "--target", "digits-6789"], capsys)
    assert score["mean"] == result["draws"][0]["accuracy"]
    assert score["images"] == 48

    page = tmp_path / "page.html"
    shown = run_json(["report", str(trained), str(folder), "--html", str(page)], capsys)
    assert "accuracy" in shown["head"]
    text = page.read_text("utf-8")
    assert "Which is taken for which" in text
    assert "Which classes adapted takes for which, on the test split of digits-6789." in text


def test_predict_reads_pictures(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(adapt(tmp_path / "adapted", trained, "--draws", "1", "--quiet", "--json")) == 0
    reader, files = str(tmp_path / "adapted"), [tmp_path / "a.png", tmp_path / "b.png"]
    images, _ = pictures(10, 5)
    Image.fromarray(images[7]).save(files[0])
    Image.fromarray(255 - images[8]).resize((56, 56)).save(files[1])
    names = list(map(str, files))
    capsys.readouterr()
    assert main(["predict", reader, *names]) == 0
    printed = capsys.readouterr()
    rows = [line.split("\t") for line in printed.out.splitlines()]
    assert [row[0] for row in rows] == names
    assert all(row[1] in "6789" and 0.25 <= float(row[2]) <= 1 for row in rows)
    assert printed.err.splitlines() == [
        f"note: {names[1]}: resized from 56 x 56 to 28 x 28 pixels",
        f"note: {names[1]}: dark on light, inverted to light on dark",
    ]
    found = run_json(["predict", reader, *names], capsys)
    assert [one["class"] for one in found["images"]] == [row[1] for row in rows]
    assert sum(found["images"][0]["probabilities"].values()) == pytest.approx(1, abs=1e-3)
    assert main(["predict", reader, *names, "--output", str(tmp_path / "t.csv"), "--quiet"]) == 0
    table = (tmp_path / "t.csv").read_text("utf-8").splitlines()
    assert table[0] == "file,class,probability"
    assert table[1].startswith(f"{names[0]},{rows[0][1]},")
    capsys.readouterr()
    assert main(["predict", reader, *names, "--output", "-", "--quiet"]) == 0
    assert capsys.readouterr().out.splitlines() == table
    for more, problem in (
        (["--output", "t.xlsx"], "the table is written as"),
        (["--to", "brat"], "--to is for tagging"),
        ([str(trained)], "cannot be read"),
    ):
        assert problem in refused(["predict", reader, *names, *more], capsys)


def test_a_sweep_goes_on_where_it_ended(
    trained: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arguments = ["sweep", "--targets", "digits-6789,digits-68-90", "--shots", "2", "--draws",
                 "0-1", "--methods", "meta,neighbour", "--checkpoint", str(trained), "--output",
                 str(tmp_path / "sweep"), "--workers", "1", "--no-tracking",
                 *settings(QUICK)]  # fmt: skip
    result = run_json(arguments, capsys)
    assert result["figure"] == "accuracy"
    assert len(list((tmp_path / "sweep" / "cells").glob("*.json"))) == 8
    monkeypatch.setattr("fewshot_metalstm.adapt.methods.Methods.do", None)  # none is left
    again = run_json(arguments, capsys)
    assert again["rows"] == result["rows"]


@pytest.mark.slow
def test_figures_are_tracked_and_compared(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = ["--tracking-uri", str(tmp_path / "mlflow")]
    arguments = adapt(tmp_path / "out", trained, "--draws", "1", "--baseline", "neighbour")
    result = run_json([*(a for a in arguments if a != "--no-tracking"), *store], capsys)
    rows = run_json(["compare", *store], capsys)["rows"]
    assert {row["method"]: row["mean"] for row in rows} == {
        trained.name: result["mean"], "neighbour": result["baselines"]["neighbour"]["mean"],
    }  # fmt: skip


@pytest.mark.parametrize("algorithm", ["joint", "protonet", "meta-sgd", "lstm", "maml"])
def test_other_meta_learners(
    algorithm: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ("--order", "2", "--engine", "func") if algorithm == "maml" else ()
    run_json(meta_train(tmp_path / "run", "--algorithm", algorithm, *more), capsys)
    result = run_json(adapt(tmp_path / "out", tmp_path / "run", "--draws", "1"), capsys)
    assert result["method"] == algorithm
    assert result["tune"] == {"joint": "all", "maml": "all", "protonet": "prototypes"}.get(
        algorithm, "basic"
    )


def test_a_checkpoint_is_a_function_of_settings_and_seed(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_json(meta_train(tmp_path / "again"), capsys)
    run_json(meta_train(tmp_path / "other", "--seed", "1"), capsys)
    configs = [
        json.loads((folder / "checkpoint" / "config.json").read_text("utf-8"))
        for folder in (trained, tmp_path / "again", tmp_path / "other")
    ]
    assert configs[0]["sha256"] == configs[1]["sha256"] != configs[2]["sha256"]
    assert configs[0]["about"]["learned_classes"] == list("012345")


def test_a_start_of_joint_training_is_taken_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_json(meta_train(tmp_path / "joint", "--algorithm", "joint"), capsys)
    start = ["--start", str(tmp_path / "joint")]
    result = run_json(meta_train(tmp_path / "run", *start), capsys)
    assert result["outer_steps"] == 3
    other = [*start, "--exclude", "digits-45"]
    assert "was trained on other tasks" in refused(meta_train(tmp_path / "x", *other), capsys)
    sizes = [*start, "--set", "reader.lstm.hidden=6"]
    assert "other settings of the section reader" in refused(
        meta_train(tmp_path / "y", *sizes), capsys
    )


def test_what_cannot_be_is_refused_in_a_line(
    trained: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path / "run" / "state")  # where there is no folder runs
    assert "meta-train --tasks digits`" in refused(["adapt", "--target", "digits-6789"], capsys)
    exclude = "meta-train --tasks digits --exclude digits-68-90`"
    assert exclude in refused(["adapt", "--target", "digits-68-90"], capsys)
    seen = ["adapt", "--target", "digits-3456", "--checkpoint", str(trained), "--no-tracking",
            "--output", str(tmp_path / "x")]  # fmt: skip
    assert "meta-trained on digits of digits-3456" in refused(seen, capsys)
    assert "nnshot is for tagging alone" in refused(
        meta_train(tmp_path / "n", "--algorithm", "nnshot"), capsys
    )
    given = ["adapt", "--target", "digits-6789", "--checkpoint", str(trained)]
    assert "makes no use of unlabelled" in refused([*given, "--unlabelled", "train"], capsys)
    assert "cannot be served by MLflow" in refused([*given, "--log-model"], capsys)
    assert "--scheme is for tagging" in refused([*given, "--scheme", "IOB2"], capsys)


def test_a_cell_from_meta_training_to_an_adapted_reader(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_json(
        meta_train(tmp_path / "run", "--cell", "hyper-lstm", "--set", "reader.lstm.norm=layer"),
        capsys,
    )
    adapted = run_json(adapt(tmp_path / "adapted", tmp_path / "run"), capsys)
    assert adapted["draws"]
    stored = json.loads((tmp_path / "adapted" / "reader" / "config.json").read_text())
    lstm = stored["reader"]["lstm"]
    assert (lstm["kind"], lstm["norm"]) == ("hyper-lstm", "layer")
    batch = ["--cell", "norm-lstm", "--set", "reader.lstm.norm=batch"]
    line = refused(meta_train(tmp_path / "other", *batch), capsys)
    assert "fomaml has one episode at a time; use norm=layer" in line
    line = refused(
        meta_train(tmp_path / "other", *batch[:2], "--set", "reader.lstm.window=2"), capsys
    )
    assert "reader.lstm.window=2 says nothing of the cell norm-lstm" in line
