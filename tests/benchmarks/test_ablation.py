"""The ablation's commands, and its table with figures worked out by hand."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest

from benchmarks.ablation import TUNE, folders_of, main, parameters, summary, sweeping, training
from benchmarks.transfer import Line
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.figure import Spread
from fewshot_metalstm.kinds.tagging.kind import TAGGING
from fewshot_metalstm.kinds.tagging.tagger.model import save_model
from fewshot_metalstm.nn.plain_lstm import parameters_of
from fewshot_metalstm.sweep.grid import entries
from tests.kinds.tagging.tagger.builders import TAGGER, model


def line(target: str, method: str, *f1: float) -> Line:
    draws = dict(enumerate(f1))
    return Line(target, 5, method, Spread.of(f1), 0.0, 0.0, draws, None, 0, 0)


def test_means_over_targets_are_paired_by_draw() -> None:
    lines = [
        line("a", "one", 10, 20, 90), line("a", "two", 12, 21), line("b", "one", 30, 60),
        line("b", "two", 30, 63),
    ]  # fmt: skip
    text = summary(lines, ["one", "two"], "one")
    assert text[0] == "Mean over a, b:"
    assert text[2] == "| method | K=5 | less one |"
    # Draw 2 is missing at b. Means of the draws: 20 and 40; 21 and 42; t(0.975, 1) = 12.7062.
    assert text[4] == "| one | 30.00 ± 127.06 |  |"
    assert text[5] == "| two | 31.50 ± 133.42 | +1.50 ± 6.35 |"


def test_the_commands() -> None:
    folders = folders_of(["generated", "plain"], [], Path("out"))
    assert folders == {"generated": Path("out/generated"), "plain": Path("out/plain")}
    command = training("plain", folders["plain"], "bionlp", ["inner.steps=3"])
    assert command == ["meta-train", "--tasks", "bionlp", "--output", "out/plain", "--set",
                       'tagger.lstm.kind="lstm"', "--set", "inner.steps=3"]  # fmt: skip
    paper = training("paper", Path("p"), "demo", [])
    assert paper[5:] == ["--set", "tagger.lstm.static=false", "--set", "tagger.lstm.offset=0.0"]
    given = Namespace(targets="a,b", shots="10", draws="0-4", set=["adapt.lr=0.1"])
    command = sweeping(folders, Path("out/sweep"), given)
    found = entries(TAGGING, command[command.index("--methods") + 1].split(","))
    assert [(entry.name, entry.checkpoint, entry.tune) for entry in found] == [
        (f"{form}-{tune}", folders[form], tune) for form in folders for tune in TUNE
    ]
    assert command[-2:] == ["--set", "adapt.lr=0.1"]


def test_sizes_and_a_checkpoint_of_another_form(tmp_path: Path) -> None:
    made = model()
    save_model(made, tmp_path / "run" / "checkpoint")
    text = parameters({"generated": tmp_path / "run"})
    cells = [cell.strip() for cell in text[-1].strip("|").split("|")]
    sizes = dict(zip(("LSTM", "whole", *TUNE), (int(c.replace(",", "")) for c in cells[1:]),
                     strict=True))  # fmt: skip
    assert sizes["LSTM"] == parameters_of(made.learner.lstm.inputs, TAGGER.lstm)
    assert sizes["head"] < sizes["basic"] < sizes["all"] == sizes["whole"]
    with pytest.raises(UserError, match=r"has tagger\.lstm\.kind=meta-lstm, not lstm"):
        parameters({"plain": tmp_path / "run"})


def test_what_cannot_be_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for more, problem in (
        (["--forms", "generated,gru"], "'gru' is unknown; use generated, plain, paper"),
        (["--checkpoint", "x=runs"], "write FORM=FOLDER"),
        (["--checkpoint", f"plain={tmp_path}"], "no run there"),
    ):
        assert main(["--output", str(tmp_path / "out"), *more]) == 2
        printed = capsys.readouterr().err
        assert problem in printed
        assert printed.count("\n") == 1
    assert not (tmp_path / "out").exists()
