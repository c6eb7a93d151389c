"""Made-up texts, in memory and as files of the catalogue, and tiny settings."""

from __future__ import annotations

import bz2
import gzip
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml

from fewshot_metalstm import declarations
from fewshot_metalstm.kinds.language_model.learner import LanguageModel
from fewshot_metalstm.kinds.language_model.model import new_model
from fewshot_metalstm.kinds.language_model.settings import ModelConfig
from fewshot_metalstm.kinds.language_model.tasks import TRAIN, TextTask
from fewshot_metalstm.kinds.language_model.text import Document
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig

WORDS = ("the", "cell", "grows", "in", "a", "naïve", "medium", "of", "salt", "and", "sugar", "日本")
SMALL = ModelConfig(MetaLSTMConfig(hidden=4, meta=3, z=3), embedding=5, context=7)
TINY = [
    "model.lstm.hidden=4", "model.lstm.meta=3", "model.lstm.z=3", "model.embedding=5",
    "model.context=10", "joint.steps=3", "joint.batch=3", "outer.steps=2", "outer.meta_batch=2",
    "outer.validate_every=2", "inner.steps=1", "episodes.shots_high=1", "episodes.query=4",
    "validation.episodes=2", "validation.shots=1",
]  # fmt: skip


def prose(characters: int, seed: int) -> str:
    """Lines of words by chance, of exactly so many characters; the last ends a line."""
    rng = np.random.default_rng(seed)
    words = rng.choice(WORDS, characters)
    lines = [" ".join(words[i : i + 9]) + " .\n" for i in range(0, characters, 9)]
    return "".join(lines)[: characters - 1] + "\n"


def text_task(sizes: Sequence[int] = (700, 350), name: str = "texts") -> TextTask:
    """A target as the catalogue's are, of made-up documents."""
    documents = tuple(
        Document(f"document {number}", prose(size, number).encode())
        for number, size in enumerate(sizes)
    )
    whole = {TRAIN: tuple(range(len(documents)))}
    return TextTask(name, name, documents, whole, name, follows=True)


def language_model(config: ModelConfig = SMALL, seed: int = 0) -> LanguageModel:
    """A small language model in double precision."""
    return new_model(config, seed).double()


def declare(folder: Path, held_out: int = 6_300) -> Path:
    """Texts and declarations of theirs: a folder with ``tasks`` and ``data``; none is frozen.

    Args:
        held_out: characters of an article that is held out.
    """
    tasks, data = folder / "tasks", folder / "data"
    (tasks / "suites").mkdir(parents=True)
    wiki = {
        split: "".join(
            f" \n = {split} {number} = \n \n" + prose(size, number) for number in range(count)
        )
        for split, count, size in (("train", 3, 6300), ("valid", 2, 6300), ("test", 3, held_out))
    }
    pages = "".join(
        f"  <page>\n    <title>{title}</title>\n{prose(6300, number)}</page>\n"
        for number, title in enumerate(("A", "B", "Test 1", "C"))
    )
    spelled = "".join(
        f" {' '.join(line.replace(' ', '_'))} \n" for line in prose(31_000, 9).splitlines()
    )
    contents = {
        ("wikitext-2", "train"): wiki["train"] + " \n",
        ("wikitext-2", "devel"): wiki["valid"],
        ("wikitext-articles", "test"): wiki["test"],
        ("enwiki-pages", "train"): f"<mediawiki>\n{pages}</mediawiki>\n",
        ("ptb-characters", "test"): spelled,
    }
    catalogue = yaml.safe_load((declarations.folder() / "catalogue.yaml").read_text("utf-8"))
    for (name, split), content in contents.items():
        entry = catalogue["corpora"][name]
        file = entry["files"][split]
        place = data / entry["collection"] / file["name"]
        place.parent.mkdir(parents=True, exist_ok=True)
        whole = content.encode()
        if place.suffix == ".bz2":
            whole = bz2.compress(whole)
        file["sha256"] = hashlib.sha256(whole).hexdigest()
        place.write_bytes(gzip.compress(whole) if place.suffix == ".gz" else whole)
    (tasks / "catalogue.yaml").write_text(yaml.safe_dump(catalogue), "utf-8")
    for name in ("characters", "targets"):
        text = (declarations.folder() / "suites" / f"{name}.yaml").read_text("utf-8")
        (tasks / "suites" / f"{name}.yaml").write_text(text, "utf-8")
    return folder
