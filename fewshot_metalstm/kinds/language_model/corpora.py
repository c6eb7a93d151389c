"""The texts of the catalogue: articles, pages of a wiki as they are stored, and newspaper text.

Sources: WikiText-2, Merity, Xiong, Bradbury, Socher, "Pointer Sentinel Mixture Models", ICLR 2017;
a sample of the dump of the English Wikipedia, which enwik8 is the beginning of an older one of; the
Penn Treebank by characters, Mikolov et al., "Subword Language Modeling with Neural Networks", 2012.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from fewshot_metalstm.data import locate
from fewshot_metalstm.data.catalogue import Catalogue
from fewshot_metalstm.data.suites import Suite, kept_out
from fewshot_metalstm.data.text_files import read_catalogued
from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds.language_model.tasks import (
    DEVEL,
    KIND,
    QUERY,
    SEGMENT,
    SHOT,
    TEST,
    TRAIN,
    Exclusions,
    LoadedTexts,
    TextTask,
)
from fewshot_metalstm.kinds.language_model.text import Document

HELD_OUT = 10  # every tenth page of a task that has no devel split is one
CHUNK = 15 * SHOT * SEGMENT  # characters of a document of newspaper text: ten shots and a query
CUT = (TRAIN, DEVEL, TEST)  # the documents of a corpus whose one file holds all splits
UNKNOWN = "<unk>"  # a word that WikiText has not; a title with it says nothing
# An article's title: a line = TITLE = between two empty ones.
_TITLE = re.compile(r"(?m)^ \n(?= = [^=\n]+ = *\n \n)")
_PAGE = re.compile(r"<page>.*?</page>\n?", re.DOTALL)
_PAGE_TITLE = re.compile("<title>(.*?)</title>")


def articles(text: str) -> tuple[Document, ...]:
    """The articles of a file of WikiText: tokens with spaces between them, as it has them."""
    return tuple(
        Document(part.partition("\n")[0].strip(" ="), part.encode())
        for part in _TITLE.split(text.removesuffix(" "))
        if part.strip()
    )


def pages(text: str) -> tuple[Document, ...]:
    """The pages of a dump of a wiki, with their mark-up and what is stored of their authors."""
    found = []
    for page in _PAGE.findall(text):
        title = _PAGE_TITLE.search(page)
        found.append(Document("" if title is None else title[1], page.encode()))
    return tuple(found)


def _lines(text: str) -> Iterator[str]:
    """Lines that were spelled: characters with spaces between them, ``_`` for a space."""
    for line in text.splitlines():
        yield line.replace(" ", "").replace("_", " ") + "\n"


def whole(text: str) -> tuple[Document, ...]:
    """Newspaper text that was spelled, as one document."""
    found = "".join(_lines(text))
    return (Document("text", found.encode()),) if found else ()


def chunks(text: str) -> tuple[Document, ...]:
    """Newspaper text that was spelled, in pieces.

    A document is as many whole lines as have 15,000 characters; what is left at the end is none.
    """
    found: list[Document] = []
    lines: list[str] = []
    size = 0
    for line in _lines(text):
        lines.append(line)
        size += len(line)
        if size >= CHUNK:
            found.append(Document(f"chunk {len(found) + 1}", "".join(lines).encode()))
            lines, size = [], 0
    return tuple(found)


def beginning(text: str) -> tuple[Document, ...]:
    """The beginning of a dump of a wiki, as one document for each split: 90, 5 and 5 hundredths.

    Bytes are counted; a character that stands across a cut is in the later part.
    """
    data = text.encode()
    cuts = [0]
    for hundredths in (90, 95):
        cut = len(data) * hundredths // 100
        while cut > 0 and data[cut] & 0xC0 == 0x80:  # in the middle of a character
            cut -= 1
        cuts.append(cut)
    bounds = zip(cuts, [*cuts[1:], len(data)], strict=True)
    return tuple(
        Document(name, data[start:stop])
        for name, (start, stop) in zip(CUT, bounds, strict=True) if stop > start
    )  # fmt: skip


# By the corpora of the catalogue: how a file is cut into documents.
_READERS: Mapping[str, Callable[[str], tuple[Document, ...]]] = {
    "wikitext-2": articles,
    "wikitext-articles": articles,
    "enwiki-pages": pages,
    "ptb-characters": chunks,
    "ptb": whole,
    "enwiki": beginning,
    "enwik8": beginning,
}


def _documents(name: str, split: str, data_dir: Path | None) -> tuple[Document, ...]:
    """The documents of one file of the catalogue.

    Raises:
        UserError: it is absent, damaged or not the catalogue's.
    """
    entry = Catalogue.load(kind=KIND)[name]
    path, data = read_catalogued(entry, split, data_dir)
    found = _READERS[name](data.decode())
    if not found:
        raise at(path, None, "has no document", "copy it again")
    return found


def load_corpus(name: str, data_dir: Path | None = None) -> TextTask:
    """A corpus as a target: a support is the beginning of a document, the query follows it.

    A corpus with a train and a test file has these splits.

    Raises:
        UserError: there is no such corpus, or its files are absent, damaged or not the catalogue's.
    """
    entry = Catalogue.load(kind=KIND)[name]
    if _READERS[name] is beginning:
        documents = _documents(name, TRAIN, data_dir)
        own_split = {each.title: (number,) for number, each in enumerate(documents)}
        return TextTask(name, entry.family, documents, own_split, name)
    if {TRAIN, TEST} <= set(entry.files):
        every: list[Document] = []
        splits: dict[str, tuple[int, ...]] = {}
        for own in entry.files:
            found = _documents(name, own, data_dir)
            splits[own] = tuple(range(len(every), len(every) + len(found)))
            every += found
        return TextTask(name, entry.family, tuple(every), splits, name)
    split = TEST if TEST in entry.files else TRAIN
    documents = _documents(name, split, data_dir)
    splits = {TRAIN: tuple(range(len(documents)))}
    return TextTask(name, entry.family, documents, splits, name, follows=True)


def load_source(name: str, data_dir: Path | None = None) -> TextTask:
    """A corpus as a task to learn from: documents that are too short for an episode are left out.

    Its devel split is the file of that name, or every tenth document where there is none.
    """
    entry = Catalogue.load(kind=KIND)[name]
    least = (SHOT + QUERY) * SEGMENT
    if TRAIN not in entry.files:
        raise UserError(f"{name} is a target and has no train split; leave it out of the suite")
    train = [d for d in _documents(name, TRAIN, data_dir) if d.characters >= least]
    if DEVEL in entry.files:
        devel = [d for d in _documents(name, DEVEL, data_dir) if d.characters >= least]
    else:
        devel = train[::HELD_OUT]
        train = [d for number, d in enumerate(train) if number % HELD_OUT]
    cut = len(train)
    splits = {TRAIN: tuple(range(cut)), DEVEL: tuple(range(cut, cut + len(devel)))}
    return TextTask(name, entry.family, (*train, *devel), splits, name)


def without(task: TextTask, titles: frozenset[str]) -> tuple[TextTask, tuple[str, ...]]:
    """A task without the documents of some titles, and which those were."""
    out = {n for n, each in enumerate(task.documents) if plain(each.title) in titles}
    if not out:
        return task, ()
    left = [n for n in range(len(task.documents)) if n not in out]
    splits = {
        split: tuple(i for i, n in enumerate(left) if n in numbers)
        for split, numbers in task.splits.items()
    }
    documents = tuple(task.documents[n] for n in left)
    made = TextTask(task.name, task.family, documents, splits, task.data)
    return made, tuple(task.documents[n].title for n in sorted(out))


def plain(title: str) -> str:
    """A title by its letters and figures alone: corpora write the same one in several ways."""
    return "".join(char for char in title.lower() if char.isalnum())


def load_suite(suite: Suite, exclude: Sequence[str], data_dir: Path | None = None) -> LoadedTexts:
    """The tasks of a declared suite; nothing of a target's family or titles is in them.

    The titles of a target that is not on this machine cannot be looked at, and the report's summary
    names the targets all the same: its family stays out by name.

    Raises:
        UserError: absent or damaged data, or nothing left to learn from.
    """
    targets = kept_out(suite, exclude, KIND)
    known = Catalogue.load(kind=KIND)
    families = {known[name].family for name in targets if name in known}
    titles = _titles([name for name in targets if name in known], data_dir)
    loaded: dict[str, TextTask] = {}
    dropped: list[str] = []
    left_out: list[str] = []

    def of(names: Iterable[str]) -> tuple[TextTask, ...]:
        found = []
        for name in dict.fromkeys(names):
            if known[name].family in families:
                dropped.append(name)
                continue
            if name not in loaded:
                loaded[name], out = without(load_source(name, data_dir), titles)
                left_out.extend(out)
            found.append(loaded[name])
        return tuple(found)

    train = of(spec.corpus for spec in suite.tasks)
    validation = of(spec.corpus for spec in suite.validation)
    if not train:
        raise UserError(
            f"suite {suite.name} has no task left beside {', '.join(targets)}; exclude fewer"
        )
    report = Exclusions(targets, tuple(dict.fromkeys(dropped)), tuple(left_out))
    return LoadedTexts(suite.name, train, validation, report)


def _titles(targets: Sequence[str], data_dir: Path | None) -> frozenset[str]:
    """The plain titles of some targets' documents, as far as they are on this machine."""
    known = Catalogue.load(kind=KIND)
    found: set[str] = set()
    for name in targets:
        entry = known[name]
        if TEST in entry.files and locate.find(entry, data_dir) is not None:
            titles = (each.title for each in load_corpus(name, data_dir).documents)
            found |= {plain(title) for title in titles if UNKNOWN not in title}
    return frozenset(found - {""})
