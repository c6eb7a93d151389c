"""A fine-tuned transformer: it learns, long sentences are joined again, tags are legal."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from fewshot_metalstm.adapt.work import Loaded
from fewshot_metalstm.encoders.hugging_face import digests, weights_digest
from fewshot_metalstm.encoders.subwords import Subwords
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.jobs.pool import PoolRunner
from fewshot_metalstm.kinds.tagging.adapt import transformer_baseline
from fewshot_metalstm.kinds.tagging.adapt.methods import do_cell, make_cell
from fewshot_metalstm.kinds.tagging.adapt.settings import AdaptRunConfig, SweepConfig
from fewshot_metalstm.kinds.tagging.adapt.transformer_baseline import (
    TransformerConfig,
    TransformerTagger,
    settled,
    train_transformer,
)
from fewshot_metalstm.kinds.tagging.corpora.schemes import Scheme, validate
from fewshot_metalstm.kinds.tagging.tagger.encoding import labels
from fewshot_metalstm.kinds.tagging.tagger.scoring import strict_scores
from fewshot_metalstm.sweep.run import plan_sweep, run_sweep
from fewshot_metalstm.sweep.store import SweepFolder
from tests.encoders.test_subwords import Letters
from tests.kinds.tagging.adapt.needed import tiny_bert
from tests.kinds.tagging.tagger.builders import TARGET

TRAIN = TARGET.split("train")[:12]
SUPPORT = tuple(range(12))
TYPES = ("X", "Y")


def never() -> Loaded:
    raise AssertionError("a checkpoint was asked for")


class Rows(nn.Module):
    """Scores that are a function of the subword alone."""

    def __init__(self, labels: int) -> None:
        super().__init__()
        self.rows = nn.Embedding(200, labels)
        nn.init.normal_(self.rows.weight, generator=torch.Generator().manual_seed(1))
        self.shapes: list[tuple[int, ...]] = []

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Any:
        self.shapes.append(tuple(input_ids.shape))
        return SimpleNamespace(logits=self.rows(input_ids) * attention_mask[..., None])


def rows_tagger(longest: int) -> TransformerTagger:
    return TransformerTagger(Rows(9), Subwords(Letters(), longest), TYPES, (), {})


SENTENCES = [
    ("a", "bcd", "ef", "g"), (), ("hij",), ("k", "l", "m", "nop", "q", "rst", "u", "v"), ("w", "x")
]  # fmt: skip


@pytest.mark.parametrize("longest", [5, 6, 9])
def test_sentences_of_several_windows_are_joined_again(
    longest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scores here depend on the subword alone, so that windows change nothing."""
    whole = rows_tagger(100)
    cut = rows_tagger(longest)
    monkeypatch.setattr(transformer_baseline, "SUBWORDS", 12)
    for a, b, tokens in zip(whole.scores(SENTENCES), cut.scores(SENTENCES), SENTENCES, strict=True):
        assert a.shape == (len(tokens), 9)
        assert torch.equal(a, b)
    assert whole.tag_all(SENTENCES) == cut.tag_all(SENTENCES)
    assert all(width <= longest and n * width <= 12 for n, width in cut.model.shapes)
    first = whole.model.rows.weight[[ord(token[0]) for token in SENTENCES[0]]]
    assert torch.equal(whole.scores(SENTENCES)[0], first), "the first subword of each word"


def test_the_path_is_the_best_legal_one() -> None:
    tagger = rows_tagger(100)
    names = labels(TYPES)
    tags = tagger.tag_all(SENTENCES)
    assert [len(t) for t in tags] == [len(s) for s in SENTENCES]
    greedy = [tuple(names[i] for i in scores.argmax(1)) for scores in tagger.scores(SENTENCES)]
    for path in tags:
        validate(path, Scheme.IOBES)
    assert tags != greedy
    tagger.model.rows.weight.data[ord("h")] = torch.eye(9)[names.index("S-Y")]
    assert tagger.tag_all([("h", "h")]) == [("S-Y", "S-Y")]


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def quick(bert: Path) -> TransformerConfig:
    return TransformerConfig(model=str(bert), lr=0.01, batch=4, epochs=1, min_steps=150)


@pytest.fixture(scope="module")
def tagger(quick: TransformerConfig) -> TransformerTagger:
    return train_transformer(TRAIN, TARGET.types, quick, 3)


def test_it_learns_what_it_is_shown(tagger: TransformerTagger, bert: Path) -> None:
    tags = tagger.tag_all([s.tokens for s in TRAIN])
    assert strict_scores([s.tags for s in TRAIN], tags).f1 > 95
    assert tagger.losses[-1] < tagger.losses[0] / 10
    assert len(tagger.losses) == 50
    assert tagger.about["model"] == "tiny"
    assert tagger.about["sha256"] == weights_digest(bert)


def test_a_batch_gives_what_its_sentences_alone_give(tagger: TransformerTagger) -> None:
    tokens = [s.tokens for s in TARGET.split("test")] + [TRAIN[0].tokens * 9]
    together = tagger.scores(tokens)
    for words, scores in zip(tokens, together, strict=True):
        torch.testing.assert_close(tagger.scores([words])[0], scores, rtol=1e-4, atol=1e-4)
    windows = tagger.subwords.windows(tokens[-1])
    assert len(windows) > 2
    ends = [sum(len(w.firsts) for w in windows[:n]) for n in range(len(windows) + 1)]
    parts = [tokens[-1][a:b] for a, b in pairwise(ends)]
    torch.testing.assert_close(torch.cat(tagger.scores(parts)), together[-1], rtol=1e-4, atol=1e-4)


def test_long_sentences_are_learned_from_whole(quick: TransformerConfig) -> None:
    """With windows of a few subwords every label still has its place."""
    short = replace(quick, longest=16, min_steps=250)
    tagger = train_transformer(TRAIN, TARGET.types, short, 3)
    assert tagger.subwords.room == 14
    tags = tagger.tag_all([s.tokens for s in TRAIN])
    assert strict_scores([s.tags for s in TRAIN], tags).f1 > 60


def test_it_is_a_function_of_the_seed_and_leaves_generators_alone(
    quick: TransformerConfig, tagger: TransformerTagger
) -> None:
    few = replace(quick, min_steps=6)
    state = torch.get_rng_state()
    first = train_transformer(TRAIN, TARGET.types, few, 3)
    assert torch.equal(torch.get_rng_state(), state)
    again = train_transformer(TRAIN, TARGET.types, few, 3)
    assert again.losses == first.losses
    same = zip(again.model.parameters(), first.model.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in same)
    assert train_transformer(TRAIN, TARGET.types, few, 4).losses != first.losses


def test_a_sweep_of_it_knows_its_model(
    quick: TransformerConfig, bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = shutil.copytree(bert, tmp_path / "tiny")
    monkeypatch.chdir(tmp_path)
    config = SweepConfig(
        targets=("goal",), shots=(3,), methods=("transformer",), draws=(0, 1),
        transformer=replace(quick, model="tiny", min_steps=6),
    )  # fmt: skip
    reports = []
    for workers in (1, 2):
        files = SweepFolder(tmp_path / str(workers))
        plan = plan_sweep(None, [TARGET], config, files)
        assert plan.cells[0].settings["checkpoint"] == digests(mine)
        reports.append(run_sweep(plan, files, PoolRunner(workers), retries=0))
        assert not reports[-1].failed
    one, two = (report.rows[0].draws for report in reports)
    assert {d: (r.losses, r.score) for d, r in one.items()} == {
        d: (r.losses, r.score) for d, r in two.items()
    }
    (note,) = (note for note in reports[0].notes if note.startswith("transformer: "))
    assert "model tiny, sha256 " in note
    assert ", parameters " in note
    # Another model in the place of one: its cells are refused.
    again = plan_sweep(None, [TARGET], config, files)
    assert len(again.finished) == 2
    with (mine / "vocab.txt").open("a") as file:
        file.write("more\n")
    with pytest.raises(UserError, match=r"comes from other settings \(checkpoint\.vocab\.txt: "):
        plan_sweep(None, [TARGET], config, files)


def test_a_cell_of_it_needs_no_checkpoint(quick: TransformerConfig) -> None:
    settings = AdaptRunConfig(transformer=replace(quick, min_steps=3))
    cell = make_cell("transformer", settings, 1, SUPPORT)
    result = do_cell(cell, TARGET, never)
    assert result.score is not None
    assert isinstance(result.about["parameters"], int)
    assert do_cell(replace(cell, score=False), TARGET, never).score is None


def test_what_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for config, line in (
        (TransformerConfig(batch=0), r"transformer\.batch is 0; use at least 1"),
        (TransformerConfig(epochs=0), r"transformer\.epochs is 0; use at least 1"),
        (TransformerConfig(longest=-1), r"transformer\.longest is -1; use at least 0"),
        (TransformerConfig(lr=0), r"transformer\.lr is 0; use more than 0"),
        (TransformerConfig(warmup=2), r"transformer\.warmup is 2; use 0 to 1"),
    ):
        with pytest.raises(UserError, match=line):
            settled(config)
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(UserError, match=r"pip install 'fewshot-metalstm\[transformers\]'") as error:
        make_cell("transformer", AdaptRunConfig(), 0, SUPPORT)
    assert "\n" not in str(error.value)


def test_an_empty_support_is_refused(quick: TransformerConfig) -> None:
    with pytest.raises(UserError, match="support is empty"):
        train_transformer([], TARGET.types, quick, 0)
    with pytest.raises(UserError, match=r"transformer\.longest is 2"):
        train_transformer(TRAIN, TARGET.types, replace(quick, longest=2), 0)


def test_a_loss_that_is_not_finite(monkeypatch: pytest.MonkeyPatch) -> None:
    model = nn.Linear(2, 2)
    package = SimpleNamespace(
        get_linear_schedule_with_warmup=lambda optimiser, *_: torch.optim.lr_scheduler.ConstantLR(
            optimiser
        )
    )
    monkeypatch.setattr(transformer_baseline, "transformers_package", lambda: package)
    monkeypatch.setattr(
        transformer_baseline, "_loss", lambda *_: model(torch.ones(2)).sum() * float("nan")
    )
    config = TransformerConfig(model="x", epochs=1, min_steps=0)
    with pytest.raises(UserError, match=r"loss of pass 1 is not finite at .* set a lower trans"):
        transformer_baseline._finetune(model, None, [[]], config, 0)  # type: ignore[arg-type]
