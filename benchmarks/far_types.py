"""Tasks that are far from biomedical names of genes, chemicals, species and the like.

Read from the folder that ``--data-dir`` names: ``more-ner`` (scientific
terms, elements of trials, cell lines, classes of gene regulation), ``conll2003``, ``conll2000`` and
``ud-ewt``, none of which a suite has. ``silver`` is labelled by rules, in the text of the
biomedical corpora: mutations by the form of a token, and quantities, a number and its unit.

A task is named ``CORPUS`` or ``CORPUS:TYPE+TYPE``; others are those of the catalogue. Sentences
of 3 to 120 tokens; a test sentence that equals one of train is left out.

``python -m benchmarks.far_types NAME,NAME --data-dir DATA --output FOLDER`` writes a folder for
each, with ``train.tsv`` and up to 600 test sentences, for ``sweep --targets``.
"""

from __future__ import annotations

import argparse
import gzip
import random
import re
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from fewshot_metalstm.data.suites import load_targets
from fewshot_metalstm.kinds.tagging.corpora.bad import BadAnnotations
from fewshot_metalstm.kinds.tagging.corpora.schemes import detect, to_iobes
from fewshot_metalstm.kinds.tagging.corpora.sentence import Corpus, Sentence
from fewshot_metalstm.kinds.tagging.episodes.load import load_target
from fewshot_metalstm.kinds.tagging.episodes.task import Task
from fewshot_metalstm.kinds.tagging.formats.notes import Notes
from fewshot_metalstm.kinds.tagging.formats.registry import read_documents
from fewshot_metalstm.kinds.tagging.formats.sentences import to_sentences
from fewshot_metalstm.writing import write_text

SHORTEST, LONGEST = 3, 120
ORDER = 3  # the seed of which test sentences are taken
COLUMNS = {
    "sciie": ("more-ner/sciie/train.txt", "more-ner/sciie/dev.txt more-ner/sciie/test.txt"),
    "ebm": ("more-ner/ebm-nlp/dev.txt", "more-ner/ebm-nlp/test.txt"),
    "conll2003": ("conll2003/train.txt", "conll2003/test.txt"),
    "conll2000": ("conll2000/train.txt", "conll2000/test.txt"),
}
DOCUMENTS = {
    "gro13": ("brat", "more-ner/gro13/train", "more-ner/gro13/devel"),
    "bioid": ("pubtator", "more-ner/bioid/Train.PubTator", "more-ner/bioid/Test.PubTator"),
}
SILVER = (
    "BC2GM", "AnatEM", "CRAFT", "linnaeus", "NCBI-disease", "BC5CDR", "BioNLP13CG", "BioNLP13PC",
    "Ex-PTM",
)  # fmt: skip
ACIDS = "Ala|Arg|Asn|Asp|Cys|Gln|Glu|Gly|His|Ile|Leu|Lys|Met|Phe|Pro|Ser|Thr|Trp|Tyr|Val"
LETTERS = "ACDEFGHIKLMNPQRSTVWY"
MUTATION = re.compile(
    rf"[{LETTERS}]\d{{2,4}}[{LETTERS}*X]|({ACIDS})\d+({ACIDS}|X)|\d+(ins|del)[ACGT]+|\d+[ACGT]>[ACGT]"
)
NUMBER = re.compile(r"\d+([.,]\d+)?")
UNITS = frozenset(
    [
        "mg",
        "kg",
        "ml",
        "microM",
        "mM",
        "nM",
        "min",
        "h",
        "hours",
        "days",
        "weeks",
        "years",
        "months",
        "%",
        "degrees",
        "Gy",
        "cm",
        "mm",
        "microg",
        "nmol",
        "kDa",
        "bp",
        "kb",
        "s",
        "g",
        "hr",
        "minutes",
        "year",
        "day",
        "months",
        "fold",
    ]
)


def main(arguments: Sequence[str]) -> None:
    """Read the options and write the folders."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", help="of tasks, with commas between")
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--test", type=int, default=600, help="test sentences")
    given = parser.parse_args(arguments)
    for name in given.names.split(","):
        task = load(name, given.data_dir)
        folder = given.output / name.replace(":", "-")
        folder.mkdir(parents=True, exist_ok=True)
        splits = {"train": task.split("train"), "test": some_of_test(task, given.test)}
        for split, sentences in splits.items():
            rows = (zip(s.tokens, s.tags, strict=True) for s in map(task.view, sentences))
            blocks = ("".join(f"{token}\t{tag}\n" for token, tag in row) for row in rows)
            write_text("\n".join(blocks), folder / f"{split}.tsv")


def load(name: str, data: Path) -> Task:
    """The task of this name; ``data`` is the folder with all corpora.

    An official target is as it stands, since its draws are frozen.
    """
    if name in load_targets().official:
        return load_target(name, data_dir=data)
    corpus_name, _, types = name.partition(":")
    corpus = _corpus(corpus_name, data)
    chosen = tuple(sorted(types.split("+"))) if types else corpus.types
    return Task(name, corpus, chosen)


@cache
def _corpus(name: str, data: Path) -> Corpus:
    if name in COLUMNS:
        train, test = ([s for f in files.split() for s in columns(data / f)]
                       for files in COLUMNS[name])  # fmt: skip
    elif name in DOCUMENTS:
        form, *files = DOCUMENTS[name]
        train, test = (list(documents(data / file, form)) for file in files)
    elif name == "ewt":
        train, test = (list(parts_of_speech(data / f"ud-ewt/en_ewt-ud-{part}.conllu.gz"))
                       for part in ("train", "test"))  # fmt: skip
    elif name == "silver":
        train, test = silver(data)
    else:
        splits = load_target(name, data_dir=data).corpus.splits
        train, test = list(splits["train"]), list(splits["test"])
    return made(name, train, test)


def made(name: str, train: Sequence[Sentence], test: Sequence[Sentence]) -> Corpus:
    """A corpus of two splits."""
    train = [s for s in train if SHORTEST <= len(s) <= LONGEST]
    known = {key(s) for s in train}
    test = [s for s in test if SHORTEST <= len(s) <= LONGEST and key(s) not in known]
    types = {tag[2:] for s in train for tag in s.tags if tag != "O"}
    splits = {"train": tuple(train), "test": tuple(test)}
    return Corpus(name, name, tuple(sorted(types)), splits, dict.fromkeys(splits, ""))


def key(sentence: Sentence) -> tuple[str, ...]:
    """What makes two sentences the same."""
    return tuple(token.lower() for token in sentence.tokens)


def columns(path: Path) -> Iterator[Sentence]:
    """A file of columns, tokens first and tags last, in IOB1 or IOB2."""
    text = path.read_text(encoding="utf-8")
    blocks = [
        [line.split() for line in block.splitlines() if not line.startswith("-DOCSTART-")]
        for block in re.split(r"\n\s*\n", text)
    ]
    found = [[row for row in rows if row] for rows in blocks]
    scheme = detect([[row[-1] for row in rows] for rows in found])
    for rows in found:
        if rows:
            yield Sentence(tuple(r[0] for r in rows), to_iobes([r[-1] for r in rows], scheme))


def documents(path: Path, form: str) -> Iterator[Sentence]:
    """Documents with offsets; of overlapping mentions the longest, and none that is wrong."""
    notes = Notes()
    bad = BadAnnotations("skip")
    for document in read_documents(path, form, notes=notes, bad=bad, unannotated="skip"):
        for placed in to_sentences(document, overlaps="longest", notes=notes, place=str(path)):
            yield placed.sentence


def parts_of_speech(path: Path) -> Iterator[Sentence]:
    """A file of Universal Dependencies, with every word a mention of its part of speech."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        for block in stream.read().split("\n\n"):
            rows = [line.split("\t") for line in block.splitlines() if line[:1].isdigit()]
            words = [row for row in rows if row[0].isdigit()]
            if words:
                yield Sentence(tuple(r[1] for r in words), tuple(f"S-{r[3]}" for r in words))


def silver(data: Path) -> tuple[list[Sentence], list[Sentence]]:
    """Sentences with a mutation, halved, each half with six times as many others."""
    every: dict[tuple[str, ...], Sentence] = {}
    for name in SILVER:
        for sentences in load_target(name, data_dir=data).corpus.splits.values():
            for sentence in sentences:
                every.setdefault(key(sentence), by_rule(sentence.tokens))
    order = list(every.values())
    random.Random(0).shuffle(order)
    bearing = [s for s in order if "S-Mutation" in s.tags]
    rest = [s for s in order if "S-Mutation" not in s.tags][: 6 * len(bearing)]
    half = len(bearing) // 2
    parts = bearing[:half] + rest[: 6 * half], bearing[half:] + rest[6 * half :]
    for number, part in enumerate(parts, start=1):
        random.Random(number).shuffle(part)
    return parts


def by_rule(tokens: Sequence[str]) -> Sentence:
    """A sentence with what the rules find in it."""
    tags = ["O"] * len(tokens)
    for i, token in enumerate(tokens):
        if len(token) > 3 and MUTATION.fullmatch(token):
            tags[i] = "S-Mutation"
        elif NUMBER.fullmatch(token) and i + 1 < len(tokens) and tokens[i + 1] in UNITS:
            first = i - 2 if i >= 2 and tokens[i - 1] == "." and tokens[i - 2].isdigit() else i
            tags[first : i + 2] = ["B-Quantity", *["I-Quantity"] * (i - first), "E-Quantity"]
    return Sentence(tuple(tokens), tuple(tags))


def some_of_test(task: Task, most: int) -> list[Sentence]:
    """Some test sentences, drawn at random, the same for every support."""
    every = task.split("test")
    places = list(range(len(every)))
    random.Random(ORDER).shuffle(places)
    return [every[i] for i in sorted(places[:most])]


if __name__ == "__main__":
    main(sys.argv[1:])
