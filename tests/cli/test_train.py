"""``fewshot-metalstm train`` as a user runs it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from fewshot_metalstm.cli.main import main
from fewshot_metalstm.kinds.tagging.tagger.model import CHECKPOINT, TAGGER, load_model
from tests.cli.builders import adapt, refused, run_json, settings

SIZES = [
    "vectors.size=8", "vectors.epochs=1", "vectors.buckets=50", "tagger.filters=4",
    "tagger.lstm.hidden=6", "tagger.lstm.meta=4", "tagger.lstm.z=4", "train.curve_items=20",
]  # fmt: skip
TEXT = "the\tO\nmouse\tS-{0}\nsleeps\tO\n\na\tO\nbrown\tB-{0}\nrat\tE-{0}\nruns\tO\n\n"


@pytest.fixture
def own(tmp_path: Path) -> str:
    """A file of the user's for each split, as ``--task`` takes them."""
    for split, times in (("train", 6), ("devel", 2), ("test", 2)):
        (tmp_path / f"{split}.tsv").write_text(TEXT.format("Animal") * times)
    return ",".join(f"{split}={tmp_path / split}.tsv" for split in ("train", "devel", "test"))


def train(output: Path, task: str, *more: str) -> list[str]:
    """A tiny ``train``."""
    return ["train", "--task", task, "--output", str(output), "--no-tracking", "--epochs", "2",
            *settings([*SIZES, "vectors.min_count=1"]), *more]  # fmt: skip


def test_from_text_to_a_tagger_that_the_other_commands_take(
    tmp_path: Path, own: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    result = run_json(train(out, own, "--lr", "0.02", "--epochs", "8", "--batch", "2"), capsys)
    assert (result["figure"], result["unit"], result["better"]) == ("f1", "points of 100", "higher")
    (task,) = result["tasks"].values()
    assert result["mean"] == result["mean_f1"] == round(task["test"]["f1"], 2) > 50
    assert result["devel_f1"] == round(task["devel"]["f1"], 2)
    assert 1 <= result["epoch"] <= result["epochs"] == 8
    assert (task["items"], task["devel"]["items"], result["steps"]) == (12, 4, 48)
    assert result["seconds"] > 0
    assert result["tagger"] == result["model"] == task["model"] == str(out / "tagger")
    assert result["checkpoint"] is None
    assert json.loads((out / "report.json").read_text()) == result
    lines = [json.loads(line) for line in (out / "history.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == list(range(1, 9))
    for line in lines:
        assert {"loss_train", "loss_devel", "loss_test"} <= set(line)
        assert {"train_f1", "devel_f1", "test_f1"} <= set(line)
    best = max(lines, key=lambda line: line["devel_f1"])
    assert result["epoch"] == best["epoch"]  # the first of equals
    stored = yaml.safe_load((out / "config.yaml").read_text())
    assert (stored["tasks"], stored["train"]["lr"], stored["train"]["batch"]) == ([own], 0.02, 2)
    assert (out / "learning_curve.png").is_file()
    # What was written is a tagger.
    scored = run_json(["evaluate", str(out), "--target", own], capsys)
    assert scored["f1"] == result["mean"]
    assert main(["predict", str(out), str(tmp_path / "test.tsv"), "--quiet"]) == 0
    assert "mouse" in capsys.readouterr().out
    page = tmp_path / "page.html"
    report = ["report", str(out), "--html", str(page), "--gold", own]
    shown = run_json(report, capsys)
    (row,) = shown["rows"]
    assert "train" in row
    assert f"{result['mean']:.2f}" in row
    assert len(shown["taggers"]) == 1
    assert "Training on " in page.read_text()


def test_two_tasks_jointly_and_a_cell(
    tmp_path: Path, own: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other.tsv").write_text(TEXT.format("Beast") * 5)
    out = tmp_path / "out"
    arguments = [
        *train(out, own, "--task", str(tmp_path / "other.tsv")), "--cell", "lstm",
        "--optimiser", "sgd", *settings(["train.epochs=3"]), "--epochs", "1",
    ]  # fmt: skip
    result = run_json(arguments, capsys)
    first, second = result["tasks"]
    assert result["epochs"] == 1  # options come after --set
    assert "test" not in result["tasks"][second]
    assert result["mean"] == round(result["tasks"][first]["test"]["f1"], 2)
    assert result["chosen_by"] == f"devel of {first}"
    assert [note for note in result["notes"] if second in note]
    for name, types in ((first, ("Animal",)), (second, ("Beast",))):
        tagger = load_model(Path(result["tasks"][name]["model"]), TAGGER)
        assert tagger.types == types
        assert tagger.learner.config.lstm.kind == "lstm"
    stored = yaml.safe_load((out / "config.yaml").read_text())
    assert (stored["tagger"]["lstm"]["kind"], stored["train"]["optimiser"]) == ("lstm", "sgd")
    load_model(Path(result["checkpoint"]), CHECKPOINT)
    adapted = run_json(
        adapt(tmp_path / "adapted", "--checkpoint", str(out), "--draws", "1"), capsys
    )
    assert adapted["draws"][0]["start"]


def test_a_cell_with_averages_of_what_it_was_trained_on(
    tmp_path: Path, own: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    batch = ["--cell", "norm-lstm", *settings(["tagger.lstm.norm=batch", "train.items=4"])]
    told = run_json(train(out, own, *batch), capsys)
    (task,) = told["tasks"].values()
    assert task["items"] == 4
    tagger = load_model(Path(told["model"]), TAGGER)
    mean = tagger.learner.get_parameter("lstm.stats_mean")
    assert mean[:3].any(), "averages are part of the model"
    assert run_json(["evaluate", str(out), "--target", own], capsys)["f1"] == told["mean"]
    line = refused(train(tmp_path / "o", own, "--cell", "lstm", *batch[2:]), capsys)
    assert "tagger.lstm.norm=batch says nothing of the cell lstm" in line


def test_the_table_and_a_run_that_goes_on(
    tmp_path: Path, own: str, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = tmp_path / "whole"
    assert main(train(whole, own, "--quiet")) == 0
    shown = capsys.readouterr().out
    assert "of 2, chosen by devel" in shown
    assert "Next: fewshot-metalstm predict" in shown
    shutil.rmtree(whole / "tagger")  # as if it had been killed before it wrote this
    result = run_json(["train", "--output", str(whole), "--resume", "--no-tracking"], capsys)
    load_model(whole / "tagger", TAGGER)
    # A run that was killed before it saved anything begins anew.
    shutil.rmtree(whole / "state")
    again = run_json(["train", "--output", str(whole), "--resume", "--no-tracking"], capsys)
    assert again["tasks"] == result["tasks"]


def test_a_start_that_ships_or_is_not_there(
    tmp_path: Path, meta_trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run_json(
        ["train", "--task", "demo-species", "--start", str(meta_trained), "--output",
         str(tmp_path / "out"), "--no-tracking", "--epochs", "1"], capsys,
    )  # fmt: skip
    assert result["start"] == str(meta_trained / "checkpoint")
    assert result["tasks"]["demo-species"]["synthetic"] is True
    about = load_model(tmp_path / "out" / "tagger", TAGGER).about
    assert about["from"]["suite"] == "demo"
    met = about["from"]["families"][0]
    line = refused(train(tmp_path / "met", met, "--start", str(meta_trained)), capsys)
    assert f"the checkpoint was meta-trained on {met}'s family" in line
    line = refused(train(tmp_path / "a", "demo-species", "--start", str(tmp_path / "no")), capsys)
    assert "holds no model" in line


def test_what_is_refused(tmp_path: Path, own: str, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert "there is no task to train on; name one with --task" in refused(
        ["train", "--output", str(out)], capsys
    )
    assert "demo-specis" in refused(train(out, "demo-specis"), capsys)
    (tmp_path / "only.tsv").write_text(TEXT.format("Animal"))
    line = refused(train(out, f"test={tmp_path / 'only.tsv'}"), capsys)
    assert "has no train split to learn from; add one" in line
    assert "'adm' is not one of 'sgd', 'adam'" in refused(
        train(out, own, "--optimiser", "adm"), capsys
    )
    assert "train.optimiser 'adm' is unknown; use sgd, adam" in refused(
        train(out, own, *settings(["train.optimiser=adm"])), capsys
    )
    assert "'gru-x' is not one of" in refused(train(out, own, "--cell", "gru-x"), capsys)
    assert "tagger.lstm.kind 'gru-x' is unknown" in refused(
        train(out, own, *settings(["tagger.lstm.kind=gru-x"])), capsys
    )
    line = refused(train(out, own, "--set", "tagger.lstm.hidden=1000000000"), capsys)
    assert "GiB at least; this machine has" in line
    assert "unknown setting train.epoch; did you mean train.epochs?" in refused(
        train(out, own, *settings(["train.epoch=3"])), capsys
    )
    assert "there is no run to resume" in refused(train(out, own, "--resume"), capsys)
    assert not out.exists()
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    assert "holds a run already" in refused(train(out, own), capsys)
    assert [path.name for path in out.iterdir()] == ["mine.txt"]


def test_help_lists_cells_and_optimisers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--help"]) == 0
    shown = capsys.readouterr().out
    for part in (
        "--task NAME|PATH",
        "Cells:",
        "meta-lstm",
        "qrnn",
        "settings: window",
        "Optimisers:",
        "adadelta",
        "--resume",
    ):
        assert part in shown


def test_bad_annotations_are_left_out_and_listed(
    tmp_path: Path, own: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    with (tmp_path / "train.tsv").open("a") as file:
        file.write("x\tQ\ny\tO\n\n\tO\nz\tO\n\n")
    line = refused(train(out, own), capsys)
    assert "train.tsv:55: tag 'Q' is not" in line
    assert "(the first of 2 bad annotations; then line " in line
    assert "--bad-annotations repair or skip" in line
    assert main(train(out, own, "--bad-annotations", "skip", "--epochs", "1")) == 0
    assert "note: 2 bad annotations, listed in" in capsys.readouterr().err
    rows = (out / "bad-annotations.tsv").read_text().splitlines()
    assert [row.split("\t")[1] for row in rows] == ["line", "55", "58"]
    main(["evaluate", str(out), "--target", str(tmp_path / "train.tsv"), "--bad-annotations",
          "skip"])  # fmt: skip
    assert "2 bad annotations left out" in capsys.readouterr().err
