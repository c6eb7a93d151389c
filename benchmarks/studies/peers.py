"""Rows of a study that are no model of this package: each learns what `train` would learn from.

``peer: NAME`` in a row is one of :data:`PEERS`: ``crf``, a CRF on hand-made features, for tagging;
``tfidf``, TF-IDF with logistic regression, and ``fasttext``, fastText's classifier, for
classification; ``ngram``, interpolated Kneser-Ney over six bytes, for language models. What is
learned from are the same items as the other rows have with the same seed.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fewshot_metalstm.accuracy import compare
from fewshot_metalstm.config import resolve
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.figure import Score
from fewshot_metalstm.kinds import registry
from fewshot_metalstm.kinds.classification.settings import TfidfConfig
from fewshot_metalstm.kinds.classification.tfidf import lowered, predict
from fewshot_metalstm.kinds.language_model.ngram import alone
from fewshot_metalstm.kinds.language_model.settings import NgramConfig
from fewshot_metalstm.kinds.tagging.adapt.crf_baseline import CrfConfig, tag_all, train_crf
from fewshot_metalstm.kinds.tagging.tagger.scoring import scored
from fewshot_metalstm.train.items import items_of
from fewshot_metalstm.writing import write_text

Learned = Callable[[str], Score]  # the score on a split


def run(
    peer: str, sources: Sequence[str], settings: Sequence[str], seed: int, folder: Path,
    data: Path | None = None,
) -> None:  # fmt: skip
    """Learn each task by itself, score it, and write ``report.json`` as `train` has it.

    Args:
        sources: of the tasks, as `train --task` takes them.
        settings: as ``--set`` takes them; those that say what is learned from count.
        data: folder of the corpora; else where they are usually.

    Raises:
        UserError: there is no such peer, it is for another kind of task, or is not installed.
    """
    if peer not in PEERS:
        raise UserError(f"there is no peer {peer!r}; there are {', '.join(PEERS)}")
    wanted, learn = PEERS[peer]
    kind = registry.of_target(sources[0], None)
    if kind.name != wanted:
        raise UserError(f"the peer {peer} is for {wanted}, and {sources[0]} is {kind.name}")
    made = kind.supervised_settings()
    assert made is not None, kind.name
    config = resolve(made, None, settings, {"tasks": list(sources), "seed": seed})
    loaded = [kind.load_target(source, data_dir=data) for source in sources]
    source = kind.supervised_source(config, loaded)
    figure = source.figure
    began = time.perf_counter()
    tasks: dict[str, Mapping[str, Any]] = {}
    for task in source.tasks:
        items = items_of(task, config.train, kind.items, seed)
        learned = learn(task, items.train, seed)
        splits = [split for split in ("devel", "test") if task.sizes.get(split)]
        tasks[task.name] = {split: {figure.key: learned(split).value} for split in splits}
    report = {
        "tasks": tasks, "figure": figure.key, "epoch": "", "steps": "", "skipped_steps": 0,
        "parameters": "", "seconds": round(time.perf_counter() - began, 1),
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    write_text(json.dumps(report, indent=2) + "\n", folder / "report.json")


def _crf(task: Any, items: Sequence[int], seed: int) -> Learned:
    """The CRF of `adapt --baseline crf`."""
    del seed
    train = task.split("train")
    chain = train_crf([train[i] for i in items], CrfConfig())

    def score(split: str) -> Score:
        gold = task.split(split)
        return scored(task.types, [s.tags for s in gold], tag_all(chain, [s.tokens for s in gold]))

    return score


def _tfidf(task: Any, items: Sequence[int], seed: int) -> Learned:
    """The TF-IDF of `adapt --baseline tfidf`."""
    train = task.splits["train"].at(items)

    def score(split: str) -> Score:
        wanted = task.splits[split]
        found = predict(train.texts, train.labels, wanted.texts, TfidfConfig(), seed)
        return compare(wanted.labels, found, task.classes)

    return score


def _fasttext(task: Any, items: Sequence[int], seed: int) -> Learned:
    """Words and pairs of words of 50 numbers, 10 passes at a rate of 0.5, on one thread."""
    try:
        import fasttext
    except ImportError:
        raise UserError(
            "the peer fasttext is not installed; type `pip install fasttext-wheel`"
        ) from None
    train = task.splits["train"].at(items)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.txt"
        lines = zip(train.texts, train.labels.tolist(), strict=True)
        path.write_text("".join(f"__label__{label} {_line(text)}\n" for text, label in lines))
        model = fasttext.train_supervised(
            str(path), dim=50, epoch=10, lr=0.5, wordNgrams=2, thread=1, seed=seed, verbose=0
        )

    def score(split: str) -> Score:
        import numpy as np

        wanted = task.splits[split]
        # Its own `predict` wants an older NumPy.
        best = [model.f.predict(f"{_line(text)}\n", 1, 0.0, "strict") for text in wanted.texts]
        found = np.array([int(one[0][1].removeprefix("__label__")) if one else 0 for one in best])
        return compare(wanted.labels, found, task.classes)

    return score


def _ngram(task: Any, items: Sequence[int], seed: int) -> Learned:
    """The n-grams of `adapt --baseline ngram`, with no network beside them."""
    del seed
    learned = [task.spans["train"][i] for i in items]
    return lambda split: alone(NgramConfig(), task.task, learned, task.spans[split])


def _line(text: str) -> str:
    return " ".join(lowered(text))


PEERS: Mapping[str, tuple[str, Callable[[Any, Sequence[int], int], Learned]]] = {
    "crf": ("tagging", _crf), "tfidf": ("classification", _tfidf),
    "fasttext": ("classification", _fasttext), "ngram": ("language-model", _ngram),
}  # fmt: skip
