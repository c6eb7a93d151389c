"""Reviews of sixteen domains, positive or negative: their files, splits and suites.

A file has a review a line, ``label<TAB>text``, the label 0 (negative) or 1 (positive). A tenth of
its train file is the devel split of a domain: every tenth review of a fixed shuffle.

Source: Liu, Qiu, Huang, "Adversarial Multi-task Learning for Text Classification", ACL 2017; the
reviews of products are those of Blitzer, Dredze, Pereira, ACL 2007.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from fewshot_metalstm.data import locate
from fewshot_metalstm.data.catalogue import Catalogue, CorpusEntry
from fewshot_metalstm.data.digests import sha256
from fewshot_metalstm.data.suites import Suite, kept_out
from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds.classification.decoding import decode, read_bytes
from fewshot_metalstm.kinds.classification.tasks import (
    KIND,
    ClassificationTask,
    LoadedTexts,
    TextSplit,
    make_task,
    test_keys,
    without,
)
from fewshot_metalstm.kinds.classification.text import words
from fewshot_metalstm.kinds.loaded_suite import EqualItems
from fewshot_metalstm.seeds import numpy_generator

CLASSES = ("negative", "positive")  # by their number in the files
DEVEL = 10  # a tenth of train is devel
EMPTY = "texts without a word were left out"


def load_reviews(name: str, data_dir: Path | None = None) -> ClassificationTask:
    """A domain by its name in the catalogue, such as ``reviews-books``.

    Raises:
        UserError: there is no such domain, or its files are absent, damaged or not the catalogue's.
    """
    entry = Catalogue.load(kind=KIND)[name]
    files = locate.locate(entry, data_dir)
    notes: Counter[str] = Counter()
    train = read_file(files["train"], entry, "train", notes)
    order = numpy_generator(0, "devel", name).permutation(len(train))
    devel = np.sort(order[: len(train) // DEVEL]).tolist()
    kept = np.sort(order[len(train) // DEVEL :]).tolist()
    splits = {
        "train": train.at(kept),
        "devel": train.at(devel),
        "test": read_file(files["test"], entry, "test", notes),
    }
    return make_task(name, entry.family, CLASSES, splits, name, notes)


def read_file(path: Path, entry: CorpusEntry, split: str, notes: Counter[str]) -> TextSplit:
    """The reviews of a file of the catalogue; those without a word are left out and counted."""
    data = read_bytes(path)
    cure = f"copy it again, or type `fewshot-metalstm data fetch {entry.name}`"
    known = entry.files[split].sha256
    if known is not None and sha256(data) != known:
        raise at(path, None, "is not the file of the catalogue (its SHA-256 differs)", cure)
    return parse(decode(data, path, notes), path, notes)


def parse(text: str, path: Path, notes: Counter[str]) -> TextSplit:
    """The reviews of a file's text; :class:`UserError` for a line that is none."""
    texts: list[str] = []
    labels: list[int] = []
    for number, line in enumerate(text.split("\n"), 1):
        label, tab, review = line.rstrip("\r").partition("\t")
        if not line:
            continue
        if not tab or label not in ("0", "1"):
            raise at(path, number, "is not 0 or 1, a tab and a review", "mend the line")
        if not words(review):
            notes[EMPTY] += 1
            continue
        texts.append(review)
        labels.append(int(label))
    return TextSplit(tuple(texts), np.array(labels, np.int64))


def load_suite(suite: Suite, exclude: Sequence[str], data_dir: Path | None = None) -> LoadedTexts:
    """The tasks of a declared suite; nothing of a target's family or test split is in them.

    Raises:
        UserError: absent or damaged data, or nothing left to learn from.
    """
    targets = kept_out(suite, exclude, KIND)
    known = Catalogue.load(kind=KIND)
    # A target of the user's own is no domain of the catalogue: none of its texts can be here.
    held = [load_reviews(name, data_dir) for name in targets if name in known]
    families = {task.family for task in held}
    barred = test_keys(held)
    dropped: list[str] = []
    lost: dict[str, int] = {}
    cleared: dict[str, ClassificationTask] = {}

    def of(names: Iterable[str]) -> tuple[ClassificationTask, ...]:
        found = []
        for name in dict.fromkeys(names):
            if known[name].family in families:
                if name not in dropped:
                    dropped.append(name)
                continue
            if name not in cleared:
                cleared[name], number = without(load_reviews(name, data_dir), barred)
                if number:
                    lost[name] = number
            found.append(cleared[name])
        return tuple(found)

    train = of(spec.corpus for spec in suite.tasks)
    validation = of(spec.corpus for spec in suite.validation)
    if not train:
        raise UserError(
            f"suite {suite.name} has no task left beside {', '.join(targets)}; exclude fewer"
        )
    report = EqualItems(
        "texts", "texts equal to a test text of theirs", targets, tuple(dropped), lost
    )
    return LoadedTexts(suite.name, train, validation, report)
