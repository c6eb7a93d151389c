"""``fewshot-metalstm adapt --train``: a tagger from a file of one's own, with what ships."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fewshot_metalstm import pretrained
from fewshot_metalstm.adapt.cell import CellResult
from fewshot_metalstm.adapt.settings import AdaptRunSettings
from fewshot_metalstm.cli.main import main
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.corpora.demo import methods_file
from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER, load_model
from fewshot_metalstm.tracking import adaptation
from tests.cli.builders import QUICK, refused, run_json, settings
from tests.pretrained.builders import EVERY, checkpoint, ship

TRAIN, TEST = methods_file("train"), methods_file("test")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, and two tiny checkpoints that ship."""
    folder = ship(tmp_path / "ship", bionlp=checkpoint(), mtl_bio=checkpoint(**EVERY))
    monkeypatch.setattr(pretrained, "place", lambda: folder)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return folder


def adapt(*more: str) -> list[str]:
    return ["adapt", "--no-tracking", "--workers", "1", *settings(QUICK),
            *settings(["adapt.averages=1"]), *more]  # fmt: skip


def test_a_file_and_nothing_else(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(adapt("--train", str(TRAIN))) == 0
    printed = capsys.readouterr()
    assert f"using the checkpoint mtl-bio that ships with the package, {place}" in printed.err
    assert "has no test split, so that nothing is scored" in printed.err
    # train.conll says little, so that it is called like its folder
    assert "writing to runs/methods\n" in printed.err
    assert "Next: fewshot-metalstm predict runs/methods/tagger FILE" in printed.out
    tagger = load_model(Path("runs/methods/tagger"), TAGGER)
    assert tagger.types == ("Method",)
    assert tagger.about["support_sentences"] == 50


def test_scored_where_there_is_a_test_file(capsys: pytest.CaptureFixture[str]) -> None:
    result = run_json(
        adapt("--train", str(TRAIN), "--test", str(TEST), "--output", "out"), capsys
    )  # fmt: skip
    assert result["shots"] == 0
    assert [draw["support_sentences"] for draw in result["draws"]] == [50]
    assert result["mean_f1"] is not None
    few = run_json(
        adapt("--train", str(TRAIN), "--test", str(TEST), "--output", "few", "--shots", "3",
              "--draws", "2"), capsys,
    )  # fmt: skip
    assert [draw["draw"] for draw in few["draws"]] == [0, 1]
    assert all(3 <= draw["support_mentions"] <= 6 for draw in few["draws"])
    assert "# methods, all shots" in Path("out/report.md").read_text()


def test_report_looks_at_the_files_that_were_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"train": Path("a.conll"), "test": Path("b.conll")}
    for path, source in zip(files.values(), (TRAIN, TEST), strict=True):
        path.write_bytes(source.read_bytes())
    run_json(adapt("--train", "a.conll", "--test", "b.conll", "-o", "out"), capsys)
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    here = Path.cwd()
    monkeypatch.chdir(moved)
    report = ["report", str(here / "out"), "-o", "page.html"]
    result = run_json(report, capsys)
    assert result["notes"] == []
    assert len(result["taggers"]) == 1
    (here / "b.conll").write_bytes(TEST.read_bytes() + b"more\tO\n\n")
    result = run_json(report, capsys)
    assert "b.conll has changed since it was read; name sentences with --gold" in result["notes"][0]
    assert result["taggers"] == []
    assert len(run_json([*report, "--gold", f"test={here / 'b.conll'}"], capsys)["taggers"]) == 1
    (here / "b.conll").unlink()
    result = run_json(report, capsys)
    assert "b.conll: cannot be read (No such file" in result["notes"][0]
    assert "catalogue" not in result["notes"][0]
    (here / "out" / "targets.json").write_text("[1]")
    assert "targets.json: is damaged" in refused(report, capsys)


def test_a_dev_file_is_checked_and_no_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(adapt("--train", str(TRAIN), "--dev", str(TEST), "--output", "out")) == 0
    assert f"note: {TEST} was read and checked; adaptation has nothing" in capsys.readouterr().err
    bad = tmp_path / "dev.conll"
    bad.write_text("a\tB-Method\nb\tI-Other\n\n")
    line = refused(adapt("--train", str(TRAIN), "--dev", str(bad), "--output", "x"), capsys)
    assert "dev.conll:2" in line
    assert not Path("x").exists()


def test_a_shipped_checkpoint_by_its_name(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = adapt("--train", str(TRAIN), "--checkpoint", "bionlp", "--output", "out")
    assert main(arguments) == 0
    assert "using the checkpoint bionlp that ships with the package" in capsys.readouterr().err
    assert load_model(Path("out/tagger")).about["from"]["families"] == ["BioNLP09"]
    sweep = ["sweep", "--targets", "demo-methods", "--shots", "2", "--draws", "0", "--methods",
             "meta,other=bionlp", "--checkpoint", "mtl-bio", "--output", "swept", "--runner",
             "pool", "--workers", "1", "--no-tracking",
             *settings(["adapt.averages=1", "adapt.min_steps=2", "adapt.epochs=1"])]  # fmt: skip
    result = run_json(sweep, capsys)
    assert result["checkpoints"] == {
        "meta": str(place / "mtl-bio"), "other": str(place / "bionlp")
    }  # fmt: skip
    assert any("text invented for this project" in note for note in result["notes"])


def test_type_scheme_and_repair_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = tmp_path / "my50.conll"
    rows = [f"x{i}\tI-Gene\nthe\tO\ny{i}\tB-Drug\n\n" for i in range(9)]
    own.write_text("".join(rows))
    refused(adapt("--train", str(own), "--scheme", "IOB2"), capsys)
    assert main(adapt("--train", str(own), "--scheme", "IOB2", "--repair", "--type", "Gene")) == 0
    assert load_model(Path("runs/my50:Gene/tagger")).types == ("Gene",)


def test_either_a_target_or_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train = ("--train", str(TRAIN))
    for more in ((), (*train, "--target", "demo-methods")):
        assert "give either --target NAME|PATH or --train FILE" in refused(adapt(*more), capsys)
    for option in ("--dev", "--test"):
        line = refused(adapt("--target", "demo-methods", option, str(TEST)), capsys)
        assert "--dev and --test go with --train FILE" in line
    line = refused(adapt("--train", str(tmp_path / "absent.conll")), capsys)
    assert "absent.conll: cannot be read" in line
    assert "rename the file" in refused(adapt("--train", "a,b.conll"), capsys)
    assert not Path("runs").exists()


def test_without_a_shipped_one_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pretrained, "place", lambda: tmp_path / "none")
    line = refused(adapt("--train", str(TRAIN)), capsys)
    assert "no checkpoint in runs, and none that fits ships with the package; run" in line


def test_unlabelled_text_of_ones_own(capsys: pytest.CaptureFixture[str]) -> None:
    Path("notes.txt").write_text("We used gel shift assays. Then cells were sorted by colour.\n")
    given = adapt("--train", str(TRAIN), "--test", str(TEST), "--unlabelled", "notes.txt")
    assert main([*given, "--output", "out"]) == 0
    out = capsys.readouterr().out
    assert "and the unlabelled text of notes.txt" in " ".join(out.split())
    assert "+unlabelled" in out
    tagger = load_model(Path("out/tagger"), TAGGER)
    assert tagger.about["unlabelled_sentences"] == 2
    assert main([*given, "--teacher", "out/tagger", "--output", "taught"]) == 0
    out = capsys.readouterr().out
    assert "the unlabelled text of notes.txt, tagged by out/tagger" in " ".join(out.split())
    error = refused(adapt("--train", str(TRAIN), "--unlabelled", "missing.txt"), capsys)
    assert "missing.txt" in error


def test_the_usual_draws_follow_the_shots_wherever_they_come_from(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[tuple[int, int]] = []

    def stop(
        checkpoint: Path, target: object, config: AdaptRunSettings, *_: Any, **__: Any
    ) -> None:
        seen.append((config.shots, config.draws))
        raise UserError("enough")

    monkeypatch.setattr(adaptation, "tracked_adaptation", stop)
    Path("few.yaml").write_text("shots: 3\n")
    for more in (
        ["--shots", "3"], settings(["shots=3"]), ["--config", "few.yaml"], [],
        settings(["shots=3", "score=false"]), settings(["shots=3", "draws=2"]),
    ):  # fmt: skip
        assert refused(adapt("--train", str(TRAIN), "--test", str(TEST), *more), capsys)
    assert seen == [(3, 5), (3, 5), (3, 5), (0, 1), (3, 1), (3, 2)]


def test_progress_calls_a_baseline_by_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: Any, on_cell: Callable[[CellResult], None], **__: Any) -> None:
        for method in ("joint", "scratch"):
            on_cell(CellResult(f"{method}+unlabelled", 0, None, 9, 6, 1.0))
        raise UserError("enough")

    monkeypatch.setattr(adaptation, "tracked_adaptation", stop)
    assert main(adapt("--train", str(TRAIN), "--baseline", "scratch")) == 2
    printed = capsys.readouterr().err
    assert "\nmtl-bio+unlabelled, draw 0 (1.0 s)\n" in printed
    assert "\nscratch+unlabelled, draw 0 (1.0 s)\n" in printed
