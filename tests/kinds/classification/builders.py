"""Made-up reviews, in memory and as files, a small classifier, and tiny settings."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml

from fewshot_metalstm import declarations
from fewshot_metalstm.kinds.classification.model import (
    CLASSIFIER,
    ClassifierModel,
    new_checkpoint,
    new_classifier,
)
from fewshot_metalstm.kinds.classification.reviews import CLASSES
from fewshot_metalstm.kinds.classification.settings import ClassifierConfig
from fewshot_metalstm.kinds.classification.tasks import (
    ClassificationTask,
    TextSplit,
    make_task,
)
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig
from fewshot_metalstm.nn.vectors import Subwords, WordVectors

GOOD = ("fine", "lovely", "great", "superb")
BAD = ("awful", "broken", "dull", "poor")
THINGS = ("book", "film", "lamp", "shoe", "song", "pan")
DOMAINS = ("reviews-apparel", "reviews-books", "reviews-mr")
SMALL = ClassifierConfig(MetaLSTMConfig(hidden=5, meta=3, z=3), attention=4, longest=12, filters=3)
TINY = [
    "classifier.lstm.hidden=5", "classifier.lstm.meta=3", "classifier.lstm.z=3",
    "classifier.attention=4", "classifier.filters=3", "classifier.longest=12",
    "vectors.size=8", "vectors.epochs=1", "vectors.buckets=50", "vectors.min_count=1",
    "joint.steps=4", "joint.batch=4", "outer.steps=2", "outer.meta_batch=2",
    "outer.validate_every=1", "inner.steps=1", "episodes.shots_low=1", "episodes.shots_high=2",
    "episodes.query=2", "validation.episodes=2", "validation.shots=1", "validation.query=1",
]  # fmt: skip
QUICK = ["adapt.epochs=1", "adapt.min_steps=2", "scratch.epochs=1", "scratch.min_steps=2"]


def texts(number: int, seed: int) -> tuple[list[str], list[int]]:
    """Distinct reviews, and 1 for each that is good."""
    rng = np.random.default_rng(seed)
    found, labels = [], []
    for i in range(number):
        label = i % 2
        word = rng.choice(GOOD if label else BAD)
        found.append(f"this {rng.choice(THINGS)} of mine is {word} , no . {seed}{i}")
        labels.append(label)
    return found, labels


def split(number: int, seed: int = 0) -> TextSplit:
    """A split of made-up reviews."""
    found, labels = texts(number, seed)
    return TextSplit(tuple(found), np.array(labels, np.int64))


def task(name: str = "mine", train: int = 20, test: int = 10) -> ClassificationTask:
    """A task of made-up reviews."""
    splits = {"train": split(train), "test": split(test, 1)}
    return make_task(name, name, CLASSES, splits, name)


def vectors(size: int = 6) -> WordVectors:
    """Word vectors of a few words, the others of their n-grams."""
    rng = np.random.default_rng(0)
    words = (*GOOD, *BAD, "this", "is")
    subwords = Subwords(rng.normal(size=(20, size)).astype(np.float16), 2, 3)
    return WordVectors(words, rng.normal(size=(len(words), size)).astype(np.float16), subwords)


def checkpoint(
    classes: Sequence[str] = CLASSES, config: ClassifierConfig = SMALL
) -> ClassifierModel:
    """A small checkpoint with fresh weights."""
    return new_checkpoint(config, vectors(), tuple("abcdefgilmnoprstuvwy"), classes, 0)


def classifier(
    classes: tuple[str, ...] = CLASSES, config: ClassifierConfig = SMALL
) -> ClassifierModel:
    """A small adapted classifier, whose rows of the head differ."""
    import torch

    letters = tuple("abcdefgilmnoprstuvwy")
    learner = new_classifier(config, vectors(), letters, 0, len(classes))
    with torch.no_grad():
        learner.head_weight.mul_(torch.arange(len(classes)).unsqueeze(1) - 0.5)
    return ClassifierModel(learner, vectors(), letters, classes, CLASSIFIER, {"target": "mine"})


def write_csv(path: Path, rows: Sequence[Sequence[str]]) -> Path:
    """Write a table."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return path


def own_table(path: Path, number: int = 16, seed: int = 3) -> Path:
    """A user's own table of reviews, whose classes have other names."""
    found, labels = texts(number, seed)
    rows = [("review", "sentiment"), *zip(found, (["bad", "good"][i] for i in labels), strict=True)]
    return write_csv(path, rows)


def write_reviews(folder: Path) -> dict[str, dict[str, str]]:
    """Files of three made-up domains; their SHA-256 by domain and split."""
    folder.mkdir(parents=True)
    digests: dict[str, dict[str, str]] = {}
    catalogue = yaml.safe_load((declarations.folder() / "catalogue.yaml").read_text("utf-8"))
    for at, name in enumerate(DOMAINS):
        entry = catalogue["corpora"][name]
        digests[name] = {}
        for number, part in enumerate(("train", "test")):
            found, labels = texts((40, 12)[number], 10 * at + number)
            data = "".join(f"{y}\t{t}\n" for t, y in zip(found, labels, strict=True)).encode()
            (folder / entry["files"][part]["name"]).write_bytes(data)
            digests[name][part] = hashlib.sha256(data).hexdigest()
    return digests


def declare(folder: Path, digests: dict[str, dict[str, str]]) -> Path:
    """Declarations with three made-up domains, of which a fold holds out the last."""
    catalogue = yaml.safe_load((declarations.folder() / "catalogue.yaml").read_text("utf-8"))
    for name, each in digests.items():
        for part, digest in each.items():
            catalogue["corpora"][name]["files"][part] |= {"sha256": digest}
    (folder / "suites").mkdir(parents=True)
    (folder / "catalogue.yaml").write_text(yaml.safe_dump(catalogue), "utf-8")
    for path in (declarations.folder() / "suites").glob("*.yaml"):
        text = path.read_text("utf-8")
        if path.name.startswith("reviews"):
            suite = yaml.safe_load(text)
            own = DOMAINS if path.stem == "reviews" else DOMAINS[:2]
            text = yaml.safe_dump(suite | {"tasks": list(own)})
        elif path.name == "targets.yaml":
            targets = yaml.safe_load(text)
            targets["kinds"]["classification"] = {"official": list(DOMAINS)}
            text = yaml.safe_dump(targets)
        (folder / "suites" / path.name).write_text(text, "utf-8")
    return folder
