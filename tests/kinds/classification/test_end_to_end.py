"""Every command on classifiers, in a tiny world of made-up reviews."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from fewshot_metalstm.cli.main import main
from tests.cli.builders import refused, run_json, settings
from tests.kinds.classification.builders import QUICK, own_table


@pytest.fixture
def adapted(made: Path, tmp_path: Path) -> Path:
    """A classifier adapted to a user's own table."""
    output = tmp_path / "adapted"
    table = own_table(tmp_path / "mine.csv")
    assert main([
        "adapt", "--train", str(table), "--shots", "3", "--checkpoint", str(made), "--output",
        str(output), "--no-tracking", "--workers", "1", "--quiet", *settings(QUICK),
    ]) == 0  # fmt: skip
    return output


def test_meta_train_and_adapt_to_a_held_out_domain(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = json.loads((made / "checkpoint" / "config.json").read_text("utf-8"))
    assert (config["task_kind"], config["classes"]) == ("classification", ["negative", "positive"])
    found = run_json([
        "adapt", "--target", "reviews-mr", "--shots", "10", "--draws", "1", "--checkpoint",
        str(made), "--baseline", "scratch", "--baseline", "tfidf", "--output",
        str(tmp_path / "a"), "--no-tracking", "--workers", "1", *settings(QUICK),
    ], capsys)  # fmt: skip
    assert (found["kind"], found["figure"], found["better"]) == (
        "classification", "accuracy", "higher"
    )  # fmt: skip
    assert set(found["baselines"]) == {"scratch", "tfidf"}
    assert found["draws"][0]["support_texts"] == 20
    assert found["baselines"]["tfidf"]["mean"] > 60  # the made-up words tell it all
    said = refused(["adapt", "--target", "reviews-books", "--checkpoint", str(made)], capsys)
    assert "was meta-trained on reviews-books" in said


def test_evaluate_and_predict(
    adapted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = own_table(tmp_path / "new.csv", 6, 9)
    found = run_json(["evaluate", str(adapted), "--target", str(table)], capsys)
    assert (found["texts"], set(found["per_class"])) == (6, {"bad", "good"})
    told = run_json(["predict", str(adapted), str(table)], capsys)
    assert [each["line"] for each in told["texts"]] == [2, 3, 4, 5, 6, 7]
    assert sum(told["texts"][0]["probabilities"].values()) == pytest.approx(1, abs=1e-3)
    assert main(["predict", str(adapted), str(table), "--quiet"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split("\t")[1:3] == ["2", told["texts"][0]["label"]]
    output = tmp_path / "out.csv"
    assert main(["predict", str(adapted), str(table), "--output", str(output), "--quiet"]) == 0
    with output.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows] == [each["label"] for each in told["texts"]]
    assert {"p(bad)", "p(good)"} < set(rows[0])
    said = refused(["predict", str(adapted), str(table), "--output", "x.png"], capsys)
    assert "is written as .csv, .tsv, .jsonl" in said
    said = refused(["predict", str(adapted), str(table), "--format", "brat"], capsys)
    assert "--format is for tagging" in said
    other = tmp_path / "other.csv"
    other.write_text("text,label\na,odd\nb,bad\n", "utf-8")
    said = refused(["evaluate", str(adapted), "--target", str(other)], capsys)
    assert "has the class odd, which the classifier does not know" in said


def test_suggest_and_view(
    adapted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pool = own_table(tmp_path / "pool.csv", 6, 9)
    known = tmp_path / "mine.csv"
    output = tmp_path / "next.jsonl"
    found = run_json(
        ["suggest", str(adapted), str(pool), "-n", "2", "--exclude", str(known), "--output",
         str(output)], capsys
    )  # fmt: skip
    assert len(found["texts"]) == 2
    assert len(output.read_text("utf-8").splitlines()) == 2
    said = refused(["suggest", str(adapted), str(pool), "--exclude", str(pool)], capsys)
    assert "no text is left to suggest" in said
    said = refused(["suggest", str(adapted), str(pool), "--to", "brat"], capsys)
    assert "--to is not for a model of the kind classification" in said
    html = tmp_path / "page.html"
    shown = run_json(["view", str(adapted), str(pool), "--html", str(html)], capsys)
    assert (shown["texts"], shown["classes"]) == (6, ["bad", "good"])
    page = html.read_text("utf-8")
    assert "percent of the labels are right" in page
    assert page.count('class="sentence"') == 6
    # A text without a word is shown and not scored, by view as by evaluate.
    wordless = tmp_path / "wordless.csv"
    other = {"good": "bad", "bad": "good"}
    read, guessed = json.loads(_predicted(adapted, wordless, capsys))["texts"]
    labels = read["label"], other[guessed["label"]]
    wordless.write_text("text,label\nlovely,{}\n ,{}\n".format(*labels), "utf-8")
    score = run_json(["evaluate", str(adapted), "--target", str(wordless)], capsys)
    shown = run_json(["view", str(adapted), str(wordless), "--html", str(html)], capsys)
    assert (shown["texts"], shown["accuracy"]) == (2, score["mean"]) == (2, 100)
    assert "1 texts without a word" in html.read_text("utf-8")
    text = tmp_path / "a.txt"
    text.write_text("<script>alert(1)</script> lovely\n", "utf-8")
    assert run_json(["view", str(adapted), str(text), "--html", str(html)], capsys)[
        "accuracy"
    ] is None  # fmt: skip
    assert "<script>alert" not in html.read_text("utf-8")


def _predicted(model: Path, table: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What ``predict --json`` prints of a table with a text and one without a word."""
    table.write_text("text,label\nlovely,good\n ,good\n", "utf-8")
    assert main(["predict", str(model), str(table), "--json", "--quiet"]) == 0
    return capsys.readouterr().out


def test_one_class_and_missing_columns_are_one_line(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "one.csv"
    path.write_text("text,label\na,x\nb,x\n", "utf-8")
    adapt = ["adapt", "--train", str(path), "--checkpoint", str(made), "--no-tracking"]
    assert "all texts have the label 'x'" in refused(adapt, capsys)
    assert "has no column 'stars'" in refused([*adapt, "--label-column", "stars"], capsys)


def test_train_on_files_of_ones_own(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own_table(tmp_path / "train.csv", 20)
    own_table(tmp_path / "test.csv", 6, 9)
    tiny = ["classifier.lstm.meta=3", "classifier.lstm.z=3", "classifier.lstm.hidden=5",
            "classifier.filters=3", "vectors.size=8", "vectors.epochs=1", "vectors.buckets=50",
            "vectors.min_count=1"]  # fmt: skip
    found = run_json([
        "train", "--task", str(tmp_path), "--kind", "classification", "--cell", "lstm",
        "--epochs", "1", "--output", str(tmp_path / "run"), "--no-tracking", *settings(tiny),
    ], capsys)  # fmt: skip
    assert found["figure"] == "accuracy"
    told = run_json(
        ["evaluate", str(tmp_path / "run"), "--target", str(tmp_path / "test.csv")], capsys
    )
    assert told["texts"] == 6
