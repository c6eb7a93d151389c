"""``view``, ``report`` and ``compare`` as a user runs them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from fewshot_metalstm.cli.main import main
from fewshot_metalstm.kinds.tagging.corpora.demo import DEMO_TARGET, demo_corpora
from tests.cli.builders import QUICK, refused, run_json, settings

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def adapted(meta_trained: Path, store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tracked adaptation, poor and quick."""
    output = tmp_path_factory.mktemp("adapted") / "run"
    arguments = ["adapt", "--target", DEMO_TARGET, "--shots", "5", "--draws", "2",
                 "--checkpoint", str(meta_trained), "--output", str(output), "--workers", "1",
                 "--baseline", "scratch", "--tracking-uri", str(store), "--quiet", "--json",
                 *settings(QUICK)]  # fmt: skip
    assert main(arguments) == 0
    return output


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    """Thirty sentences of the target's test split."""
    path = tmp_path / "gold.tsv"
    path.write_text("\n\n".join(
        "\n".join(f"{token}\t{tag}" for token, tag in zip(s.tokens, s.tags, strict=True))
        for s in demo_corpora()[DEMO_TARGET].splits["test"][:30]
    ) + "\n", encoding="utf-8")  # fmt: skip
    return path


def test_view_of_gold_and_of_text(
    adapted: Path, gold: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "out" / "v.html"
    result = run_json(["view", str(adapted), str(gold), "--html", str(page)], capsys)
    assert result["sentences"] == 30
    assert set(result["gold"]["scores"]) == {"Species", "all"}
    assert result["gold"]["mentions"] > 10
    assert "<!doctype html>" in page.read_text(encoding="utf-8")[:20].lower()
    assert run_json(["view", str(adapted), str(gold), "--no-gold", "--html", str(page)], capsys)[
        "gold"
    ] is None  # fmt: skip
    text = tmp_path / "notes.txt"
    text.write_text("Mice <b>ran</b>.\nCats & dogs sat.\n", encoding="utf-8")
    assert run_json(["view", str(adapted), str(text), "--html", str(page)], capsys)["gold"] is None
    shown = page.read_text(encoding="utf-8")
    assert "&lt;b&gt;ran&lt;/b&gt;." in shown
    assert "<b>ran" not in shown
    for option in (["-o", "-"], ["--output", "-"]):
        assert main(["view", str(adapted), str(text), *option]) == 0
        captured = capsys.readouterr()
        assert captured.out.count("&lt;b&gt;ran&lt;/b&gt;.") == shown.count(
            "&lt;b&gt;ran&lt;/b&gt;."
        )
        assert captured.err.startswith("2 sentences")
    tokens = tmp_path / "tokens.tsv"
    tokens.write_text("Mice\nran\n\nCats\n", encoding="utf-8")
    assert (
        run_json(["view", str(adapted), str(tokens), "--html", str(page)], capsys)["sentences"] == 2
    )
    before = page.read_bytes()
    line = refused(["view", str(adapted), str(tmp_path / "no.txt"), "--html", str(page)], capsys)
    assert "no.txt" in line
    assert page.read_bytes() == before
    line = refused(["view", str(adapted), str(text), "--html", str(text)], capsys)
    assert "is the file to look at" in line


def test_report_of_everything(
    adapted: Path, meta_trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, pictures = tmp_path / "r.html", tmp_path / "png"
    arguments = ["report", str(meta_trained), str(adapted), "--html", str(page), "--png",
                 str(pictures)]  # fmt: skip
    result = run_json(arguments, capsys)
    names = {path.name for path in pictures.iterdir()}
    assert names == {
        "shots-demo-species.png", "adaptation-demo-species-5.png", "joint-run.png",
        "outer-run.png", "meta-lstm-run.png",
    }  # fmt: skip
    assert all(path.read_bytes().startswith(PNG) for path in pictures.iterdir())
    assert [row[2] for row in result["rows"]] == [meta_trained.name, "scratch"]
    (tagger,) = result["taggers"]
    report = json.loads((adapted / "report.json").read_text())
    assert tagger["f1"] == report["draws"][0]["f1"]
    assert set(tagger["meta_lstm"]["moved"]) >= {"no mention"}
    assert len(report["draws"][0]["losses"]) >= 1
    html = page.read_text(encoding="utf-8")
    for part in ("Methods", "What the Meta-LSTM does", "The costliest", "demo-species (synthetic)"):
        assert part in html, part
    assert html.count('src="data:image/svg+xml;base64,') == len(names)
    assert "http://" not in html.replace("http://www.w3.org", "")
    result = run_json([*arguments, "--no-taggers", "--against", "scratch"], capsys)
    assert result["taggers"] == []
    assert result["rows"][0][2] == "scratch"


def test_report_without_runs_or_with_damaged_ones_is_one_line(
    adapted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "holds no run" in refused(["report", str(tmp_path)], capsys)
    assert "holds no run" in refused(["report", str(tmp_path / "nowhere")], capsys)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "report.json").write_text('{"target": 1}')
    assert "bad/report.json" in refused(["report", str(tmp_path / "bad")], capsys)
    (tmp_path / "bad" / "report.json").write_text("{")
    assert "not JSON" in refused(["report", str(tmp_path / "bad")], capsys)
    line = refused(["report", str(adapted), "--against", "nothing"], capsys)
    assert "no method is called 'nothing'" in line


def test_compare_gives_the_figures_of_the_report(
    adapted: Path, meta_trained: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = json.loads((adapted / "report.json").read_text())
    command = ["compare", "--tracking-uri", str(store)]
    result = run_json(command, capsys)
    assert [row["method"] for row in result["rows"]] == [meta_trained.name, "scratch"]
    for row, source in zip(result["rows"], (report, report["baselines"]["scratch"]), strict=True):
        assert row["f1"]["mean"] == pytest.approx(source["mean_f1"], abs=0.01)
        assert row["draws"] == {str(d["draw"]): d["f1"] for d in source["draws"]}
    assert result["synthetic"] == [DEMO_TARGET]
    name = f"adapt {DEMO_TARGET}, 5 shots, from {meta_trained.name}"
    by_name = run_json([*command, name, "--against", "scratch"], capsys)
    assert by_name["first"] == "scratch"
    assert by_name["rows"][1]["difference"]["draws"] == 2
    assert main(command) == 0
    assert f"{meta_trained.name} minus it" in capsys.readouterr().out
    assert "nothing-like-it: no run or experiment" in refused([*command, "nothing-like-it"], capsys)
    nowhere = os.fspath(store / "nowhere")
    assert "no tracked runs there yet" in refused(["compare", "--tracking-uri", nowhere], capsys)
    assert not Path(nowhere).exists()
