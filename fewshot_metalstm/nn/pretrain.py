"""Training word vectors with gensim on the text of the meta-train suite."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np

from fewshot_metalstm import ranges
from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.nn.stored_rows import Array
from fewshot_metalstm.nn.vectors import Subwords, WordVectors, normalise
from fewshot_metalstm.ranges import AtLeast0, AtLeast1, Range, one_of

PHASE = "word vectors"  # what training them is called for the user
_SAMPLE = 20_000  # tokens that an epoch is timed on


@dataclass(frozen=True)
class VectorsConfig:
    """How word vectors are made."""

    # fasttext is with subwords
    method: Annotated[str, one_of("fasttext", "word2vec")] = "fasttext"
    # a file of the user's instead: word2vec text or binary, GloVe text or JSON, fastText .vec
    file: str = ""
    size: AtLeast1 = 100  # length of a vector
    epochs: AtLeast1 = 10  # passes over the text
    window: AtLeast1 = 5  # words to either side
    min_count: AtLeast0 = 2  # rarer words get no row of their own
    negative: AtLeast1 = 5  # negative samples a word
    buckets: AtLeast1 = 50_000  # rows for hashed character n-grams
    min_n: Annotated[int, Range(least=1, most=64)] = 3  # shortest n-gram, characters
    max_n: Annotated[int, Range(least=1, most=64)] = 5  # longest n-gram, characters


def train_vectors(
    sentences: Iterable[Sequence[str]],
    config: VectorsConfig,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
    vocabulary: Collection[str] | None = None,
) -> WordVectors:
    """Train skip-gram vectors on distinct sentences, in one thread so that a seed fixes them.

    ``progress`` is called with (epochs done, epochs in all). With a ``vocabulary`` only its
    words keep a row of their own; fastText composes the others of their n-grams. Raises
    :class:`UserError` for an unknown method or for text without a word that is frequent enough.
    """
    ranges.check(config, "vectors")
    from gensim.models import FastText, Word2Vec
    from gensim.models.callbacks import CallbackAny2Vec

    class Report(CallbackAny2Vec):  # type: ignore[misc]
        def __init__(self) -> None:
            self.done = 0

        def on_epoch_end(self, model: object) -> None:
            self.done += 1
            if progress is not None:
                progress(self.done, config.epochs)

    distinct = dict.fromkeys(tuple(normalise(w) for w in s) for s in sentences)
    common = {
        "vector_size": config.size, "window": config.window, "min_count": config.min_count,
        "sg": 1, "negative": config.negative, "epochs": config.epochs, "seed": seed % 2**32,
        "workers": 1, "callbacks": [Report()],
    }  # fmt: skip
    try:
        if config.method == "fasttext":
            model = FastText(
                list(distinct), bucket=config.buckets, min_n=config.min_n, max_n=config.max_n,
                **common,
            )  # fmt: skip
        else:
            model = Word2Vec(list(distinct), **common)
    except RuntimeError as problem:  # gensim: "you must first build vocabulary"
        raise UserError(
            f"word vectors: no word stands {config.min_count} times in the text; "
            "give more text or set vectors.min_count=1"
        ) from problem
    wv = model.wv
    kept = list(range(len(wv.index_to_key)))
    if vocabulary is not None:
        known = {normalise(word) for word in vocabulary}
        kept = [i for i, word in enumerate(wv.index_to_key) if word in known]
    subwords = None
    if config.method == "fasttext":
        subwords = Subwords(wv.vectors_ngrams.astype(np.float16), config.min_n, config.max_n)
    return WordVectors(
        tuple(wv.index_to_key[i] for i in kept),
        wv.vectors[kept].astype(np.float16),
        subwords,
        source=f"{config.method} trained on {len(distinct)} distinct sentences",
    )


def seconds_of_epoch(sentences: Sequence[Sequence[str]], config: VectorsConfig) -> float:
    """About how long an epoch of :func:`train_vectors` takes here, from one over a sample."""
    from gensim.models import FastText, Word2Vec

    tokens = sum(map(len, sentences))
    if not tokens:
        return 0.0  # :func:`train_vectors` refuses it
    sample = [
        [normalise(word) for word in sentence]
        for sentence in sentences[:: max(1, tokens // _SAMPLE)]
    ]
    # All words of the sample have a row: a word that is rare in it may not be so in the text.
    common = {"vector_size": config.size, "window": config.window, "min_count": 1, "sg": 1,
              "negative": config.negative, "seed": 0, "workers": 1}  # fmt: skip
    if config.method == "fasttext":
        model = FastText(bucket=config.buckets, min_n=config.min_n, max_n=config.max_n, **common)
    else:
        model = Word2Vec(**common)
    model.build_vocab(sample)
    began = time.perf_counter()
    model.train(sample, total_examples=len(sample), epochs=1)
    return (time.perf_counter() - began) * tokens / sum(map(len, sample))


def load_or_train(
    sentences: Iterable[Sequence[str]],
    config: VectorsConfig,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
    vocabulary: Collection[str] | None = None,
) -> WordVectors:
    """The vectors that ``config`` names: read from its file if it has one, trained otherwise."""
    if config.file:
        return read_vectors(Path(config.file))
    return train_vectors(sentences, config, seed, progress, vocabulary)


def read_vectors(path: Path) -> WordVectors:
    """Read vectors of the user's: word2vec text or binary, fastText ``.vec``, GloVe text or JSON.

    Text is distinguished from binary, and GloVe (no header line) from the rest, by the first line.
    A file ``.json`` is an object with a list of numbers for each word.
    Raises :class:`UserError` for a file that is absent, damaged or none of these.
    """
    cure = "give word2vec text or binary, GloVe text or JSON, or a fastText .vec file"
    try:
        with path.open("rb") as file:
            first = file.readline(65536)
            head = first + file.read(65536)
    except OSError as problem:
        raise at(path, None, f"cannot be read ({problem.strerror})", cure) from None
    if path.suffix.lower() == ".json":
        return _as_vectors(path, *_read_json(path, cure))
    fields = first.split()
    header = len(fields) == 2 and all(field.isdigit() for field in fields)
    binary = header and _is_binary(head[len(first) :], int(fields[1]))
    if header and 0 in (int(fields[0]), int(fields[1])):
        raise at(path, 1, "says that there are no vectors", cure)
    if not header and len(fields) < 3:
        raise at(path, 1, "not a line of a word and its vector", cure)
    if binary:
        words, matrix = _read_binary(path, int(fields[0]), int(fields[1]), cure)
    else:
        words, matrix = _read_text(path, (int(fields[0]), int(fields[1])) if header else None, cure)
    return _as_vectors(path, words, matrix)


def _as_vectors(path: Path, words: tuple[str, ...], matrix: Array) -> WordVectors:
    """What was read of a file, in half precision."""
    if not np.isfinite(matrix).all():
        raise at(path, None, "holds a number that is not finite", "make the vectors anew")
    largest = float(np.abs(matrix).max(initial=0))
    scale = 1.0 if largest < 6e4 else 6e4 / largest  # half precision ends at 65504
    return WordVectors(
        words, (matrix * scale).astype(np.float16), source=f"{path.name}, {len(words)} words"
    )


def _read_binary(path: Path, count: int, size: int, cure: str) -> tuple[tuple[str, ...], Array]:
    from gensim.models import KeyedVectors

    if count * (4 * size + 2) > path.stat().st_size:  # before gensim takes the memory for it
        raise at(path, None, f"too short for the {count} words of its first line", cure)
    try:
        vectors = KeyedVectors.load_word2vec_format(str(path), binary=True, unicode_errors="strict")
    except (ValueError, EOFError, IndexError) as problem:
        raise at(
            path, None, f"not readable as vectors ({problem})".replace("\n", " "), cure
        ) from None
    return tuple(vectors.index_to_key), vectors.vectors


def _read_json(path: Path, cure: str) -> tuple[tuple[str, ...], Array]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        matrix = np.array(list(rows.values()), np.float32)
    except (ValueError, TypeError, AttributeError, ArithmeticError, RecursionError):
        raise at(path, None, "is no JSON of words with their vectors", cure) from None
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise at(path, None, "has no vectors of one length", cure)
    return tuple(rows), matrix


def _read_text(
    path: Path, header: tuple[int, int] | None, cure: str
) -> tuple[tuple[str, ...], Array]:
    """Words and vectors of a text file, by hand: gensim leaves a GloVe file open, names no line
    and takes no word that holds a space. The first of several rows of a word counts.
    """
    rows: dict[str, Array] = {}
    size = header[1] if header is not None else None
    line = 0
    try:
        with path.open(encoding="utf-8", newline="\n") as file:
            for line, text in enumerate(file, start=1):
                if header is not None and line == 1:
                    continue
                if size is None:
                    size = len(text.split()) - 1
                word, *numbers = text.rstrip().rsplit(" ", size)
                if len(numbers) != size:
                    raise at(path, line, f"has {len(numbers)} numbers, not {size}", cure)
                rows.setdefault(word, np.array(numbers, np.float32))
    except UnicodeDecodeError:
        raise at(path, line + 1, "not UTF-8", cure) from None
    except ValueError as problem:
        raise at(path, line, f"not a line of a word and its vector ({problem})", cure) from None
    if header is not None and line - 1 != header[0]:
        raise at(path, None, f"has {line - 1} words, not the {header[0]} of its first line", cure)
    return tuple(rows), np.stack(list(rows.values()))


def _is_binary(rest: bytes, size: int) -> bool:
    """Whether the first entry after a word2vec header is binary: not ``size`` numbers in text."""
    fields = rest.split(b"\n", 1)[0].split()
    if len(fields) != size + 1:
        return True
    try:
        [float(field) for field in fields[1:]]
    except ValueError:
        return True
    return False
