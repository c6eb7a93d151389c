"""A tiny suite of hand-made tasks, tiny sizes, and what else the tests here share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from fewshot_metalstm.data.digests import sha256
from fewshot_metalstm.encoders.training import EncodedVectorsConfig
from fewshot_metalstm.kinds.tagging.corpora.sentence import Corpus, Sentence
from fewshot_metalstm.kinds.tagging.episodes.load import LoadedSuite, apply_rules
from fewshot_metalstm.kinds.tagging.episodes.task import Task
from fewshot_metalstm.kinds.tagging.tagger.encoding import Batch, WordTable
from fewshot_metalstm.kinds.tagging.tagger.learner import Tagger
from fewshot_metalstm.kinds.tagging.tagger.model import CHECKPOINT, TaggerModel, new_tagger
from fewshot_metalstm.kinds.tagging.tagger.network import TaggerConfig
from fewshot_metalstm.kinds.tagging.training.recipe import (
    EpisodesConfig,
    MetaTrainConfig,
    ValidationConfig,
)
from fewshot_metalstm.meta.algorithm import InnerConfig
from fewshot_metalstm.meta.joint import JointConfig
from fewshot_metalstm.meta.learner import Params
from fewshot_metalstm.meta.outer import OuterConfig
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig
from fewshot_metalstm.nn.pieces import WordPieces
from fewshot_metalstm.nn.vectors import Subwords, WordVectors

PLAIN = ("the", "a", "we", "saw", "of", "in", "with", "and", "was", "for", ".", ",", "cell")

TAGGER = TaggerConfig(lstm=MetaLSTMConfig(hidden=8, meta=4, z=5), filters=6)
CONFIG = MetaTrainConfig(
    tasks="tiny",
    episodes=EpisodesConfig(shots_low=2, shots_high=3, query=6),
    vectors=EncodedVectorsConfig(size=8, epochs=1, min_count=1, buckets=50),
    tagger=TAGGER,
    joint=JointConfig(steps=4, batch=4),
    inner=InnerConfig(steps=2),
    outer=OuterConfig(steps=4, meta_batch=2, lr=0.01, validate_every=2),
    validation=ValidationConfig(episodes=3, shots=2, query=6),
)


def sentences(number: int, types: Sequence[str], seed: int) -> tuple[Sentence, ...]:
    """Distinct sentences; two thirds hold one or two mentions of one, two or four tokens."""
    rng = np.random.default_rng(seed)
    made: dict[tuple[str, ...], Sentence] = {}
    while len(made) < number:
        tokens: list[str] = [f"w{int(rng.integers(1000))}"]
        tags = ["O"]
        for _ in range(int(rng.integers(3))):
            kind = types[int(rng.integers(len(types)))]
            length = int(rng.choice([1, 2, 4]))
            tokens += [f"{kind.lower()}{int(rng.integers(9))}-{i}" for i in range(length)]
            inner = ["I"] * (length - 2)
            letters = "S" if length == 1 else ["B", *inner, "E"]
            tags += [f"{letter}-{kind}" for letter in letters]
            extra = [str(w) for w in rng.choice(PLAIN, int(rng.integers(1, 4)))]
            tokens += extra
            tags += ["O"] * len(extra)
        made[tuple(tokens)] = Sentence(tuple(tokens), tuple(tags))
    return tuple(made.values())


def task(
    name: str, types: Sequence[str] = ("X",), sizes: tuple[int, int, int] = (40, 25, 20)
) -> Task:
    """A task of a family of its own."""
    seed = int(sha256(name.encode())[:7], 16)
    splits = {
        split: sentences(number, types, seed + i)
        for i, (split, number) in enumerate(zip(("train", "devel", "test"), sizes, strict=True))
        if number
    }
    digests = {split: sha256(f"{name}{split}".encode()) for split in splits}
    corpus = Corpus(name, f"{name}-family", tuple(sorted(types)), splits, digests)
    return Task(name, corpus, corpus.types)


TARGET = task("goal", ("Gene", "Drug"))


def suite() -> LoadedSuite:
    """Three tasks, one with two types; two for validation; cleared of :data:`TARGET`."""
    train = [task("alpha", ("Cell",)), task("beta", ("Drug",)), task("gamma", ("Gene", "Site"))]
    validation = [task("alpha", ("Cell",)), task("delta", ("Organ",))]
    return apply_rules("tiny", train, validation, [TARGET])


def vectors(words: Sequence[str], size: int = 8, *, subwords: bool = True) -> WordVectors:
    """Random vectors."""
    rng = np.random.default_rng(3)
    matrix = rng.normal(size=(len(words), size)).astype(np.float16)
    buckets = rng.normal(size=(20, size)).astype(np.float16)
    return WordVectors(
        tuple(words), matrix, Subwords(buckets, 2, 3) if subwords else None, source="random"
    )


def pieces(size: int = 4) -> WordPieces:
    """Pieces of one character with random vectors."""
    letters = "abcdefghijklmnopqrstuvwxyz0123456789-"
    known = ("[UNK]", *letters, *(f"##{c}" for c in letters))
    matrix = np.random.default_rng(4).normal(size=(len(known), size)).astype(np.float16)
    return WordPieces(known, matrix, 0, lower=True, source="random pieces")


def with_pieces(types: int = 1, kind: str = CHECKPOINT) -> TaggerModel:
    """As :func:`model`, with pieces beside the word vectors."""
    made = model(types, kind)
    known = replace(made.vectors, pieces=pieces())
    return replace(made, vectors=known, learner=new_tagger(TAGGER, known, made.alphabet, 7, types))


def model(types: int = 1, kind: str = CHECKPOINT, *, subwords: bool = True) -> TaggerModel:
    """A tagger with fresh weights."""
    known = vectors(PLAIN, subwords=subwords)
    alphabet = tuple("abcdefghij0123456789-É日")
    learner = new_tagger(TAGGER, known, alphabet, 7, types)
    names = tuple(f"T{i}" for i in range(types)) if kind != CHECKPOINT else ()
    return TaggerModel(learner, known, alphabet, names, kind, {"suite": "tiny", "note": "é"})


def double(batch: Batch) -> Batch:
    """The batch in double precision."""
    return replace(batch, vectors=batch.vectors.double(), case=batch.case.double())


def encoded(table: WordTable, given: Sequence[Sentence], types: Sequence[str]) -> Batch:
    """Sentences as one batch."""
    return table.batch(table.encode(given, types))


def same(a: Params, b: Params) -> bool:
    """Whether two sets of parameters are equal to the last bit."""
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def own(learner: Tagger) -> Params:
    """A copy of a tagger's parameters."""
    return {name: value.detach().clone() for name, value in learner.named_parameters()}


def digests(folder: Path) -> dict[str, str]:
    """Of every file below a folder."""
    files = [f for f in sorted(folder.rglob("*")) if f.is_file()]
    return {str(f.relative_to(folder)): sha256(f.read_bytes()) for f in files}
