"""``fewshot-metalstm meta-train`` as a user runs it."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from fewshot_metalstm.cli.main import main
from fewshot_metalstm.encoders import training
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.training.recipe import MetaTrainConfig
from fewshot_metalstm.meta import plan
from fewshot_metalstm.meta.outer import OuterLoop, StepRecord
from fewshot_metalstm.meta.pool import EpisodePool
from fewshot_metalstm.meta.state import load_state
from tests.cli.builders import meta_train, refused, run_json, settings, start
from tests.kinds.tagging.tagger.builders import digests

FIELDS = {
    "checkpoint", "outer_steps", "seconds", "peak_rss_mib", "best_validation_f1", "figure", "unit",
    "better",
}  # fmt: skip


def test_json_has_the_promised_fields(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run_json(meta_train(tmp_path / "run"), capsys)
    assert set(result) - {"skipped_episodes", "inner_step_mib"} == FIELDS
    assert result["inner_step_mib"] is None, "first order keeps no inner step"
    assert result["checkpoint"] == str(tmp_path / "run" / "checkpoint")
    assert result["outer_steps"] == 3
    assert 0 <= result["best_validation_f1"] <= 100
    assert (tmp_path / "run" / "checkpoint" / "model.safetensors").is_file()


@pytest.mark.parametrize("engine", ["higher", "func"])
def test_second_order_tells_its_memory(
    engine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = meta_train(tmp_path / "run", "--algorithm", "maml", "--engine", engine)
    command += ["--inner-steps", "2", "--truncate", "1"]
    result = run_json(command, capsys)
    assert result["inner_step_mib"] > 0
    config = (tmp_path / "run" / "config.yaml").read_text()
    assert f"engine: {engine}" in config
    assert "truncate: 1" in config


def test_joint_training_alone_has_the_budget_of_both_phases(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run_json(meta_train(tmp_path / "run", "--algorithm", "joint"), capsys)
    assert result["outer_steps"] == 0
    assert 0 <= result["best_validation_f1"] <= 100
    config = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    # --set joint.steps goes before the budget, which the tiny sizes name.
    assert (config["joint"]["steps"], config["outer"]["steps"]) == (3, 0)
    assert (tmp_path / "run" / "checkpoint" / "heads.safetensors").is_file()
    assert (tmp_path / "run" / "learning_curve.png").is_file()
    before = digests(tmp_path / "run" / "checkpoint")
    again = ["meta-train", "--resume", "--output", str(tmp_path / "run"), "--no-tracking"]
    assert run_json([*again, "--algorithm", "joint"], capsys)["outer_steps"] == 0
    assert digests(tmp_path / "run" / "checkpoint") == before
    line = refused(meta_train(tmp_path / "c", "--algorithm", "joint", "--order", "2"), capsys)
    assert "joint has no outer gradient" in line
    line = refused(meta_train(tmp_path / "c", "--algorithm", "joint", "--joint-steps", "0"), capsys)
    assert "joint.steps is 0" in line


def test_the_budget_of_joint_training_is_its_default(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[MetaTrainConfig] = []

    def stop(_: object, config: MetaTrainConfig, *__: Any, **___: Any) -> None:
        seen.append(config)
        raise UserError("enough")

    monkeypatch.setattr("fewshot_metalstm.tracking.meta_training.tracked_meta_training", stop)
    command = ["meta-train", "--tasks", "demo", "--meta-batch", "2", "--inner-steps", "1"]
    for i, more in enumerate((["--algorithm", "joint"], ["--set", "algorithm=joint"], [])):
        output = ["--output", str(tmp_path / str(i))]
        assert "enough" in refused([*command, *output, *more], capsys)
    # The demo's 2,000 joint steps, and 100 outer steps of 2 episodes of 1 + 1 gradients.
    steps = [(config.joint.steps, config.outer.steps) for config in seen]
    assert steps == [(2400, 0), (2400, 0), (2000, 100)]


def test_without_json_it_tells_what_it_does_and_what_is_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(meta_train(tmp_path / "run")) == 0
    printed = capsys.readouterr()
    assert "best validation F1" in printed.out
    assert f"--checkpoint {tmp_path / 'run' / 'checkpoint'}" in printed.out
    assert printed.err.startswith(
        "plan: 3 steps of joint training, then 3 of the outer loop (--joint"
    )
    for line in ("exclusion applied for demo-species", "writing to",
                 "joint training: 3/3", "outer loop: 3/3", "meta-validation F1"):  # fmt: skip
        assert line in printed.err, line
    assert "in all" not in printed.err, "so short a run is not worth measuring"


def test_it_says_how_long_it_takes_and_learns_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    longer = ["--joint-steps", "20"]
    assert main(meta_train(tmp_path / "told", *longer)) == 0
    said = capsys.readouterr().err
    (line,) = [line for line in said.splitlines() if "in all, as steps take" in line]
    for phase in ("word vectors", "joint training", "the outer loop", "meta-validation"):
        assert f" s of {phase}" in line, line
    assert said.index(line) < said.index("word vectors: 1 to do"), "before it starts"
    assert said.index(line) < said.index("\ncost: ") < said.index("word vectors: 1 to do")
    assert main(meta_train(tmp_path / "joint", *longer, "--algorithm", "joint")) == 0
    (line,) = [x for x in capsys.readouterr().err.splitlines() if "in all, as steps take" in x]
    assert " s of meta-validation" in line
    assert "outer loop" not in line
    assert main([*meta_train(tmp_path / "told", *longer), "--resume"]) == 0
    again = capsys.readouterr().err
    assert "plan, the rest of a run: no more steps\n" in again
    assert "in all" not in again
    monkeypatch.setattr(plan, "WORTH", 1000)
    assert main(meta_train(tmp_path / "not", *longer, "--quiet")) == 0
    told, untold = (tmp_path / name / "checkpoint" for name in ("told", "not"))
    assert digests(told) == digests(untold)


def test_ctrl_c_ends_it_while_word_vectors_are_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*given: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        given[3](1, 5)

    monkeypatch.setattr(training, "load_or_train", interrupted)
    assert main(meta_train(tmp_path / "run")) == 130
    said = capsys.readouterr().err.splitlines()[-1]
    assert said == (f"interrupted; nothing of {tmp_path / 'run'} was learned yet, add --resume to "
                    "begin it anew")  # fmt: skip
    monkeypatch.undo()
    run_json([*meta_train(tmp_path / "run"), "--resume"], capsys)


def test_options_override_settings_and_the_config_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("seed: 5\nouter:\n  lr: 0.5\ninner:\n  lr: 0.25\n")
    run_json(
        [
            *meta_train(tmp_path / "run"), "--config", str(file), "--set", "inner.lr=0.125",
            "--algorithm", "maml", "--order", "1", "--outer-steps", "1", "--outer-lr", "1e-4",
            "--meta-batch", "1", "--inner-steps", "2", "--joint-steps", "0",
        ],
        capsys,
    )  # fmt: skip
    config: dict[str, Any] = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert (config["seed"], config["algorithm"], config["order"]) == (5, "maml", 1)
    assert config["outer"] | {"steps": 1, "lr": 1e-4, "meta_batch": 1} == config["outer"]
    assert config["inner"] | {"steps": 2, "lr": 0.125} == config["inner"]
    assert config["joint"]["steps"] == 0
    assert config["tagger"]["lstm"]["hidden"] == 6
    history = (tmp_path / "run" / "history.jsonl").read_text().splitlines()
    assert [json.loads(line)["phase"] for line in history] == ["validation", "outer", "validation"]


def test_the_default_output_is_a_fresh_folder_in_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    short = ["--outer-steps", "1", "--joint-steps", "0"]
    arguments = [a for a in meta_train(Path("X"), *short) if a not in ("--output", "X")]
    assert run_json(arguments, capsys)["checkpoint"] == "runs/demo/checkpoint"
    assert run_json(arguments, capsys)["checkpoint"] == "runs/demo-2/checkpoint"
    # The same command with --resume means the run that it began last.
    before = digests(tmp_path / "runs" / "demo")
    result = run_json([*arguments, "--resume"], capsys)
    assert result["checkpoint"] == "runs/demo-2/checkpoint"
    assert digests(tmp_path / "runs" / "demo") == before


def test_mistakes_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def error(*more: str) -> str:
        return refused(meta_train(tmp_path / "run", *more), capsys)

    assert "did you mean outer.meta_batch?" in error("--set", "outer.meta_bach=3")
    assert "fomaml is of first order" in error("--algorithm", "fomaml", "--order", "2")
    assert "no-suite" in error("--tasks", "no-suite")
    assert "there is no run to resume" in error("--resume")
    assert "absent.yaml: cannot be read" in error("--config", str(tmp_path / "absent.yaml"))
    assert "--outer-steps" in error("--outer-steps", "0")
    for rate in ("nan", "inf"):
        assert f"'--outer-lr': {rate} is not a finite number" in error("--outer-lr", rate)
        assert f"'--inner-lr': {rate} is not a finite number" in error("--inner-lr", rate)
    assert "--set: seed is -1; use 0 to 9223372036854775807" in error("--set", "seed=-1")
    assert "--set: vectors.window is 0; use at least 1" in error("--set", "vectors.window=0")
    assert "outer.steps is 0, and fomaml needs at least 1" in error("--set", "outer.steps=0")
    deep = tmp_path / "deep.yaml"
    deep.write_text("tasks: " + "[" * 5000)
    assert "deep.yaml: nested too deeply" in error("--config", str(deep))
    line = error("--set", "tagger.lstm.hidden=1000000000")
    assert "tagger.lstm with hidden=1000000000, meta=" in line
    assert "GiB at least; this machine has" in line
    line = error("--set", "vectors.buckets=1000000000", "--set", "vectors.size=1000")
    assert "which takes 3,725 GiB at least" in line
    assert "nothere" in error("--exclude", "nothere")
    assert not (tmp_path / "run").exists(), "a mistake must leave nothing behind"
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.tex").touch()
    assert "holds a run already" in error()
    assert "no saved state to resume" in error("--resume")


def test_a_run_that_was_killed_as_it_began_begins_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "exclusions.txt").write_text("half")
    assert main([*meta_train(run, "--resume"), "--no-tracking"]) == 0
    assert "was ended before it saved its state: begun anew" in capsys.readouterr().err
    assert (run / "checkpoint" / "config.json").is_file()
    assert (run / "exclusions.txt").read_text() != "half"


@pytest.mark.parametrize("group", [False, True])
def test_sigterm_saves_the_state(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], group: bool
) -> None:
    """One of the two with two workers and a signal to all processes, as a scheduler sends it."""
    output = tmp_path / "run"
    more = ["--workers", "2"] if group else []
    # Long enough to be met by the signal.
    longer = settings(["outer.steps=100000" if group else "joint.steps=100000"])
    phase = '"phase": "outer"' if group else '"phase": "joint"'
    history = output / "history.jsonl"
    deadline = time.monotonic() + 300
    with start([*meta_train(output), *longer, *more], tmp_path) as process:
        while not (history.is_file() and phase in history.read_text()):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        if group:
            os.killpg(process.pid, signal.SIGTERM)
        else:
            process.terminate()
        out, err = process.communicate(timeout=300)
    assert process.returncode == 128 + signal.SIGTERM, err
    assert out == ""
    assert "Traceback" not in err
    assert err.rstrip().splitlines()[-1] == (
        f"interrupted; {output} is saved, add --resume to go on"
    )
    lines = len(history.read_text().splitlines())
    record = load_state(output / "state" / "training.safetensors").record
    assert (record["lines"], record["phase"]) == (lines, "outer" if group else "joint")
    assert "--resume with other settings" in refused(
        ["meta-train", "--output", str(output), "--resume", "--no-tracking", "--seed", "9"],
        capsys,
    )
    assert len(history.read_text().splitlines()) == lines


def test_resume_needs_no_settings_and_equals_an_uninterrupted_run(
    tmp_path: Path, meta_trained: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    step = OuterLoop.step

    def interrupted(self: OuterLoop, pool: EpisodePool) -> StepRecord:
        signal.raise_signal(signal.SIGTERM)
        return step(self, pool)

    monkeypatch.setattr(OuterLoop, "step", interrupted)
    output = tmp_path / "run"
    assert main(meta_train(output, "--quiet")) == 128 + signal.SIGTERM
    assert "add --resume to go on" in capsys.readouterr().err
    monkeypatch.undo()
    result = run_json(
        ["meta-train", "--output", str(output), "--resume", "--no-tracking", "--workers", "1"],
        capsys,
    )
    assert result["outer_steps"] == 3
    assert (output / "history.jsonl").read_text() == (meta_trained / "history.jsonl").read_text()
    assert digests(output / "checkpoint") == digests(meta_trained / "checkpoint")
