"""Taggers made of a support without a gradient step, from any checkpoint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fewshot_metalstm.adapt.finetune import AdaptConfig
from fewshot_metalstm.adapt.prototypes import PrototypesConfig
from fewshot_metalstm.adapt.target import adapt_target
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.adapt.cell import TaggingCell as Cell
from fewshot_metalstm.kinds.tagging.adapt.cell import run_cell, start_of
from fewshot_metalstm.kinds.tagging.adapt.from_support import NeighboursConfig
from fewshot_metalstm.kinds.tagging.adapt.methods import make_cell
from fewshot_metalstm.kinds.tagging.adapt.predict import Predictor
from fewshot_metalstm.kinds.tagging.adapt.settings import AdaptRunConfig
from fewshot_metalstm.kinds.tagging.adapt.tagger import score_split
from fewshot_metalstm.kinds.tagging.tagger.abstract import count_transitions, transition_scores
from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER, TaggerModel, load_model, save_model
from fewshot_metalstm.meta.protonet import ProtoNet
from tests.kinds.tagging.adapt.test_methods import joint_model
from tests.kinds.tagging.tagger.builders import TARGET, digests, model, own, same, suite
from tests.kinds.tagging.tagger.test_model import mend

SUPPORT = tuple(range(14))
TEXT = [s.tokens for s in TARGET.split("test")]
SETTINGS = AdaptRunConfig(
    shots=3, draws=1, adapt=AdaptConfig(epochs=1, min_steps=4),
    prototypes=PrototypesConfig(epochs=2, min_steps=6, lr=0.02, averages=2),
)  # fmt: skip


def checkpoint(algorithm: str) -> TaggerModel:
    """A checkpoint with what this algorithm's have; joint has source heads."""
    made = joint_model() if algorithm == "joint" else model()
    if algorithm == "protonet":
        ProtoNet().prepare(made.learner)
        with torch.no_grad():
            made.learner.get_parameter("inner.log_scale").fill_(1.2)
    about = {"algorithm": algorithm, "targets_excluded": ["goal"], "families": ["a-family"],
             "recipe": {"algorithm": algorithm}}  # fmt: skip
    if algorithm in ("joint", "nnshot", "structshot"):
        about["transitions"] = count_transitions(suite().train)
    return replace(made, about=about)


def cell_of(algorithm: str, settings: AdaptRunConfig = SETTINGS, save: Path | None = None) -> Cell:
    return make_cell(algorithm, settings, 0, SUPPORT, save)


def test_which_way_a_checkpoint_goes() -> None:
    def way(algorithm: str, tune: str = "auto", after: str = "none") -> tuple[str, str]:
        settings = replace(SETTINGS, tune=tune, prototypes=replace(SETTINGS.prototypes, tune=after))
        cell = cell_of(algorithm, settings)
        return cell.tune, type(cell.config).__name__

    made, kept = "PrototypesConfig", "NeighboursConfig"
    assert way("protonet") == ("prototypes", made)
    assert way("protonet", after="head") == ("head", made)
    assert way("protonet", "basic") == ("basic", made)
    assert way("nnshot") == way("protonet", "nnshot") == ("nnshot", kept)
    assert way("structshot") == way("joint", "structshot") == ("structshot", kept)
    assert way("joint", "prototypes") == way("fomaml", "prototypes") == ("prototypes", made)
    assert way("fomaml", "prototypes", after="all") == ("all", made)
    assert way("fomaml", after="head") == ("all", "AdaptConfig")
    assert way("nnshot", "head") == ("head", "AdaptConfig")
    assert way("joint") == ("all", "AdaptConfig")
    assert way("scratch", "nnshot") == ("all", "AdaptConfig"), "a baseline goes its own way"


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"tune": "nearest"}, "tune 'nearest' is unknown; use auto, basic, .*structshot"),
        ({"prototypes": PrototypesConfig(tune="nnshot")}, "prototypes.tune 'nnshot' is unknown"),
        ({"prototypes": PrototypesConfig(scale=-1.0)}, "prototypes.scale is -1"),
        ({"prototypes": PrototypesConfig(averages=0)}, "averages is 0"),
    ],
)
def test_settings_that_mean_nothing(settings: dict[str, object], line: str) -> None:
    with pytest.raises(UserError, match=line):
        cell_of("protonet", replace(SETTINGS, **settings))  # type: ignore[arg-type]
    for config in (NeighboursConfig(temperature=0.0), NeighboursConfig(lexicon=-1.0)):
        with pytest.raises(UserError, match=r"neighbours\.\w+ is"):
            cell_of("nnshot", replace(SETTINGS, neighbours=config))


@pytest.mark.parametrize("algorithm", ["protonet", "nnshot", "structshot"])
def test_the_saved_tagger_is_the_one_that_was_scored(tmp_path: Path, algorithm: str) -> None:
    made = checkpoint(algorithm)
    before = own(made.learner)
    result = run_cell(cell_of(algorithm, save=tmp_path / "t"), made, TARGET, made.table())
    assert same(own(made.learner), before)
    assert made.learner.neighbours is None
    assert (result.losses, result.start) == ((), {})
    assert result.seconds > 0
    read = load_model(tmp_path / "t", TAGGER)
    assert (read.learner.neighbours is not None) == (algorithm != "protonet")
    assert not any(name.startswith("inner.") for name in own(read.learner))
    again = score_split(read.learner, own(read.learner), read.table(), TARGET, "test", read.lexicon)
    assert again == result.score
    assert read.lexicon.mentions
    predictor = Predictor(tmp_path / "t", torch.device("cpu"))
    tags = predictor.tag(TEXT)
    assert [r.tags for r in predictor.read(TEXT)] == tags
    assert {name[0] for row in tags for name in row} > {"O"}
    first = digests(tmp_path / "t")
    save_model(read, tmp_path / "t")
    assert digests(tmp_path / "t") == first


def test_prototypes_take_the_learned_scale() -> None:
    made = checkpoint("protonet")
    heads = [
        start_of(cell_of("protonet", replace(SETTINGS, prototypes=config)), made, TARGET,
                 made.table()).learner.head_type
        for config in (PrototypesConfig(), PrototypesConfig(scale=2.0))
    ]  # fmt: skip
    torch.testing.assert_close(heads[0] / heads[1], torch.full((2, 4, 16), 2.718281828**1.2 / 2))
    plain = start_of(cell_of("fomaml", replace(SETTINGS, tune="prototypes")), model(), TARGET,
                     made.table()).learner.head_type  # fmt: skip
    torch.testing.assert_close(plain / heads[1], torch.full((2, 4, 16), 5.0))


def test_tuning_starts_from_the_prototypes() -> None:
    made = checkpoint("protonet")
    table = made.table()
    still = run_cell(cell_of("protonet"), made, TARGET, table)
    zero = replace(SETTINGS.prototypes, tune="head", lr=0.0)
    kept = run_cell(cell_of("protonet", replace(SETTINGS, prototypes=zero)), made, TARGET, table)
    assert kept.score == still.score
    for tune in ("basic", "head"):
        after = replace(SETTINGS.prototypes, tune=tune)
        tuned = run_cell(
            cell_of("protonet", replace(SETTINGS, prototypes=after)), made, TARGET, table
        )
        assert len(tuned.losses) > 1
        assert tuned.losses[-1] < kept.losses[-1]


def test_structshot_knows_what_follows_what() -> None:
    made = checkpoint("joint")
    starts = {
        tune: start_of(cell_of("joint", replace(SETTINGS, tune=tune)), made, TARGET, made.table())
        for tune in ("nnshot", "structshot")
    }
    assert not starts["nnshot"].learner.head_transitions.any()
    wanted = transition_scores(made.about["transitions"], 2, 0.32)
    assert torch.equal(starts["structshot"].learner.head_transitions, wanted)
    assert starts["structshot"].heads == {}, "no source head takes part"
    bare = replace(made, about={**made.about, "transitions": None})
    del bare.about["transitions"]  # type: ignore[attr-defined]
    with pytest.raises(UserError, match=r"no transitions of its source tasks.*or use nnshot"):
        start_of(cell_of("joint", replace(SETTINGS, tune="structshot")), bare, TARGET, made.table())


def test_a_support_in_several_batches_is_one_support(monkeypatch: pytest.MonkeyPatch) -> None:
    made = checkpoint("nnshot")
    results = {}
    for tune in ("nnshot", "prototypes"):
        cell = cell_of("nnshot", replace(SETTINGS, tune=tune))
        results[tune] = run_cell(cell, made, TARGET, made.table()).score
    monkeypatch.setattr("fewshot_metalstm.kinds.tagging.tagger.heads.TOKENS", 20)
    for tune, score in results.items():
        cell = cell_of("nnshot", replace(SETTINGS, tune=tune))
        assert run_cell(cell, made, TARGET, made.table()).score == score
    empty = replace(cell_of("nnshot"), support=())
    with pytest.raises(UserError, match="support is empty"):
        run_cell(empty, made, TARGET, made.table())


def test_adapt_target_saves_a_tagger_by_neighbours(tmp_path: Path) -> None:
    save_model(checkpoint("joint"), tmp_path / "c")
    config = replace(SETTINGS, tune="nnshot", baselines=("scratch",))
    config = replace(config, scratch=AdaptConfig(epochs=1, min_steps=2, averages=1))
    report = adapt_target(
        tmp_path / "c", TARGET, config, tmp_path / "out", device=torch.device("cpu"), workers=1
    )
    assert (report.method, report.tune) == ("joint", "nnshot")
    tagger = load_model(tmp_path / "out" / "tagger", TAGGER)
    assert tagger.learner.neighbours is not None
    assert tagger.about["tune"] == "nnshot"


def test_a_damaged_or_missing_file_is_refused(tmp_path: Path) -> None:
    made = checkpoint("nnshot")
    folder = tmp_path / "t"
    run_cell(cell_of("nnshot", save=folder), made, TARGET, made.table())
    states = folder / "neighbours.safetensors"
    content = states.read_bytes()
    states.write_bytes(content[:-2] + b"xx")
    with pytest.raises(UserError, match=r"neighbours\.safetensors: is damaged"):
        load_model(folder)
    states.unlink()
    with pytest.raises(UserError, match=r"neighbours\.safetensors: is missing"):
        load_model(folder)
    states.write_bytes(content)
    config = load_model(folder)
    assert config.types == TARGET.types
    mend(folder, types=["Drug"], tags=["O"])
    with pytest.raises(UserError, match="does not fit the weights"):
        load_model(folder)
