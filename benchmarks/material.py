"""What the benchmarks of `predict` and `adapt` work on: a checkpoint, a support, a text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fewshot_metalstm import runs
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.corpora.demo import DEMO_TARGET
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.kinds.tagging.episodes.draws import load_draw
from fewshot_metalstm.kinds.tagging.episodes.load import load_target
from fewshot_metalstm.kinds.tagging.episodes.task import Task
from fewshot_metalstm.kinds.tagging.tagger.model import (
    CHECKPOINT,
    TaggerModel,
    new_tagger,
    save_model,
)
from fewshot_metalstm.kinds.tagging.tagger.network import TaggerConfig
from fewshot_metalstm.nn.vectors import Subwords, WordVectors

SHOTS = 50
VECTOR = 100  # the usual size
PARAGRAPH = 10  # sentences in a line of text


@dataclass(frozen=True)
class Material:
    """A target, the support of its draw 0, and a checkpoint."""

    target: Task
    support: tuple[int, ...]
    checkpoint: Path
    stand_in: bool

    def sentences(self) -> list[Sentence]:
        """The support's sentences."""
        return [self.target.split("train")[i] for i in self.support]

    def describe(self) -> dict[str, object]:
        """For a result's JSON."""
        return {
            "target": self.target.name, "shots": SHOTS, "draw": 0,
            "support_sentences": len(self.support), "checkpoint_stand_in": self.stand_in,
        }  # fmt: skip


def material(checkpoint: Path | None, folder: Path) -> Material:
    """linnaeus where its text is at hand, or else the synthetic target.

    ``checkpoint`` is one for it; without one a stand-in of the usual sizes with fresh weights is
    written to ``folder``: it costs the same time, and tags badly.
    """
    try:
        target = load_target("linnaeus")
    except UserError:
        target = load_target(DEMO_TARGET)
    support = load_draw(target, SHOTS, 0).indices
    if checkpoint is not None:
        return Material(target, support, runs.model_folder(checkpoint, "checkpoint"), False)
    save_model(stand_in(target), folder / "checkpoint")
    return Material(target, support, folder / "checkpoint", True)


def stand_in(target: Task) -> TaggerModel:
    """A checkpoint of the usual sizes that has learned nothing."""
    words = sorted({word.lower() for s in target.split("train") for word in s.tokens})
    rng = np.random.default_rng(0)
    matrix = rng.standard_normal((len(words), VECTOR)).astype(np.float16)
    buckets = rng.standard_normal((20_000, VECTOR)).astype(np.float16)
    vectors = WordVectors(tuple(words), matrix, Subwords(buckets, 3, 5), "a stand-in")
    alphabet = tuple(sorted({c for word in words for c in word + word.upper()}))
    learner = new_tagger(TaggerConfig(), vectors, alphabet, 0)
    about = {"families": [], "targets_excluded": [target.name], "algorithm": "none"}
    return TaggerModel(learner, vectors, alphabet, (), CHECKPOINT, about)


def write_text(sentences: Iterable[Sequence[str]], path: Path, together: int = 1) -> int:
    """Write sentences, ``together`` of them a line, words between blanks; how many words."""
    texts = [" ".join(tokens) for tokens in sentences]
    lines = [" ".join(texts[i : i + together]) for i in range(0, len(texts), together)]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return sum(len(text.split()) for text in texts)
