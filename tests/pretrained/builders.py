"""Tiny checkpoints in the place of those that ship."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fewshot_metalstm.kinds.tagging.corpora.sentence import Corpus
from fewshot_metalstm.kinds.tagging.episodes.task import Task
from fewshot_metalstm.kinds.tagging.tagger.heads import SourceHead
from fewshot_metalstm.kinds.tagging.tagger.model import TaggerModel, new_tagger, save_model
from fewshot_metalstm.nn.vectors import Subwords, WordVectors
from tests.kinds.tagging.tagger.builders import TAGGER, model, task

BIONLP: dict[str, Any] = {"families": ["BioNLP09"], "targets_excluded": ["linnaeus"]}
EVERY: dict[str, Any] = {"families": ["BioNLP09", "linnaeus"], "targets_excluded": ["demo-methods"]}


def checkpoint(words: int = 40, **about: Any) -> TaggerModel:
    """A checkpoint with fresh weights that says where it came from; real text, as it were."""
    rng = np.random.default_rng(5)
    vectors = WordVectors(
        tuple(f"word{i}" for i in range(words)),
        rng.normal(size=(words, 16)).astype(np.float16),
        Subwords(rng.normal(size=(30, 16)).astype(np.float16), 3, 5), "random",
    )  # fmt: skip
    alphabet = tuple("abcdefghijklmnopqrstuvwxyz0123456789-")
    about = {
        "suite": "tiny", "synthetic": False, "algorithm": "fomaml", "seed": 3, "outer_step": 4,
        "validation_f1": 51.5, "corpora": {"BioNLP09": {"train": "ab" * 32}}, **BIONLP, **about,
    }  # fmt: skip
    learner = new_tagger(TAGGER, vectors, alphabet, 7)
    return replace(model(), learner=learner, vectors=vectors, alphabet=alphabet, about=about)


def with_heads(made: TaggerModel, types: Mapping[str, Sequence[str]]) -> TaggerModel:
    """The checkpoint with random heads of source tasks that have these types."""
    generator = torch.Generator().manual_seed(11)
    heads = tuple(
        SourceHead(task, name, {
            n: torch.randn(getattr(made.learner, n).shape, generator=generator)
            for n in made.learner.head()
        }) for task, names in types.items() for name in names
    )  # fmt: skip
    return replace(made, heads=heads)


def ship(folder: Path, **checkpoints: TaggerModel) -> Path:
    """Save checkpoints below ``folder``; ``mtl_bio`` stands for the name ``mtl-bio``."""
    for name, made in checkpoints.items():
        save_model(made, folder / name.replace("_", "-"))
    return folder


def target(name: str, family: str | None = None, *, synthetic: bool = False) -> Task:
    """A task whose corpus has this name."""
    made = task(name)
    corpus: Corpus = replace(made.corpus, family=family or name, synthetic=synthetic)
    return Task(name, corpus, made.types)
