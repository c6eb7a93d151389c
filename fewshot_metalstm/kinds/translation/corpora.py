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
from fewshot_metalstm.kinds.translation.pairs import (
    CORPUS,
    KIND,
    SOURCE,
    TARGET,
    Pairs,
    read_corpus,
)
from fewshot_metalstm.kinds.translation.tasks import (
    DEVEL,
    TEST,
    TRAIN,
    Exclusions,
    LoadedPairs,
    TranslationTask,
    key_of,
    without,
)
from fewshot_metalstm.kinds.translation.topics import load_topics, split

LANGUAGES = f"{SOURCE}-{TARGET}"


def load_target(name: str, data_dir: Path | None = None) -> TranslationTask:
    """A topic, three quarters of whose pairs are for supports, or a whole corpus.

    Raises:
        UserError: there is no such topic or corpus, or its files are absent, damaged or not the
            catalogue's.
    """
    if name in load_topics().names:
        train, test = split(_of_topic(name, _whole(data_dir)))
        return TranslationTask(name, name, {TRAIN: train, TEST: test}, LANGUAGES, CORPUS)
    known = Catalogue.load(kind=KIND)
    if name not in known:
        raise known.unknown(name, load_topics().names)
    splits = {each: read_corpus(name, each, data_dir) for each in (TRAIN, DEVEL, TEST)}
    return TranslationTask(name, known[name].family, splits, LANGUAGES, name)


def load_suite(suite: Suite, exclude: Sequence[str], data_dir: Path | None = None) -> LoadedPairs:
    """The tasks of a declared suite; nothing of a target's family or test split is in them.

    All of a topic is learned from. A topic to validate on has all of its pairs in the split devel.

    Raises:
        UserError: absent or damaged data, or nothing left to learn from.
    """
    targets = kept_out(suite, exclude, KIND)
    whole = _whole(data_dir)
    held = [load_target(name, data_dir) for name in targets if _readable(name, data_dir)]
    barred = frozenset(key_of(each) for task in held for each in task.splits[TEST].sources)
    families = {task.family for task in held} | set(targets)
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
    return LoadedPairs(
        suite.name, train, validation, Exclusions(targets, tuple(dict.fromkeys(dropped)), lost)
    )


def _readable(name: str, data_dir: Path | None) -> bool:
    """Whether a target is one of ours whose files are on this machine.

    One that is not cannot be looked at; its family stays out by name all the same.
    """
    known = Catalogue.load(kind=KIND)
    corpus = CORPUS if name in load_topics().names else name
    if corpus not in known:  # a user's own: none of its pairs can be here by name
        return False
    return locate.find(known[corpus], data_dir) is not None


def _whole(data_dir: Path | None) -> Pairs:
    """The train split of multi30k, which topics are parts of."""
    pairs = read_corpus(CORPUS, TRAIN, data_dir)
    load_topics().check(pairs)
    return pairs


def _of_topic(name: str, whole: Pairs) -> Pairs:
    topics = load_topics()
    if name not in topics.names:
        known = ", ".join(topics.names)
        raise UserError(f"there is no topic {name}; use one of {known}")
    return topics.of(name, whole)
