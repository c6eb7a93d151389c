"""A handful of annotated examples, as a program holds them: to a task, and to a tagger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import torch

from fewshot_metalstm.adapt.plan import algorithm_of
from fewshot_metalstm.data.digests import sha256
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.adapt.cell import TaggingWork
from fewshot_metalstm.kinds.tagging.adapt.methods import make_cell
from fewshot_metalstm.kinds.tagging.adapt.settings import AdaptRunConfig
from fewshot_metalstm.kinds.tagging.corpora import bad
from fewshot_metalstm.kinds.tagging.corpora.schemes import (
    IllegalTagsError,
    detect,
    to_iobes,
    well_formed,
)
from fewshot_metalstm.kinds.tagging.corpora.sentence import Corpus, Sentence
from fewshot_metalstm.kinds.tagging.episodes.load import as_task, load_target
from fewshot_metalstm.kinds.tagging.episodes.task import Task
from fewshot_metalstm.kinds.tagging.formats.document import Document, Mention
from fewshot_metalstm.kinds.tagging.formats.overlaps import ERROR
from fewshot_metalstm.kinds.tagging.formats.sentences import to_sentences
from fewshot_metalstm.kinds.tagging.formats.unannotated import SKIP
from fewshot_metalstm.kinds.tagging.tagger.model import TaggerModel
from fewshot_metalstm.machine import one_thread


class Marked(Protocol):
    """A mention that is an object with a place and a type, such as one that a tagger found."""

    @property
    def start(self) -> int: ...  # noqa: D102
    @property
    def end(self) -> int: ...  # noqa: D102
    @property
    def type(self) -> str: ...  # noqa: D102


MentionLike: TypeAlias = Marked | tuple[int, int, str] | Mapping[str, Any]
Pair: TypeAlias = tuple[Sequence[str], Sequence[str]] | tuple[str, Iterable[MentionLike]]
Example: TypeAlias = Sentence | Pair
Examples: TypeAlias = str | Path | Iterable[Example]


def task_of(
    examples: Examples,
    types: Sequence[str] = (),
    overlaps: str = ERROR,
    bad_annotations: str = bad.ERROR,
    unannotated: str = SKIP,
) -> Task:
    """Examples as the train split of a task.

    Args:
        examples: a path, which is read as by ``adapt --target``; or pairs, each of tokens and
            their tags (IOB1, IOB2, IOBES or BILOU, the same in all) or of a text and its
            mentions: ``(start, end, type)``, a mapping with these (or ``label`` for the type), or
            an object that has them. Offsets count characters, ends exclusive.
        types: the entity types to keep; all of them if none is named.
        overlaps: what becomes of mentions of a text that overlap, ``error`` or ``longest``; see
            :mod:`fewshot_metalstm.kinds.tagging.formats.overlaps`.
        bad_annotations: where examples are a path, what becomes of annotations that are wrong:
            ``error``, ``repair`` or ``skip``. What is changed is logged as a warning.
        unannotated: where examples are a path, what becomes of text that nobody annotated:
            ``skip``, ``skip-empty`` or ``negatives``.

    Raises:
        UserError: no example, one that is ill-formed, or no mention of a type in any.
    """
    if isinstance(examples, (str, Path)):
        task = load_target(
            examples, types=types, overlaps=overlaps, bad_annotations=bad_annotations,
            unannotated=unannotated,
        )  # fmt: skip
        if not task.corpus.splits.get("train"):
            raise UserError(f"{examples}: has no train split to adapt to; add one")
        return task
    if bad_annotations != bad.ERROR or unannotated != SKIP:
        raise UserError(
            "bad_annotations and unannotated say how a file is read, and the examples are in "
            "memory; leave them out"
        )
    sentences = tuple(_sentences(list(examples), overlaps))
    if not sentences:
        raise UserError("there is no example; give at least one annotated sentence")
    found = sorted({tag[2:] for s in sentences for tag in s.tags if tag != "O"})
    digest = sha256(repr(sentences).encode())
    corpus = Corpus(
        "examples", "examples", tuple(found), {"train": sentences}, {"train": digest}
    )  # fmt: skip
    return as_task(corpus, tuple(types))


def adapt_model(
    model: TaggerModel, target: Task, config: AdaptRunConfig, device: torch.device
) -> TaggerModel:
    """Adapt a checkpoint, left as it is, to the whole train split of ``target``; score nothing.

    In this process and in one thread, with the same result as ``adapt --shots 0``.
    """
    support = tuple(range(len(target.split("train"))))
    cell = make_cell(algorithm_of(model), config, 0, support, score=False)
    with one_thread():
        model.learner.to(device)
        work = TaggingWork(cell, model, target, model.table())
        start = work.start()
        adapted = work.adapt(start)
    return work.tagger(start, adapted)


def _sentences(examples: Sequence[Any], overlaps: str) -> Iterator[Sentence]:
    """The sentences of examples, in IOBES; a text may hold several."""
    pairs = [_pair(number, example) for number, example in enumerate(examples, start=1)]
    for number, words, rest in pairs:
        if not isinstance(words, str):
            _check_tags(number, words, rest)
    try:
        scheme = detect(rest for _, words, rest in pairs if not isinstance(words, str))
    except ValueError as mixed:
        raise UserError(f"examples: {mixed}; write all of them in one scheme") from None
    for number, words, rest in pairs:
        if isinstance(words, str):
            document = Document(str(number), words, tuple(_mention(number, m) for m in rest))
            problem = document.problem()
            if problem is not None:
                raise _at(number, problem, "mend its offsets")
            placed = to_sentences(document, overlaps=overlaps, place="examples")
            yield from (each.sentence for each in placed)
            continue
        try:
            yield Sentence(tuple(words), to_iobes(rest, scheme))
        except IllegalTagsError as illegal:
            raise _at(number, f"{illegal}, in {scheme}", "mend the tags") from None


def _pair(number: int, example: Any) -> tuple[int, Any, tuple[Any, ...]]:
    if isinstance(example, Sentence):
        return number, example.tokens, example.tags
    cure = "give (tokens, tags) or (text, mentions)"
    if not isinstance(example, (tuple, list)) or len(example) != 2:
        raise _at(number, f"a {type(example).__name__} is no pair", cure)
    words, rest = example
    for part in example:
        if not isinstance(part, Iterable):
            raise _at(number, f"{part!r} is no list", cure)
    return number, words if isinstance(words, str) else tuple(words), tuple(rest)


def _check_tags(number: int, tokens: Any, tags: tuple[Any, ...]) -> None:
    if not tokens:
        raise _at(number, "has no token", "leave it out")
    if len(tokens) != len(tags):
        raise _at(number, f"{len(tokens)} tokens and {len(tags)} tags", "give a tag for each")
    if not all(isinstance(token, str) and token for token in tokens):
        raise _at(number, "a token is no text, or empty", "give words")
    for tag in tags:
        if not isinstance(tag, str) or not well_formed(tag):
            raise _at(number, f"the tag {tag!r} is not O or <letter>-<type>", "mend it")


def _mention(number: int, given: Any) -> Mention:
    """A mention in any of its forms."""
    try:
        if isinstance(given, Mapping):
            kind = given["type"] if "type" in given else given["label"]
            start, end = given["start"], given["end"]
        elif isinstance(given, (tuple, list)):
            start, end, kind = given
        else:
            start, end, kind = given.start, given.end, given.type
    except (LookupError, AttributeError, ValueError):
        raise _at(number, f"{given!r} is no mention", "give (start, end, type)") from None
    if type(start) is not int or type(end) is not int or not isinstance(kind, str):
        raise _at(number, f"{given!r} is no mention", "give whole numbers and the type's name")
    return Mention(start, end, kind)


def _at(number: int, problem: str, cure: str) -> UserError:
    return UserError(f"example {number}: {problem}; {cure}")
