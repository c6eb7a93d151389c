"""Digests of the sentences that a checkpoint learned from, to tell a test sentence among them.

A file beside the weights, ``sentences.bin``: a BLAKE2b digest of ``WIDTH`` bytes for each
sentence's lower-cased tokens, in order and each once. It tells whether a sentence was learned
from, and not what the sentences are. With 100,000 digests, one in ten thousand test splits of
1,000 other sentences has one that is taken for equal by chance.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.kinds.tagging.episodes.sampling import sentence_key

WIDTH = 5
FILE = "sentences.bin"


def digests_of(sentences: Iterable[Sentence], further: bytes = b"") -> bytes:
    """The content of the file for some sentences, and for those of ``further``, another content."""
    return b"".join(sorted({*_each(further), *map(_digest, sentences)}))


def how_many(sentences: Iterable[Sentence], learned: bytes) -> int:
    """How many of some sentences equal one that was ``learned`` from, by the file's content."""
    known = frozenset(_each(learned))
    return sum(_digest(sentence) in known for sentence in sentences)


def not_learned(sentences: Iterable[Sentence], learned: bytes) -> tuple[Sentence, ...]:
    """The sentences that equal none that was ``learned`` from, by the file's content."""
    known = frozenset(_each(learned))
    return tuple(sentence for sentence in sentences if _digest(sentence) not in known)


def checked(content: bytes) -> bytes:
    """The content of a file; ValueError where it cannot be one."""
    each = _each(content)
    if len(content) % WIDTH or each != sorted(set(each)):
        raise ValueError(f"{FILE} holds no sorted digests")
    return content


def _digest(sentence: Sentence) -> bytes:
    words = sentence_key(sentence).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(words, digest_size=WIDTH).digest()


def _each(content: bytes) -> list[bytes]:
    return [content[start : start + WIDTH] for start in range(0, len(content), WIDTH)]
