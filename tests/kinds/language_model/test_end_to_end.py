"""Language models by the commands that taggers have, on made-up texts and a file of a user's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fewshot_metalstm.cli.main import main
from fewshot_metalstm.kinds.language_model.model import PRODUCT, load_model
from tests.cli.builders import QUICK, refused, run_json, settings
from tests.kinds.language_model.builders import prose

TARGET = "wikitext-articles"


@pytest.fixture(autouse=True)
def _place(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test here takes the made-up texts for the real ones, in a folder of its own."""
    monkeypatch.chdir(tmp_path)


def adapt(checkpoint: Path, *more: str) -> list[str]:
    """A tiny adaptation."""
    return ["adapt", "--checkpoint", str(checkpoint), "--workers", "1", "--no-tracking",
            *settings(QUICK), *more]  # fmt: skip


def test_from_meta_training_to_a_score(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    peers = ("scratch", "unadapted", "dynamic", "ngram")
    options = [part for name in peers for part in ("--baseline", name)]
    result = run_json(adapt(trained, "--target", TARGET, "--shots", "1", "--draws", "2",
                            "--output", "out", *options), capsys)  # fmt: skip
    assert (result["kind"], result["figure"], result["better"]) == (PRODUCT, "bpc", "lower")
    assert set(result["baselines"]) == set(peers)
    assert result["baselines"]["ngram"]["mean"] < result["baselines"]["unadapted"]["mean"] - 1
    first = result["draws"][0]
    assert (first["support_segments"], first["support_characters"]) == (10, 1000)
    assert first["bits_per_byte"] < first["bpc"]  # some characters have several bytes
    score = run_json(["evaluate", "out", "--target", TARGET], capsys)
    assert score["mean"] == pytest.approx(first["bpc"], abs=0.001)
    assert score["characters"] == 5000
    known = load_model(Path("out/language-model"), PRODUCT).about
    assert known["from"]["targets_excluded"] == [TARGET, "ptb-characters"]
    assert known["support"][0][1] - known["support"][0][0] == 10
    for options, problem in (
        (["--shots", "0"], "leaves no character to score"),
        (["--shots", "2"], "no document with 2,000 characters and 5,000 behind them"),
        (["--shots", "1", "--tune", "prototypes"], "tune 'prototypes' is unknown"),
        (["--shots", "1", "--set", "ngram.order=0"], "ngram.order is 0"),
    ):
        line = refused(adapt(trained, "--target", TARGET, *options), capsys)
        assert problem in line, options
    line = refused(adapt(trained, "--target", "wikitext-2", "--shots", "1"), capsys)
    assert "was meta-trained on wikitext-2's family" in line


def test_a_text_of_the_users_own(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("my.txt").write_text(prose(6_500, 3))
    Path("later.txt").write_text(prose(1_234, 4))
    result = run_json(adapt(trained, "--train", "my.txt", "--output", "model"), capsys)
    assert (result["mean"], len(result["draws"])) == (None, 1)
    assert result["draws"][0]["support_characters"] == 6500

    found = run_json(["predict", "model", "later.txt", "my.txt"], capsys)["files"]
    assert [each["characters"] for each in found] == [1234, 6500]
    score = run_json(["evaluate", "model", "--target", "later.txt"], capsys)
    assert score["mean"] == pytest.approx(found[0]["bpc"], abs=0.001)
    assert main(["predict", "model", "later.txt"]) == 0
    assert capsys.readouterr().out == f"later.txt\t{found[0]['bpc']:.3f}\t1234\n"
    assert main(["predict", "model", "later.txt", "--output", "bits.tsv"]) == 0
    assert Path("bits.tsv").read_text().splitlines()[0] == "file\tbpc\tcharacters"

    sample = ["predict", "model", "later.txt", "--sample", "20", "--temperature", "0.7"]
    capsys.readouterr()
    assert main([*sample, "--seed", "5", "--output", "more.txt"]) == 0
    assert "20 characters behind each of 1 files" in capsys.readouterr().out
    written = Path("more.txt").read_text()
    assert len(written) == 21
    assert run_json([*sample, "--seed", "5"], capsys)["samples"]["later.txt"] == written[:-1]
    twice = [*sample[:3], *sample[2:], "--seed", "5"]  # a text for each file that is named
    assert main([*twice, "--output", "twice.txt"]) == 0
    assert "20 characters behind each of 2 files" in capsys.readouterr().out
    assert Path("twice.txt").read_text() == 2 * written
    assert run_json([*sample, "--seed", "6"], capsys)["samples"]["later.txt"] != written[:-1]

    scored = run_json(adapt(trained, "--train", "my.txt", "--test", "later.txt", "--draws", "1",
                            "--output", "scored"), capsys)  # fmt: skip
    assert scored["mean"] == pytest.approx(found[0]["bpc"], abs=0.001)
    begun = run_json(adapt(trained, "--target", "my.txt", "--shots", "1", "--draws", "1",
                           "--output", "begun"), capsys)  # fmt: skip
    again = run_json(["evaluate", "begun", "--target", "my.txt"], capsys)
    assert again["mean"] == pytest.approx(begun["mean"], abs=0.001)
    assert again["characters"] == 5000


def test_training_on_all_of_a_text(capsys: pytest.CaptureFixture[str]) -> None:
    for name, size in (("train", 4_150), ("dev", 900), ("test", 700)):
        Path(f"{name}.txt").write_text(prose(size, size))
    files = "train=train.txt,devel=dev.txt,test=test.txt"
    small = settings(["model.lstm.hidden=4", "model.lstm.meta=3", "model.lstm.z=3", "model.row=5",
                      "model.context=10", "train.epochs=2", "train.batch=3"])  # fmt: skip
    result = run_json(["train", "--task", files, "--kind", PRODUCT, "--no-tracking", "--output",
                       "out", *small], capsys)  # fmt: skip
    assert (result["figure"], result["better"]) == ("bpc", "lower")
    (task,) = result["tasks"].values()
    assert task["items"] == 9  # rows of five hundred characters
    found = run_json(["evaluate", task["model"], "--target", files], capsys)
    assert found["characters"] == 700
    assert found["mean"] == pytest.approx(task["test"]["bpc"], abs=0.001)
    assert load_model(Path(task["model"]), PRODUCT).about["test_bpc"] == task["test"]["bpc"]
    line = refused(["train", "--task", TARGET, "--no-tracking", *small], capsys)
    assert "has no splits of its own to train on; give ptb, or files as" in line
    alone = run_json(["train", "--task", "train.txt", "--kind", PRODUCT, "--no-tracking",
                      "--output", "alone", *small], capsys)  # fmt: skip
    assert alone["mean"] is None
    (task,) = alone["tasks"].values()
    whole = ["evaluate", task["model"], "--target", "train.txt"]
    line = refused(whole, capsys)
    assert "has learned from all of train, and nothing follows to be scored; use --split" in line
    assert run_json([*whole, "--split", "train"], capsys)["characters"] == 4150
    line = refused(["predict", "absent", "train.txt", "--sample", "5"], capsys)
    assert "absent: holds no model (there is no such folder)" in line
    assert any("has no devel split" in note for note in alone["notes"])


def test_what_cannot_be_done_is_said_in_a_line(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("my.txt").write_text(prose(1_500, 3))
    Path("other").mkdir()
    Path("other/my.txt").write_text(prose(1_500, 4))
    Path("bad.txt").write_bytes(b"one\nt\xffo\n")
    Path("folder").mkdir()
    assert main(adapt(trained, "--train", "my.txt", "--output", "model", "--quiet", "--json")) == 0
    before = Path("my.txt").read_text()
    for arguments, problem in (
        (["predict", "model", "bad.txt"], "bad.txt:2: is not UTF-8; save it as UTF-8"),
        (["predict", "model", "absent.txt"], "cannot be read"),
        (["predict", "model", "my.txt", "--seed", "3"], "--seed goes with --sample N"),
        (["predict", "model", "my.txt", "--sample", "0"], "--sample is 0; use 1 to 100000"),
        (["predict", "model", "my.txt", "--sample", "5", "--temperature", "-1"], "use 0 or more"),
        (["predict", "model", "my.txt", "--sample", "5", "--seed", "-1"], "--seed is -1"),
        (["predict", "model", "my.txt", "--horizon", "5"], "--horizon is for forecasting"),
        (["predict", str(trained / "checkpoint"), "my.txt"], "is a checkpoint"),
        (["evaluate", "model", "--target", TARGET], "the model was adapted to my"),
        (["evaluate", "model", "--target", "other/my.txt"], "or --split train to score all of"),
        (adapt(trained, "--train", "my.txt", "--shots", "2"), "asks for 2,000 characters"),
        (adapt(trained, "--target", "my.txt", "--shots", "1"), "no document with 1,000"),
        (adapt(trained, "--train", "bad.txt", "--kind", PRODUCT), "bad.txt:2: is not UTF-8"),
        (adapt(trained, "--train", "folder", "--kind", PRODUCT), "has no .txt file in it"),
        (adapt(trained, "--train", "absent.txt", "--kind", PRODUCT), "there is no such file"),
        (["meta-train", "--tasks", "characters", "--algorithm", "protonet"], "text has none"),
        (["meta-train", "--tasks", "characters", "--set", "model.weight_drop=0.5", "--cell",
          "qrnn"], "whose gates read no state"),
        (["meta-train", "--tasks", "characters", "--set", "episodes.shots_low=9"], "above"),
    ):  # fmt: skip
        assert problem in refused(arguments, capsys), arguments
    assert Path("my.txt").read_text() == before


def test_what_is_known_of_texts_without_reading_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["tasks", "list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (suite,) = [each for each in found["suites"] if each["name"] == "characters"]
    assert (suite["kind"], suite["tasks"], suite["at_hand"]) == (PRODUCT, 2, 2)
    (target,) = [each for each in found["targets"] if each["name"] == TARGET]
    assert target["segments"] == {"train": 12578, "devel": None, "test": 50}
