"""The model card: front matter that parses, and figures of this checkpoint alone."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from fewshot_metalstm.config import as_mapping, resolve
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.shipping.card import OWN, card, command, figures
from fewshot_metalstm.kinds.tagging.tagger.model import save_model
from fewshot_metalstm.kinds.tagging.training.recipe import MetaTrainConfig
from fewshot_metalstm.sweep.store import FORMAT
from tests.pretrained.builders import checkpoint


def cell(sweep: Path, target: str, method: str, draw: int, f1: float | None, sha: str) -> None:
    folder = sweep / "cells"
    folder.mkdir(parents=True, exist_ok=True)
    stored = {
        "format": FORMAT,
        "settings": {"target": target, "shots": 10, "method": method, "draw": draw,
                     "checkpoint": {"model.safetensors": sha} if sha else {}},
        "result": {"score": None if f1 is None else {"f1": f1}},
    }  # fmt: skip
    (folder / f"{target}-10-{method}-{draw}.json").write_text(json.dumps(stored))


def front(page: str) -> dict[str, Any]:
    start, matter, _ = page.split("---\n", 2)
    assert start == ""
    found = yaml.safe_load(matter)
    assert isinstance(found, dict)
    return found


def test_what_a_card_says(tmp_path: Path) -> None:
    save_model(checkpoint(), tmp_path / "tiny")
    page = card(tmp_path / "tiny", "tiny")
    assert front(page)["license"] == "cc-by-4.0"
    assert front(page)["pipeline_tag"] == "token-classification"
    for part in (
        "# fewshot-metalstm: tiny", "--checkpoint tiny", "| BioNLP09 | CC BY 4.0 | Kim et al.",
        f"`{'ab' * 8}`", "Crichton et al. (2017)", "seed 3", "meta-trained (fomaml)",
        "chosen by meta-validation, at outer step 4: F1 51.50",
        "learned from the families BioNLP09", "test split of linnaeus", "English",
        "None were given", "`vocabulary.json`: `",
    ):  # fmt: skip
        assert part in page, part
    assert page == card(tmp_path / "tiny", "tiny")
    for number, line in enumerate(page.splitlines()):
        assert line == line.rstrip(), number


def test_joint_training_has_no_outer_step(tmp_path: Path) -> None:
    save_model(checkpoint(algorithm="joint", outer_step=0), tmp_path / "tiny")
    page = card(tmp_path / "tiny", "tiny")
    assert "trained on all tasks of the suite `tiny` jointly" in page
    assert "- after joint training: F1 51.50 on held-out splits" in page
    assert "outer step" not in page


def test_a_synthetic_one_says_so(tmp_path: Path) -> None:
    save_model(checkpoint(synthetic=True, corpora={"demo-genes": {}}), tmp_path / "tiny")
    page = card(tmp_path / "tiny", "tiny")
    assert front(page)["license"] == "mit"
    assert "**The suite is synthetic" in page
    assert "MIT, written for this project" in page


def test_figures_of_a_sweep(tmp_path: Path) -> None:
    for draw, f1 in enumerate((50.0, 60.0)):
        cell(tmp_path, "linnaeus", "mine", draw, f1, "me")
        cell(tmp_path, "linnaeus", "scratch", draw, f1 - 20, "me")
        cell(tmp_path, "linnaeus", "crf", draw, f1 - 30, "")
        cell(tmp_path, "linnaeus", "joint", draw, f1 + 5, "other")
    cell(tmp_path, "unscored", "mine", 0, None, "me")
    rows = [(r.method, r.f1.split()[0]) for r in figures(tmp_path, {"me"}).rows]
    assert rows == [(OWN, "55.00"), ("crf", "25.00"), ("joint", "60.00"), ("scratch", "35.00")]
    assert "±" in figures(tmp_path, {"me"}).rows[0].f1
    with pytest.raises(UserError, match="none of its figures is of this checkpoint"):
        figures(tmp_path, {"somebody"})
    (tmp_path / "cells" / "z.json").write_text("{}")
    with pytest.raises(UserError, match=r"z\.json: is no cell of a sweep"):
        figures(tmp_path, {"me"})
    with pytest.raises(UserError, match="none of its figures"):
        figures(tmp_path / "cells", {"me"})


def test_figures_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    row = {"target": "linnaeus", "shots": 0, "method": "a", "f1": {"mean": 61.2, "ci95": None}}
    path.write_text(json.dumps({"rows": [row, {**row, "f1": None}], "note": "Of a sibling."}))
    found = figures(path, set())
    assert [(r.f1, r.shots) for r in found.rows] == [("61.20", 0)]
    save_model(checkpoint(), tmp_path / "tiny")
    page = card(tmp_path / "tiny", "tiny", path)
    assert "| linnaeus | all | a | 61.20 |" in page
    assert "Of a sibling." in page
    for content in ("[]", "{", '{"rows": [{"f1": 3}]}', '{"rows": [{}]}', "\xff"):
        path.write_text(content, encoding="latin-1")
        with pytest.raises(UserError, match=r"report\.json: holds no rows of figures"):
            figures(path, set())
    with pytest.raises(UserError, match="cannot be read"):
        figures(tmp_path / "absent.json", set())


@pytest.mark.parametrize(
    "overrides",
    [
        ("tasks=demo", "algorithm=maml", "order=2", "truncate=1"),
        ("tasks=bionlp", "algorithm=joint", "joint.steps=9", "outer.steps=0"),
        ("tasks=mtl-bio", "exclude=[a, b]", "seed=5", "outer.lr=0.002", "inner.noise=false"),
    ],
)
def test_the_command_gives_the_settings_again(overrides: tuple[str, ...]) -> None:
    from fewshot_metalstm.cli.meta_train import meta_train
    from fewshot_metalstm.kinds.tagging.training.recipe import preset, settled
    from fewshot_metalstm.meta.budget import joint_preset

    config = resolve(MetaTrainConfig, None, overrides, {})
    words = shlex.split(command(as_mapping(config)))
    assert words[:2] == ["fewshot-metalstm", "meta-train"]
    with meta_train.make_context("meta-train", words[2:]) as context:
        given = context.params
    named = {name: given[name] for name in ("tasks", "algorithm", "seed")}
    named["exclude"] = list(given["exclude"]) or None
    base = (*preset(given["tasks"], given["algorithm"]), *joint_preset(config))
    again = settled(resolve(MetaTrainConfig, None, given["overrides"], named, base=base))
    assert again == config
