"""Translators by the commands that taggers have, on made-up pairs and files of a user's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fewshot_metalstm.cli.main import main
from fewshot_metalstm.kinds.translation.model import PRODUCT, load_model
from tests.cli.builders import QUICK, refused, run_json, settings
from tests.kinds.translation.builders import SUITE, TARGETS, TINY, WORDS, write_pairs

TARGET = "multi30k-snow"
KIND = ["--kind", "translation"]


@pytest.fixture(autouse=True)
def _place(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test here takes the made-up pairs for the real ones, in a folder of its own."""
    monkeypatch.chdir(tmp_path)


def adapt(checkpoint: Path, *more: str) -> list[str]:
    """A tiny adaptation."""
    return ["adapt", "--checkpoint", str(checkpoint), "--workers", "1", "--no-tracking",
            *settings(QUICK), *more]  # fmt: skip


def test_from_meta_training_to_a_score(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    peers = ["--baseline", "scratch", "--baseline", "unadapted"]
    result = run_json(adapt(trained, "--target", TARGET, "--shots", "4", "--draws", "2",
                            "--output", "out", *peers), capsys)  # fmt: skip
    assert (result["kind"], result["figure"], result["better"]) == ("translation", "chrf", "higher")
    assert result["model"].endswith(PRODUCT)
    assert set(result["baselines"]) == {"scratch", "unadapted"}
    unadapted = [each["chrf"] for each in result["baselines"]["unadapted"]["draws"]]
    assert unadapted[0] == unadapted[1]
    first = result["draws"][0]
    assert first["support_pairs"] == 4
    assert "tok:13a" in first["about"]["bleu"]
    assert first["bleu"] >= 0
    score = run_json(["evaluate", "out", "--target", TARGET], capsys)
    assert (score["mean"], score["pairs"]) == (pytest.approx(first["chrf"], abs=0.01), 5)
    known = load_model(Path("out/translator"), PRODUCT).about
    assert known["from"]["targets_excluded"] == [*TARGETS, "wmt-sample"]
    assert known["signatures"] == first["about"]
    line = refused(adapt(trained, "--target", "multi30k-street", "--shots", "4"), capsys)
    assert "was meta-trained on multi30k-street" in line
    line = refused(adapt(trained, "--target", TARGET, "--tune", "prototypes"), capsys)
    assert "tune 'prototypes' is unknown" in line


def test_pairs_of_the_users_own(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_pairs(Path("my"), 9, 4)
    write_pairs(Path("later"), 3, 5)
    result = run_json(adapt(trained, "--train", "my.en:my.de", "--output", "model"), capsys)
    assert (result["kind"], result["mean"], len(result["draws"])) == ("translation", None, 1)
    assert result["draws"][0]["support_pairs"] == 9
    scored = run_json(adapt(trained, "--train", "my.tsv", "--test", "later.tsv", "--draws", "1",
                            "--output", "scored", *KIND), capsys)  # fmt: skip
    for same in ("later.tsv", "later.en:later.de"):
        again = run_json(["evaluate", "scored", "--target", same], capsys)
        assert again["mean"] == pytest.approx(scored["mean"], abs=0.01)

    # A line for each line, an empty one too, wherever they are written.
    words = list(WORDS)
    Path("text.en").write_text(f"{words[1]} {words[2]}\n\n  {words[3]}\n", "utf-8")
    assert main(["predict", "model", "text.en"]) == 0
    printed = capsys.readouterr().out
    assert len(printed.split("\n")) == 4
    assert printed.split("\n")[1] == ""
    assert main(["predict", "model", "text.en", "--output", "text.de"]) == 0
    assert capsys.readouterr().out == "text.de: 3 lines\n"
    assert Path("text.de").read_text("utf-8") == printed
    found = run_json(["predict", "model", "text.en", "--beam", "1"], capsys)
    assert found["beam"] == 1
    assert [each["line"] for each in found["translations"]] == [1, 2, 3]


def test_training_on_all_pairs(capsys: pytest.CaptureFixture[str]) -> None:
    for name, number in (("train", 12), ("dev", 3), ("test", 4)):
        write_pairs(Path(name), number, number)
    files = "train=train.en:train.de,devel=dev.tsv,test=test.tsv"
    small = settings([*(each for each in TINY if each.startswith(("translator", "subwords"))),
                      "train.epochs=1", "train.batch=4"])  # fmt: skip
    result = run_json(["train", "--task", files, "--no-tracking", "--output", "out", *small],
                      capsys)  # fmt: skip
    assert (result["figure"], result["better"]) == ("chrf", "higher")
    (task,) = result["tasks"].values()
    assert task["items"] == 12
    about = load_model(Path(task["model"]), PRODUCT).about
    assert about["test_chrf"] == pytest.approx(task["test"]["chrf"], abs=0.01)
    assert about["beam"] == 1


def test_what_cannot_be_done_is_said_in_a_line(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_pairs(Path("my"), 4, 4)
    Path("bad.en").write_bytes(b"one\nt\xffo\n")
    Path("long.en").write_text("a dog\n" + "a dog " * 15_000 + "\n", "utf-8")
    long = "long.en:2: is too long to translate: 89,999 bytes, and a sentence may have 10,000; wr"
    assert main(adapt(trained, "--train", "my.tsv", "--output", "model", "--quiet", "--json")) == 0
    for arguments, problem in (
        (["predict", "model", "bad.en"], "bad.en:2: is not UTF-8; save it as UTF-8"),
        (["predict", "model", "long.en"], long),
        (["view", "model", "long.en"], long),
        (["predict", "model", "absent.en"], "cannot be read"),
        (["predict", "model", "my.en", "--beam", "0"], "--beam is 0; use 1 to 64"),
        (["predict", "model", "my.en", "--sample", "5"], "--sample is for language-model"),
        (["predict", str(trained / "checkpoint"), "my.en"], "is a checkpoint, not a translator"),
        (["evaluate", "model", "--target", "my.en:absent.de"], "absent.de: there is no such file"),
        (adapt(trained, "--train", "my.en", *KIND), "translation needs pairs"),
        (adapt(trained, "--train", "my.en:bad.en"), "bad.en:2: is not UTF-8"),
        (["meta-train", "--tasks", SUITE, "--algorithm", "protonet"], "translation has none"),
        (["meta-train", "--tasks", SUITE, "--set", "episodes.shots_low=99"], "above shots_high"),
        (["meta-train", "--tasks", SUITE, "--set", "episodes.query=500", "--set", "joint.steps=1",
          "--no-tracking", *settings(TINY[:5])], "an episode needs"),
    ):  # fmt: skip
        assert problem in refused(arguments, capsys), arguments


def test_what_is_known_of_topics_without_reading_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tasks", "list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (suite,) = [each for each in found["suites"] if each["name"] == SUITE]
    assert (suite["kind"], suite["tasks"], suite["at_hand"]) == ("translation", 1, 1)
    (target,) = [each for each in found["targets"] if each["name"] == TARGET]
    assert target["pairs"] == {"train": 15, "devel": None, "test": 5}
    assert target["family"] == TARGET
    assert main(["tasks", "show", SUITE, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)["tasks"]
    assert [(each["name"], each["pairs"]) for each in shown] == [
        ("multi30k-street", 20), ("multi30k-table", 20),
    ]  # fmt: skip
