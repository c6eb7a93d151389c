"""The corpora of the catalogue as tasks: topics of multi30k, and whole corpora.

Sources: Elliott, Frank, Sima'an, Specia, "Multi30K: Multilingual English-German Image
Descriptions", VL 2016; the sample of WMT that OpenNMT ships (Klein et al., ACL 2017).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from fewshot_metalstm.data import locate
from fewshot_metalstm.data.catalogue import Catalogue
from fewshot_metalstm.data.suites import Suite, kept_out
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.loaded_suite import EqualItems
from fewshot_metalstm.kinds.translation.pairs import (
    CORPUS,
    KIND,
    SOURCE,
    TARGET,
    Pairs,
    read_corpus,
    read_side,
)
from fewshot_metalstm.kinds.translation.tasks import (
    DEVEL,
    TEST,
    TRAIN,
    LoadedPairs,
    TranslationTask,
    key_of,
    without,
)
from fewshot_metalstm.kinds.translation.topics import load_topics, split, topic_names

LANGUAGES = f"{SOURCE}-{TARGET}"


def load_target(name: str, data_dir: Path | None = None) -> TranslationTask:
    """A topic, three quarters of whose pairs are for supports, or a whole corpus.

    Raises:
        UserError: there is no such topic or corpus, or its files are absent, damaged or not the
            catalogue's.
    """
    known = Catalogue.load(kind=KIND)
    if name in topic_names():
        return _topic(name, _whole(known, data_dir))
    if name not in known:
        raise known.unknown(name, topic_names())
    splits = {each: read_corpus(known[name], each, data_dir) for each in (TRAIN, DEVEL, TEST)}
    return TranslationTask(name, known[name].family, splits, LANGUAGES, name)


def load_suite(suite: Suite, exclude: Sequence[str], data_dir: Path | None = None) -> LoadedPairs:
    """The tasks of a declared suite; nothing of a target's family or test split is in them.

    All of a topic is learned from. A topic to validate on has all of its pairs in the split devel.

    Raises:
        UserError: absent or damaged data, or nothing left to learn from.
    """
    targets = kept_out(suite, exclude, KIND)
    known = Catalogue.load(kind=KIND)
    whole = _whole(known, data_dir)
    barred = frozenset(
        key_of(sentence)
        for name in targets
        for sentence in _test_sentences(name, known, whole, data_dir)
    )
    families = {known[name].family if name in known else name for name in targets}
    dropped: list[str] = []
    lost: dict[str, int] = {}

    def of(names: Iterable[str], part: str) -> tuple[TranslationTask, ...]:
        found = []
        for name in dict.fromkeys(names):
            if name in families or CORPUS in families:
                dropped.append(name)
                continue
            pairs = _of_topic(name, whole)
            kept = without(pairs, barred)
            if len(kept) < len(pairs):
                lost[name] = len(pairs) - len(kept)
            found.append(TranslationTask(name, name, {part: kept}, LANGUAGES, CORPUS))
        return tuple(found)

    train = of((spec.corpus for spec in suite.tasks), TRAIN)
    validation = of((spec.corpus for spec in suite.validation), DEVEL)
    if not train:
        raise UserError(
            f"suite {suite.name} has no task left beside {', '.join(targets)}; exclude fewer"
        )
    report = EqualItems(
        "pairs", "pairs whose sentence equals a test sentence of theirs", targets,
        tuple(dict.fromkeys(dropped)), lost,
    )  # fmt: skip
    return LoadedPairs(suite.name, train, validation, report)


def _test_sentences(
    name: str, known: Catalogue, whole: Pairs, data_dir: Path | None
) -> tuple[str, ...]:
    """What stands in the test split of a target, where that can be known.

    A corpus that is not on this machine cannot be looked at, and a user's own target has no name
    to find it by; the family of the first stays out by name all the same.
    """
    if name in topic_names():
        return _topic(name, whole).splits[TEST].sources
    if name not in known or locate.find(known[name], data_dir) is None:
        return ()
    return tuple(read_side(known[name], f"{TEST}.{SOURCE}", data_dir))


def _whole(known: Catalogue, data_dir: Path | None) -> Pairs:
    """The train split of multi30k, which topics are parts of."""
    pairs = read_corpus(known[CORPUS], TRAIN, data_dir)
    load_topics().check(pairs)
    return pairs


def _topic(name: str, whole: Pairs) -> TranslationTask:
    train, test = split(_of_topic(name, whole))
    return TranslationTask(name, name, {TRAIN: train, TEST: test}, LANGUAGES, CORPUS)


def _of_topic(name: str, whole: Pairs) -> Pairs:
    topics = load_topics()
    if name not in topics.names:
        known = ", ".join(topics.names)
        raise UserError(f"there is no topic {name}; use one of {known}")
    return topics.of(name, whole)
