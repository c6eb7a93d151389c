"""The corpus of invented sentences: legal, varied, of a type that what ships has not learned."""

from __future__ import annotations

import pytest

from fewshot_metalstm.data.catalogue import Catalogue
from fewshot_metalstm.data.suites import load_suites
from fewshot_metalstm.kinds.tagging.corpora.demo import (
    METHODS,
    demo_corpora,
    methods_corpus,
    methods_file,
)
from fewshot_metalstm.kinds.tagging.corpora.demo.families import FAMILIES
from fewshot_metalstm.kinds.tagging.corpora.reader import read_columns
from fewshot_metalstm.kinds.tagging.corpora.schemes import Scheme, spans
from fewshot_metalstm.kinds.tagging.corpora.sentence import Corpus, Sentence
from fewshot_metalstm.kinds.tagging.episodes.load import load_target


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return methods_corpus()


def mentions(sentences: tuple[Sentence, ...]) -> list[str]:
    return [
        " ".join(s.tokens[span.start : span.end]).lower()
        for s in sentences for span in spans(s.tags)
    ]  # fmt: skip


def test_sizes_and_what_it_says_of_itself(corpus: Corpus) -> None:
    assert {split: len(s) for split, s in corpus.splits.items()} == {"train": 50, "test": 60}
    assert corpus.types == ("Method",)
    assert (corpus.name, corpus.family, corpus.synthetic, corpus.invented) == (
        METHODS, METHODS, False, True
    )  # fmt: skip
    for split in corpus.splits:
        assert methods_file(split).read_text().startswith("# Text invented for fewshot-metalstm")


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_files_are_legal_iob2(split: str) -> None:
    result = read_columns(methods_file(split), scheme=Scheme.IOB2)  # refuses what is not
    assert (result.mended, result.comments) == (0, 2)
    for sentence in result.sentences:
        assert sentence.tokens[-1] == "."
        assert all(token.isascii() for token in sentence.tokens)


def test_one_corpus_alone_has_the_type_and_it_is_in_no_suite_that_ships() -> None:
    """To what has learned from it the demo would not be of a new kind of name."""
    entries = [entry for entry in Catalogue.load().values() if entry.name != "SciIE"]
    known = {name.lower() for entry in entries for name in entry.types}
    known |= {name.lower() for f in FAMILIES for types in f.corpora.values() for name in types}
    assert "method" not in known
    assert [n for n, suite in load_suites().items() if "SciIE" in suite.corpora] == ["mtl-wide"]


def test_every_sentence_stands_once(corpus: Corpus) -> None:
    every = [tuple(map(str.lower, s.tokens)) for split in corpus.splits.values() for s in split]
    assert len(set(every)) == len(every)


def test_mentions_are_many_unseen_and_of_several_lengths(corpus: Corpus) -> None:
    train, test = (mentions(corpus.splits[split]) for split in ("train", "test"))
    assert len(train) >= 40
    assert len(test) >= 50
    unseen = [name for name in test if name not in train]
    assert 0.4 * len(test) <= len(unseen) <= 0.9 * len(test)
    assert {len(name.split()) for name in train} >= {1, 2, 3, 4}
    for split in corpus.splits.values():
        without = sum(set(s.tags) == {"O"} for s in split)
        assert 0.25 * len(split) <= without <= 0.5 * len(split)


@pytest.mark.parametrize("word", ["western", "northern", "southern", "fish", "culture", "array"])
def test_words_are_part_of_a_method_in_one_place_and_not_in_another(
    corpus: Corpus, word: str
) -> None:
    ways = {
        tag == "O"
        for split in corpus.splits.values() for s in split
        for token, tag in zip(s.tokens, s.tags, strict=True) if token.lower() == word
    }  # fmt: skip
    assert ways == {True, False}


def test_it_is_a_target_by_its_name_and_none_of_the_synthetic_corpora(corpus: Corpus) -> None:
    assert load_target(METHODS).corpus == corpus
    assert METHODS not in demo_corpora()
