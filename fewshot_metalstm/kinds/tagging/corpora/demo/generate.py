"""The synthetic suite ``demo``: annotated text that is a pure function of a seed.

Written for this project, so that every command can be tried without a download. Its figures say
nothing about real text: every corpus of it is marked ``synthetic``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from fewshot_metalstm.kinds.tagging.corpora.demo.chance import Chance
from fewshot_metalstm.kinds.tagging.corpora.demo.families import DEMO_TARGET, FAMILIES, Family
from fewshot_metalstm.kinds.tagging.corpora.demo.lexicons import Lexicon, Pool, build_lexicons
from fewshot_metalstm.kinds.tagging.corpora.demo.realise import Document, Piece
from fewshot_metalstm.kinds.tagging.corpora.demo.templates import TOPICS
from fewshot_metalstm.kinds.tagging.corpora.sentence import Corpus, Sentence

_SENTENCES_A_DOCUMENT = 8
_SHORTEST, _LONGEST = 6, 30
#: The part of a family's rare names that belongs to a split. The other splits use those of train
#: too, in turn with their own.
_OWN = {"train": (0.0, 0.6), "devel": (0.6, 0.75), "test": (0.75, 1.0)}
#: The part of all rare names that a family knows.
_KNOWN = 0.6


def demo_corpora(seed: int = 0) -> dict[str, Corpus]:
    """Generate every corpus of the suite ``demo``, by name.

    The corpora of a family share their sentences and differ in the types that are tagged. No
    sentence, in lower case, stands twice in the suite other than in corpora of one family. The
    digest of a split is the SHA-256 of :func:`canonical_text` of it. Takes well under a second.
    """
    meta, target = build_lexicons(Chance(seed, "demo", "lexicons"))
    seen: set[tuple[str, ...]] = set()
    corpora: dict[str, Corpus] = {}
    for family in FAMILIES:
        lexicon = target if DEMO_TARGET in family.corpora else meta
        splits = _generate(family, lexicon, seed, seen)
        for name, types in family.corpora.items():
            kept = {split: _tagged(text, family, types) for split, text in splits.items()}
            corpora[name] = Corpus(
                name=name,
                family=family.name,
                types=tuple(sorted(types)),
                splits=kept,
                digests={split: digest(sentences) for split, sentences in kept.items()},
                synthetic=True,
            )
    return corpora


def canonical_text(sentences: Sequence[Sentence]) -> str:
    """``token<TAB>tag`` lines, a blank line after each sentence."""
    return "".join(
        "".join(f"{token}\t{tag}\n" for token, tag in zip(s.tokens, s.tags, strict=True)) + "\n"
        for s in sentences
    )


def digest(sentences: Sequence[Sentence]) -> str:
    """SHA-256, in hexadecimal, of the canonical text."""
    return hashlib.sha256(canonical_text(sentences).encode()).hexdigest()


def _generate(
    family: Family, lexicon: Lexicon, seed: int, seen: set[tuple[str, ...]]
) -> dict[str, list[list[Piece]]]:
    """Untagged documents of ``family``; every sentence taken is added to ``seen``."""
    known = _known(lexicon, Chance(seed, "demo", family.name, "names"))
    topics = [topic for topic, weight in family.topics.items() for _ in range(weight)]
    splits = {}
    for split, count in family.sentences.items():
        chance = Chance(seed, "demo", family.name, split)
        names = _names(known, split)
        text: list[list[Piece]] = []
        document = Document(names, chance)
        for _ in range(50 * count):
            if len(text) == count:
                break
            if len(text) % _SENTENCES_A_DOCUMENT == 0:
                document = Document(names, chance)
            pieces = document.sentence(chance.pick(TOPICS[chance.pick(topics)]))
            key = tuple(token.lower() for piece in pieces for token in piece.tokens)
            if _SHORTEST <= len(key) <= _LONGEST and key not in seen:
                seen.add(key)
                document.accept()
                text.append(pieces)
        if len(text) < count:
            raise AssertionError(f"{family.name}: {len(text)} of {count} sentences of {split}")
        splits[split] = text
    return splits


def _known(lexicon: Lexicon, chance: Chance) -> Lexicon:
    """A family's own part of the rare names, in an order of its own."""
    return {
        kind: Pool(pool.common, tuple(chance.shuffled(pool.rare)[: _share(pool, _KNOWN)]))
        for kind, pool in lexicon.items()
    }


def _share(pool: Pool, part: float) -> int:
    return round(len(pool.rare) * part)


def _names(lexicon: Lexicon, split: str) -> Lexicon:
    """The names that ``split`` draws on, the frequent ones first."""
    pools = {}
    for kind, pool in lexicon.items():
        start, stop = (_share(pool, part) for part in _OWN[split])
        own = pool.rare[start:stop]
        if split != "train":
            own = tuple(name for pair in zip(pool.rare, own, strict=False) for name in pair)
        pools[kind] = Pool(pool.common, own)
    return pools


def _tagged(
    text: Sequence[Sequence[Piece]], family: Family, types: Sequence[str]
) -> tuple[Sentence, ...]:
    kinds = {kind: name for kind, name in family.annotates.items() if name in types}
    sentences = []
    for pieces in text:
        tokens: list[str] = []
        tags: list[str] = []
        for piece in pieces:
            tokens += piece.tokens
            tags += _iobes(len(piece.tokens), kinds.get((piece.kind or "").split(".")[0]))
        sentences.append(Sentence(tuple(tokens), tuple(tags)))
    return tuple(sentences)


def _iobes(length: int, name: str | None) -> list[str]:
    if name is None:
        return ["O"] * length
    if length == 1:
        return [f"S-{name}"]
    return [f"B-{name}", *[f"I-{name}"] * (length - 2), f"E-{name}"]
