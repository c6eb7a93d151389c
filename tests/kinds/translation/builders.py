"""Made-up sentence pairs, in memory and as files of the catalogue, and tiny settings."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

import numpy as np
import yaml

from fewshot_metalstm import declarations
from fewshot_metalstm.kinds.translation.pairs import Pairs
from fewshot_metalstm.kinds.translation.settings import TranslatorConfig
from fewshot_metalstm.kinds.translation.subwords import Subwords, texts_of
from fewshot_metalstm.kinds.translation.tasks import TEST, TRAIN, TranslationTask
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig

WORDS = {"a": "ein", "dog": "Hund", "runs": "läuft", "red": "rot", "tree": "Baum", "sees": "sieht",
         "and": "und", "water": "Wasser", "big": "groß", "man": "Mann"}  # fmt: skip
SMALL = TranslatorConfig(
    MetaLSTMConfig(kind="lstm", match=False, hidden=4, meta=3, z=3), embedding=5, beam=3
)
TINY = [
    "translator.lstm.hidden=4", "translator.lstm.meta=3", "translator.lstm.z=3",
    "translator.embedding=5", "translator.beam=2", "subwords.size=300", "joint.steps=3",
    "joint.batch=4", "outer.steps=2", "outer.meta_batch=2", "outer.validate_every=2",
    "inner.steps=1", "episodes.shots_low=2", "episodes.shots_high=3", "episodes.query=2",
    "validation.episodes=2", "validation.shots=2", "validation.query=3",
]  # fmt: skip
SUITE = "translation-topics"
TOPICS = {"a": "street", "b": "snow", "c": "ball", "d": "stage", "e": "water", "f": "table"}
TARGETS = ("multi30k-snow", "multi30k-ball", "multi30k-stage", "multi30k-water")


def pairs(number: int, seed: int = 0) -> Pairs:
    """So many sentences of words by chance, each translated word by word; all are different."""
    rng = np.random.default_rng(seed)
    found: dict[str, str] = {}
    while len(found) < number:
        chosen = rng.choice(list(WORDS), int(rng.integers(2, 7)))
        found[" ".join(chosen) + "."] = " ".join(WORDS[word] for word in chosen) + "."
    return Pairs(tuple(found), tuple(found.values()))


def write_pairs(place: Path, number: int, seed: int) -> None:
    """Such pairs as files of a user's: ``.en`` and ``.de``, and both as ``.tsv``."""
    own = pairs(number, seed)
    rows = zip(own.sources, own.targets, strict=True)
    for suffix, lines in ((".en", own.sources), (".de", own.targets),
                          (".tsv", [f"{a}\t{b}" for a, b in rows])):  # fmt: skip
        place.with_suffix(suffix).write_text("".join(f"{line}\n" for line in lines), "utf-8")


def subwords(size: int = 300) -> Subwords:
    """Subwords of such sentences."""
    return Subwords.learned(texts_of([pairs(50)]), size)


def task(number: int = 40, name: str = "pairs") -> TranslationTask:
    """A target as the catalogue's are."""
    splits = {TRAIN: pairs(number, 1), TEST: pairs(6, 2)}
    return TranslationTask(name, name, splits, "en-de", name)


def declare(folder: Path) -> Path:
    """Pairs and declarations of theirs: a folder with ``tasks`` and ``data``; none is frozen."""
    tasks, data = folder / "tasks", folder / "data"
    (tasks / "suites").mkdir(parents=True)
    (tasks / "topics").mkdir()
    catalogue = yaml.safe_load((declarations.folder() / "catalogue.yaml").read_text("utf-8"))
    train = pairs(120, 3)
    for seed, name in enumerate(("multi30k", "wmt-sample")):
        for split in ("train", "devel", "test"):
            own = train if (name, split) == ("multi30k", "train") else pairs(12, 10 + seed)
            if (name, split) == ("wmt-sample", "test"):  # has a sentence of a topic
                own += Pairs((train.sources[0].upper(),), train.targets[:1])
            for side, lines in (("en", own.sources), ("de", own.targets)):
                file = catalogue["corpora"][name]["files"][f"{split}.{side}"]
                whole = "".join(f"{line}\n" for line in lines).encode()
                file["sha256"] = hashlib.sha256(whole).hexdigest()
                place = data / name / file["name"]
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(gzip.compress(whole))
    (tasks / "catalogue.yaml").write_text(yaml.safe_dump(catalogue), "utf-8")
    letters = "".join(list(TOPICS)[i % len(TOPICS)] for i in range(len(train)))
    topics = {
        "format": 1, "corpus": "multi30k", "file": "train.en", "sentences": len(train),
        "sha256": hashlib.sha256("\n".join(train.sources).encode()).hexdigest(),
        "topics": {
            letter: {"name": f"multi30k-{name}", "words": name} for letter, name in TOPICS.items()
        },
        "of_sentences": [letters[:100], letters[100:]],
    }  # fmt: skip
    (tasks / "topics" / "multi30k.json").write_text(json.dumps(topics), "utf-8")
    suite = {
        "name": SUITE, "kind": "translation", "corpus": "multi30k", "exclude": "official",
        "tasks": ["multi30k-street"], "validation": ["multi30k-table"],
    }  # fmt: skip
    (tasks / "suites" / f"{SUITE}.yaml").write_text(yaml.safe_dump(suite), "utf-8")
    text = (declarations.folder() / "suites" / "targets.yaml").read_text("utf-8")
    (tasks / "suites" / "targets.yaml").write_text(text, "utf-8")
    return folder
