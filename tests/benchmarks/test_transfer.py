"""The few-shot table of a made-up sweep, with figures worked out by hand."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from benchmarks.transfer import in_order, main, means, read_cells, table
from fewshot_metalstm.adapt.cell import Cell, CellResult
from fewshot_metalstm.adapt.finetune import AdaptConfig
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.kind import TAGGING
from fewshot_metalstm.kinds.tagging.tagger.scoring import Score
from fewshot_metalstm.sweep.grid import Key
from fewshot_metalstm.sweep.store import PlannedCell, SweepFolder

F1 = {
    ("t", 5, "best"): (50.0, 60.0, 70.0), ("t", 5, "crf"): (49.0, 58.0, 73.0),
    ("t", 5, "joint"): (50.0, 59.0, 71.0), ("t", 20, "best"): (80.0,), ("t", 20, "crf"): (90.0,),
}  # fmt: skip
WEIGHTS = {"best": "b" * 64, "joint": "c" * 64}


def write(folder: Path, key: Key, f1: float | None, weights: str) -> None:
    cell = Cell(key.method, key.draw, 0, (1, 2), "all", AdaptConfig())
    settings = {
        "target": key.target, "shots": key.shots, "method": key.method, "draw": key.draw,
        "checkpoint": {"model.safetensors": weights} if weights else {},
    }  # fmt: skip
    score = None if f1 is None else Score(f1, f1 + 1, f1 - 1, 9)
    result = CellResult(key.method, key.draw, score, 2, 5, 1.0)
    SweepFolder(folder).write(PlannedCell(key, cell, settings), result, "runs/x", TAGGING)


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    folder = tmp_path / "sweep"
    for (target, shots, method), values in F1.items():
        for draw, f1 in enumerate(values):
            write(folder, Key(target, shots, method, draw), f1, WEIGHTS.get(method, ""))
    (folder / "config.yaml").write_text("methods: [joint=runs/j, best=runs/b, crf]\n")
    (folder / "report.json").write_text(json.dumps({"synthetic": ["t"]}))
    return folder


def test_means_differences_and_wins(sweep: Path) -> None:
    cells = read_cells([sweep])
    assert in_order([sweep], cells) == ["joint", "best", "crf"]
    lines = {(x.shots, x.method): x for x in table(cells, ["joint", "best", "crf"], "crf")}
    assert list(lines) == [(5, "joint"), (5, "best"), (5, "crf"), (20, "best"), (20, "crf")]
    best = lines[5, "best"]
    # t(0.975, 2) = 4.302653; standard deviations: 10, and of the differences 1, 2, -3 root 7.
    assert best.f1.mean == 60
    assert best.f1.half == pytest.approx(4.302653 * 10 / 3**0.5, rel=1e-6)
    assert (best.precision, best.recall) == (61, 59)
    assert best.difference is not None
    assert best.difference.mean == 0
    assert best.difference.half == pytest.approx(4.302653 * 7**0.5 / 3**0.5, rel=1e-6)
    assert (best.wins, best.paired) == (2, 3)
    assert lines[5, "crf"].difference is None
    assert lines[5, "crf"].paired == 0
    one = lines[20, "best"]
    assert one.difference is not None
    assert (one.difference.mean, one.difference.half, one.wins) == (-10, None, 0)


def test_an_equal_draw_is_no_win_and_only_common_draws_are_paired(sweep: Path) -> None:
    lines = {(x.shots, x.method): x for x in table(read_cells([sweep]), ["best", "joint"], "best")}
    assert lines[5, "joint"].wins == 1  # equal, worse, better
    (sweep / "cells" / "t-5-best-2.json").unlink()
    lines = {(x.shots, x.method): x for x in table(read_cells([sweep]), ["best", "joint"], "best")}
    assert (lines[5, "joint"].wins, lines[5, "joint"].paired) == (0, 2)
    assert set(lines[5, "joint"].draws) == {0, 1, 2}


def test_what_is_written(sweep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(sweep), "--against", "crf"]) == 0
    page = (sweep / "transfer" / "transfer.md").read_text()
    assert capsys.readouterr().out == page + "\n"
    row = (
        "| t (synthetic) | 5 | best | 60.00 ± 24.84 | +0.00 ± 6.57 | 2 of 3 | 61.0 / 59.0 "
        "| 50.0, 60.0, 70.0 |"
    )
    assert row in page.splitlines()
    assert "| t (synthetic) | 20 | crf | 90.00 |  |  | 91.0 / 89.0 | 90.0 |" in page.splitlines()
    assert "| best | 0 of 2 | 2 of 4 |" in page.splitlines()
    assert "| joint | 0 of 1 | 2 of 3 |" in page.splitlines()
    assert f"joint {'c' * 16}, best {'b' * 16}." in page
    with (sweep / "transfer" / "transfer.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 5
    assert rows[1] == {
        "target": "t", "shots": "5", "method": "best", "draws": "3", "f1": "60.0000",
        "f1_ci95": "24.8414", "precision": "61.0000", "recall": "59.0000", "against": "crf",
        "difference": "0.0000", "difference_ci95": "6.5724", "wins": "2", "paired": "3",
        "f1_of_draws": "0:50.0000 1:60.0000 2:70.0000",
    }  # fmt: skip
    assert (rows[4]["f1_ci95"], rows[4]["difference"], rows[4]["wins"]) == ("", "", "")
    assert (sweep / "transfer" / "shots-t.png").read_bytes()[:4] == b"\x89PNG"
    assert (sweep / "transfer" / "wide.md").read_text().splitlines() == [
        "| target | shots | joint | best | crf | joint less crf |", "|---|---|---|---|---|---|",
        "| t (synthetic) | 5 | 60.0 ± 26.2 | 60.0 ± 24.8 | 60.0 ± 30.1 | +0.0 ± 4.3 |",
        "| t (synthetic) | 20 |  | 80.0 | 90.0 |  |",
    ]  # fmt: skip
    assert main([str(sweep), "--output", str(sweep.parent / "here")]) == 0
    assert "less joint" in (sweep.parent / "here" / "transfer.md").read_text()


def test_without_the_sweeps_config_methods_go_by_name(sweep: Path) -> None:
    (sweep / "config.yaml").unlink()
    assert in_order([sweep], read_cells([sweep])) == ["best", "crf", "joint"]


def test_cells_that_are_not_scored_are_left_out(sweep: Path) -> None:
    before = len(read_cells([sweep]))
    write(sweep, Key("bare", 5, "best", 0), None, WEIGHTS["best"])
    assert len(read_cells([sweep])) == before


def test_mistakes_are_one_line(sweep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def refused(*arguments: str) -> str:
        assert main(list(arguments)) == 2
        printed = capsys.readouterr()
        assert printed.err.count("\n") == 1
        return printed.err

    assert "no such method here; use joint, best, crf" in refused(str(sweep), "--against", "anil")
    assert "holds no scored cell" in refused(str(sweep.parent))
    write(sweep, Key("t", 5, "best", 7), 1.0, "d" * 64)
    assert "the cells of best at t come from different checkpoints" in refused(str(sweep))
    for text in ("{", "[]", "{}", '{"format": "other"}'):
        (sweep / "cells" / "t-5-best-7.json").write_text(text)
        assert "t-5-best-7.json: is no cell of a sweep" in refused(str(sweep))
    with pytest.raises(UserError):
        read_cells([sweep])


def test_two_sweeps_make_one_table(sweep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = sweep.parent / "other"
    for method, values in {"best": (10.0, 30.0, 20.0), "crf": (1.0, 2.0)}.items():
        for draw, f1 in enumerate(values):
            write(other, Key("u", 5, method, draw), f1, {"best": "e" * 64}.get(method, ""))
    both = [sweep, other]
    overall = table(means(read_cells(both)), ["best", "crf"], "crf")
    assert [(x.target, x.shots, x.method) for x in overall] == [
        ("mean of 2", 5, "best"), ("mean of 2", 5, "crf"),
    ]  # fmt: skip
    assert overall[0].draws == {0: 30, 1: 45, 2: 45}
    assert overall[1].draws == {0: 25, 1: 30}
    assert overall[0].difference is not None
    assert (overall[0].difference.mean, overall[0].paired) == (10, 2)
    assert main([str(path) for path in both]) == 0
    page = capsys.readouterr().out
    assert "| mean of 2 | 5 | crf | 27.50 ± 31.77 |" in page
    assert f"best {'b' * 16} and {'e' * 16}." in page
    assert (sweep / "transfer" / "shots-mean-of-2.png").is_file()
    assert main([str(sweep), str(sweep)]) == 2
    assert "as another sweep does; name one of them" in capsys.readouterr().err
