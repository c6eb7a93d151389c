"""Full recipes, in small: that their settings are known, and that a run goes through with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from fewshot_metalstm.config import resolve
from fewshot_metalstm.kinds.language_model.model import PRODUCT, load_model
from fewshot_metalstm.kinds.language_model.supervised import LanguageSupervisedConfig
from fewshot_metalstm.nn.recurrent import stack_outputs
from tests.cli.builders import run_json

RECIPES = sorted((Path(__file__).parents[2] / "benchmarks" / "recipes").glob("*.yaml"))
TINY = (
    "train.epochs=2",
    "train.batch=2",
    "model.lstm.hidden=3",
    "model.embedding=4",
    "model.row=1",
)


def test_layers_are_as_large_as_the_sources() -> None:
    found = {}
    for path in RECIPES:
        model = resolve(LanguageSupervisedConfig, path, [], {}).model
        found[path.stem] = (model.layers, stack_outputs(model.embedding, model.lstm, model.layers))
    assert found == {"enwik8": (3, 1840), "ptb-characters": (3, 1000)}


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_runs(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    for name in ("train", "test"):
        Path(f"{name}.txt").write_text("some words and other words .\n" * 30)
    options = [part for each in TINY for part in ("--set", each)]
    run_json(["train", "--config", str(recipe), "--task", "train=train.txt,test=test.txt", "--kind",
              "language-model", "--output", "out", "--no-tracking", *options], capsys)  # fmt: skip
    model = load_model(Path("out") / PRODUCT, PRODUCT).learner.config
    assert (model.layers, model.tied, model.output_dropout > 0) == (3, True, True)
