"""``fewshot-metalstm compress`` as a user runs it, on a tiny tagger."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from fewshot_metalstm.cli.main import main
from fewshot_metalstm.compress.combining import MOST_COLUMNS
from fewshot_metalstm.data.digests import sealed
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds import registry
from fewshot_metalstm.kinds.tagging.tagger.model import (
    FORMAT_VERSION,
    TAGGER,
    load_model,
    save_model,
)
from tests.cli.builders import refused, run_json
from tests.compress.builders import saved, written
from tests.kinds.tagging.tagger.builders import model

FEW = ["--set", "retrain.min_steps=6", "--passes", "1"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tagger, annotated text, and what `compress` made of them with everything on."""
    place = tmp_path_factory.mktemp("compress")
    saved(place / "tagger")
    text = str(written(place / "mine.tsv"))
    assert main([
        "compress", str(place / "tagger"), "-o", str(place / "small"), "--sparsity", "0.6",
        "--columns", "4", "--conflicts", "1", "--int8", "--vectors", "3", "--train", text,
        "--test", text, "--quiet", *FEW,
    ]) == 0  # fmt: skip
    return place


def test_the_report_says_what_was_done(made: Path) -> None:
    report = json.loads((made / "small" / "report.json").read_text())
    assert report["settings"]["combining"] == {"columns": 4, "conflicts": 1.0}
    assert (
        report["non_zero"] + report["pruned_by_magnitude"] + report["pruned_as_conflicts"]
        == (report["weights"])
    )
    rows = report["matrices"]
    assert report["packed_columns"] == sum(row["packed_columns"] for row in rows)
    places = sum(row["rows"] * row["packed_columns"] for row in rows)
    assert report["utilisation"] == pytest.approx(report["non_zero"] / places, abs=1e-4)
    assert report["bytes_after"]["weights"] < report["bytes_before"]["weights"]
    assert report["bytes_after"]["all"] == sum(
        file.stat().st_size for file in (made / "small" / "tagger").iterdir()
    )
    assert (report["steps"], report["items"]) == (6, 30)
    assert None not in (report["before"], report["after"], report["after_states_int8"])
    page = (made / "small" / "report.md").read_text()
    assert f"| columns, packed columns | {report['columns']} | {report['packed_columns']} |" in page
    assert (made / "small" / "report.png").read_bytes().startswith(b"\x89PNG")


def test_it_is_used_as_any_tagger_is(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small, text = str(made / "small"), str(made / "mine.tsv")
    report = json.loads((made / "small" / "report.json").read_text())
    score = run_json(["evaluate", small, "--target", text], capsys)
    assert score["f1"] == pytest.approx(report["after"], abs=0.01)
    assert main(["predict", small, text]) == 0
    assert main(["view", small, text, "-o", str(made / "page.html"), "--quiet"]) == 0
    (made / "plain.txt").write_text("w1 saw t00-0 in the cell.\n")
    tagged = ["tag-corpus", small, str(made / "plain.txt"), "-o", str(made / "tagged")]
    assert main([*tagged, "--workers", "1", "--quiet"]) == 0


def test_a_model_that_is_loaded_and_saved_again_is_an_ordinary_one(
    made: Path, tmp_path: Path
) -> None:
    small = load_model(made / "small" / "tagger", TAGGER)
    save_model(small, tmp_path / "again")
    again = load_model(tmp_path / "again", TAGGER)
    for (name, value), other in zip(
        small.learner.named_parameters(), again.learner.parameters(), strict=True
    ):
        assert torch.equal(value, other), name
    config = json.loads((tmp_path / "again" / "config.json").read_text())
    assert "compressed" not in config


def test_without_text_it_is_pruned_and_packed_alone(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["compress", str(made / "tagger"), "-o", str(tmp_path / "small")]
    assert main([*arguments, "--quiet"]) == 0
    said = capsys.readouterr().out
    assert "Not retrained: pruning and packing alone." in said
    assert "Not scored" in said
    before = model(2, TAGGER).learner
    after = load_model(tmp_path / "small" / "tagger", TAGGER).learner
    assert torch.equal(before.head_type, after.head_type)
    left = torch.count_nonzero(dict(after.named_parameters())["lstm.basic_wx"])
    assert int(left) <= 0.4 * dict(before.named_parameters())["lstm.basic_wx"].numel()


def damaged_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def changed_config(folder: Path) -> None:
    path = folder / "config.json"
    path.write_text(path.read_text().replace('"int8": true', '"int8": false'))


def newer(folder: Path) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(sealed({**config, "format_version": 99})))


@pytest.mark.parametrize(("damage", "message"), [
    (damaged_weights, "is damaged (its SHA-256 differs)"),
    (changed_config, "is damaged or was changed"),
    (newer, f"newer than {FORMAT_VERSION}; upgrade fewshot-metalstm"),
])  # fmt: skip
def test_damage_is_found(made: Path, tmp_path: Path, damage: Any, message: str) -> None:
    shutil.copytree(made / "small" / "tagger", tmp_path / "bad")
    damage(tmp_path / "bad")
    with pytest.raises(UserError) as found:
        load_model(tmp_path / "bad", TAGGER)
    assert message in str(found.value)


def test_an_older_version_refuses_it(made: Path) -> None:
    """Its format version is above that of the model that it was made of."""
    before = json.loads((made / "tagger" / "config.json").read_text())["format_version"]
    config = json.loads((made / "small" / "tagger" / "config.json").read_text())
    assert config["format_version"] == registry.kind("tagging").compressed > before


@pytest.mark.parametrize(("arguments", "message"), [
    (["--columns", "0"], "0 is not in the range 1<=x<=16"),
    (["--columns", "17"], "17 is not in the range 1<=x<=16"),
    (["--sparsity", "1"], "1.0 is not in the range 0<=x<1"),
    (["--sparsity", "-0.1"], "not in the range"),
    (["--conflicts", "nan"], "'--conflicts'"),
    (["--columns", "1", "--sparsity", "0"], "nothing to do: give a --sparsity above 0"),
    (["--shots", "5"], "give --train FILE too"),
    (["--vectors", "99"], "has word vectors of 8 numbers, not to be kept in 99 bytes"),
    (["--train", "nowhere.tsv"], "nowhere.tsv"),
    (["--set", "retrain.rate=1"], "unknown setting retrain.rate"),
])  # fmt: skip
def test_what_cannot_be_is_one_line(
    made: Path, tmp_path: Path, arguments: list[str], message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    output = tmp_path / "small"
    line = refused(["compress", str(made / "tagger"), "-o", str(output), *arguments], capsys)
    assert message in line
    assert not (output / "tagger").exists()


def test_a_model_that_cannot_be_is_one_line(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_model(model(1), tmp_path / "checkpoint")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "other.txt").touch()
    written(tmp_path / "others.tsv", ())
    for folder, output, message in (
        (tmp_path / "full", "new", "holds no model"),
        (tmp_path, "new", "checkpoint: is a checkpoint, not a tagger"),
        (tmp_path / "checkpoint", "new", "is a checkpoint, not a tagger"),
        (made / "small", "new", "is compressed already"),
        (made / "tagger", "full", "holds a run already"),
    ):
        arguments = ["compress", str(folder), "-o", str(tmp_path / output)]
        assert message in refused(arguments, capsys)


def test_types_that_the_tagger_does_not_know_are_one_line(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other.tsv").write_text("Mice\tB-Species\ndied\tO\n")
    arguments = ["compress", str(made / "tagger"), "-o", str(tmp_path / "small")]
    line = refused([*arguments, "--train", str(tmp_path / "other.tsv")], capsys)
    assert "has the type Species, which the tagger does not know" in line


def test_the_command_knows_the_largest_group() -> None:
    from fewshot_metalstm.cli.compress import compress

    option = next(each for each in compress.params if each.name == "columns")
    assert option.type.max == MOST_COLUMNS  # type: ignore[attr-defined]


def test_its_settings_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings", "combining", "--json"]) == 0
    found = {s["name"]: s["default"] for s in json.loads(capsys.readouterr().out)["settings"]}
    assert found == {"combining.columns": 4, "combining.conflicts": 1.75}
