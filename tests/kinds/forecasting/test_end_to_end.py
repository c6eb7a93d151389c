"""Forecasting by the commands that taggers have, on made-up regions and a series of a user's."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from fewshot_metalstm.cli.main import main
from fewshot_metalstm.kinds.forecasting.model import FORECASTER, load_model
from fewshot_metalstm.kinds.forecasting.predict import STILL
from tests.cli.builders import QUICK, refused, run_json, settings
from tests.kinds.forecasting.builders import START, TARGET, load, rows


@pytest.fixture(autouse=True)
def _place(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test here takes the made-up regions for the real ones, in a folder of its own."""
    monkeypatch.chdir(tmp_path)


def adapt(checkpoint: Path, *more: str) -> list[str]:
    """A tiny adaptation."""
    return ["adapt", "--checkpoint", str(checkpoint), "--workers", "1", "--no-tracking",
            *settings(QUICK), *more]  # fmt: skip


def own(checkpoint: Path, output: str, *more: str) -> list[str]:
    """A tiny adaptation to a series of the user's."""
    return adapt(checkpoint, "--train", "mine.csv", "--shots", "9", "--output", output, *more)


def test_from_meta_training_to_a_score(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    peers = ("scratch", "naive24", "naive168", "ridge", "ridge-pooled")
    options = [part for name in peers for part in ("--baseline", name)]
    result = run_json(adapt(trained, "--target", TARGET, "--shots", "9", "--draws", "2",
                            "--output", "out", *options), capsys)  # fmt: skip
    assert (result["kind"], result["figure"], result["better"]) == ("forecasting", "mase", "lower")
    assert set(result["baselines"]) == set(peers)
    assert result["baselines"]["ridge-pooled"]["mean"] < result["baselines"]["naive168"]["mean"]
    first = result["draws"][0]
    assert first["support_hours"] == 216
    assert {"mase", "mae", "smape", "coverage"} <= set(first)
    score = run_json(["evaluate", "out", "--target", TARGET], capsys)
    assert score["mean"] == pytest.approx(first["mase"], abs=0.01)
    assert score["hours"] == 672
    known = load_model(Path("out/forecaster"), FORECASTER).about
    assert known["from"]["targets_excluded"] == [TARGET]
    assert known["support"][0][1] - known["support"][0][0] == 216
    for options, problem in (
        (["--shots", "7"], "use at least 8"),
        (["--shots", "0"], "leaves no hour to score"),
        (["--shots", "190"], "nowhere 190 days"),
        (["--shots", "9", "--tune", "prototypes"], "tune 'prototypes' is unknown"),
    ):
        line = refused(adapt(trained, "--target", TARGET, *options), capsys)
        assert problem in line
    line = refused(adapt(trained, "--target", "load-AEP", "--shots", "9"), capsys)
    assert "was meta-trained on load-AEP's family" in line


def test_a_series_of_the_users_own(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = load(20, 7)
    values[100] = np.nan
    Path("mine.csv").write_text(rows(values))
    result = run_json(own(trained, "model"), capsys)
    assert len(result["draws"]) == 1
    assert result["mean"] is None
    assert any("1 hours were missing" in note for note in result["notes"])

    assert main(["predict", "model", "mine.csv", "--horizon", "5", "--output", "f.csv"]) == 0
    assert capsys.readouterr().out == "f.csv: 5 hours of 1 series\n"
    assert main(["predict", "model", "mine.csv", "--horizon", "5", "--output", "-"]) == 0
    assert capsys.readouterr().out == Path("f.csv").read_text()
    with Path("f.csv").open() as file:
        found = list(csv.DictReader(file))
    assert [row["ds"] for row in found] == [f"2024-01-21 0{hour}:00:00" for hour in range(5)]
    for row in found:
        assert float(row["q10"]) < float(row["q50"]) < float(row["q90"])
        assert 600 < float(row["q50"]) < 1400
    said = run_json(["predict", "model", "mine.csv"], capsys)
    assert len(said["forecast"]) == 24
    assert said["forecast"][4]["q50"] == float(found[4]["q50"])

    later = load(60, 7)[20 * 24 :]
    Path("later.csv").write_text(rows(later, START + 20 * 24))
    scored = run_json(own(trained, "scored", "--test", "later.csv", "--draws", "1"), capsys)
    again = run_json(["evaluate", "scored", "--target", "train=mine.csv,test=later.csv"], capsys)
    assert again["mean"] == pytest.approx(scored["mean"], abs=0.01)
    assert again["hours"] == len(later)


def test_several_series_in_one_table(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tables = [rows(load(15, n, 10.0**n)).splitlines()[1:] for n in (1, 3)]
    lines = [f"{name},{line}" for name, each in zip("ab", tables, strict=True) for line in each]
    Path("mine.csv").write_text("\n".join(["unique_id,ds,y", *lines]))
    assert run_json(own(trained, "model"), capsys)["draws"][0]["support_hours"] == 2 * 216
    found = run_json(["predict", "model", "mine.csv", "--horizon", "1"], capsys)["forecast"]
    assert [row["unique_id"] for row in found] == ["a", "b"]
    assert 5 < found[0]["q50"] < 15
    assert 500 < found[1]["q50"] < 1500
    Path("flat.csv").write_text(rows(np.full(200, 5000.0)))
    flat = run_json(["predict", "model", "flat.csv"], capsys)
    assert {row[name] for row in flat["forecast"] for name in ("q10", "q50", "q90")} == {5000.0}
    assert flat["notes"] == [f"1 {STILL}"]
    run_json(["view", "model", "flat.csv", "--html", "page.html"], capsys)
    assert STILL in Path("page.html").read_text()
    page = run_json(["view", "model", "mine.csv", "--html", "page.html"], capsys)
    assert set(page["series"]) == {"a", "b"}
    text = Path("page.html").read_text()
    assert text.count("<svg") == 2
    assert text.count("<polygon") == 2
    assert "percent" not in text
    assert "http" not in text.replace("http-equiv", "")


def test_what_cannot_be_done_is_said_in_a_line(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("mine.csv").write_text(rows(load(10, 7)))
    assert main(own(trained, "model", "--quiet", "--json")) == 0
    gap = load(10, 7)
    gap[200:210] = np.nan
    Path("gap.csv").write_text(rows(gap))
    Path("short.csv").write_text(rows(load(6, 7)))
    Path("still.csv").write_text(rows(np.full(240, 5.0)))
    before = Path("mine.csv").read_text()
    for arguments, problem in (
        (["predict", "model", "mine.csv", "--horizon", "25"], "--horizon is 25"),
        (["predict", "model", "mine.csv", "--horizon", "0"], "--horizon is 0"),
        (["predict", "model", "mine.csv", "--output", "x.xlsx"], "is written as .csv or .tsv"),
        (["predict", "model", "gap.csv"], "has a long gap in its last 168 hours"),
        (["predict", "model", "short.csv"], "has 144 hours; give at least the last 168"),
        (["predict", "model", "mine.csv", "--value-column", "z"], "has no column z, but ds, y"),
        (["predict", "model", "mine.csv", "--to", "brat"], "--to is for tagging"),
        (["view", "model", "mine.csv", "--html", "mine.csv"], "is the file to look at"),
        (["view", "model", "short.csv"], "give at least the last 168"),
        (["evaluate", "model", "--target", TARGET], "the forecaster was adapted to mine"),
        (own(trained, "x", "--test", "mine.csv"), "before the end of the train split"),
        (adapt(trained, "--train", "still.csv", "--output", "x"), "hardly varies in the hours"),
        (adapt(trained, "--train", "absent.csv", "--kind", "forecasting"), "no such file"),
        (["meta-train", "--tasks", "load", "--algorithm", "protonet"], "a forecast has none"),
        (["meta-train", "--tasks", "load", "--set", "forecaster.step=5"], "does not divide"),
    ):
        assert problem in refused(arguments, capsys), arguments
    assert Path("mine.csv").read_text() == before


def test_what_is_known_of_regions_without_reading_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["tasks", "list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (suite,) = [each for each in found["suites"] if each["name"] == "load"]
    assert (suite["kind"], suite["tasks"], suite["at_hand"]) == ("forecasting", 3, 3)
    (target,) = [each for each in found["targets"] if each["name"] == TARGET]
    assert target["hours"]["test"] == 672
