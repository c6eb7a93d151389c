"""The synthetic suite: what the rest of the package, and a fair comparison, rely on."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping

import pytest

from fewshot_metalstm.data.splits import SPLITS
from fewshot_metalstm.kinds.tagging.corpora.demo import (
    DEMO_META_TRAIN,
    DEMO_META_VALIDATION,
    DEMO_TARGET,
    demo_corpora,
)
from fewshot_metalstm.kinds.tagging.corpora.demo.chance import Chance
from fewshot_metalstm.kinds.tagging.corpora.demo.generate import canonical_text, digest
from fewshot_metalstm.kinds.tagging.corpora.demo.lexicons import Name, Pool
from fewshot_metalstm.kinds.tagging.corpora.demo.realise import Document
from fewshot_metalstm.kinds.tagging.corpora.demo.templates import TOPICS
from fewshot_metalstm.kinds.tagging.corpora.sentence import Corpus, Sentence

Corpora = Mapping[str, Corpus]

SEEDS = (0, 1, 2)


@pytest.fixture(scope="module", params=SEEDS)
def corpora(request: pytest.FixtureRequest) -> dict[str, Corpus]:
    return demo_corpora(request.param)


@pytest.fixture(scope="module")
def default() -> dict[str, Corpus]:
    return demo_corpora()


def sentences(corpus: Corpus) -> Iterator[Sentence]:
    for split in SPLITS:
        yield from corpus.splits[split]


def mentions(texts: Iterable[Sentence]) -> set[str]:
    """Lower-cased mentions, tokens joined by spaces."""
    found = set()
    for sentence in texts:
        start = 0
        for i, tag in enumerate(sentence.tags):
            if tag[0] in "BS":
                start = i
            if tag[0] in "ES":
                found.add(" ".join(sentence.tokens[start : i + 1]).lower())
    return found


def meta_train(corpora: Corpora) -> list[Corpus]:
    return [corpora[name] for name in DEMO_META_TRAIN]


def test_demo_has_tasks_families_and_sizes(corpora: Corpora) -> None:
    assert {*DEMO_META_TRAIN, *DEMO_META_VALIDATION, DEMO_TARGET} == set(corpora)
    assert len(DEMO_META_TRAIN) >= 6
    families = {corpus.family for corpus in meta_train(corpora)}
    assert len(families) >= 4
    assert any(len(corpus.types) > 1 for corpus in meta_train(corpora))
    assert corpora[DEMO_TARGET].family not in families
    for name in DEMO_META_VALIDATION:
        assert corpora[name].family not in {*families, corpora[DEMO_TARGET].family}
    for name, corpus in corpora.items():
        assert corpus.name == name
        assert corpus.synthetic
        assert tuple(corpus.splits) == SPLITS
        assert 400 <= len(corpus.splits["train"]) <= 800
        assert 100 <= len(corpus.splits["devel"]) <= 150
    assert 300 <= len(corpora[DEMO_TARGET].splits["test"]) <= 400


def test_demo_can_give_a_hundred_shots_of_every_type(corpora: Corpora) -> None:
    for corpus in corpora.values():
        tags = [tag for sentence in corpus.splits["train"] for tag in sentence.tags]
        for name in corpus.types:
            assert sum(tag in (f"B-{name}", f"S-{name}") for tag in tags) >= 150


def test_demo_tags_are_legal_iobes(corpora: Corpora) -> None:
    follows = {"O": "OBS", "S": "OBS", "E": "OBS", "B": "IE", "I": "IE"}
    for corpus in corpora.values():
        seen = set()
        for sentence in sentences(corpus):
            assert len(sentence.tokens) == len(sentence.tags)
            assert 6 <= len(sentence) <= 30
            for before, after in zip(("O", *sentence.tags), (*sentence.tags, "O"), strict=True):
                assert after[0] in follows[before[0]]
                if before[0] in "BI":
                    assert before[2:] == after[2:]
                seen.add(after[2:])
        assert seen - {""} == set(corpus.types)
        assert corpus.types == tuple(sorted(corpus.types))


def test_demo_tokens_are_clean(corpora: Corpora) -> None:
    for corpus in corpora.values():
        for sentence in sentences(corpus):
            assert sentence.tokens[-1] == "."
            for token in sentence.tokens:
                assert token
                assert token.isascii()
                assert not any(mark in token for mark in "{} \t\n_")


def test_demo_is_a_function_of_its_seed(default: Corpora) -> None:
    again, other = demo_corpora(0), demo_corpora(1)
    assert again == default
    for name in default:
        for split in SPLITS:
            assert default[name].digests[split] != other[name].digests[split]


def test_demo_is_the_same_in_another_process(default: Corpora) -> None:
    code = (
        "from fewshot_metalstm.kinds.tagging.corpora.demo import demo_corpora\n"
        "import sys\n"
        "assert 'torch' not in sys.modules\n"
        "for c in demo_corpora().values(): print(c.name, *c.digests.values())"
    )
    expected = [" ".join([c.name, *c.digests.values()]) for c in default.values()]
    path = os.pathsep.join(sys.path)
    for hash_seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.splitlines() == expected


def test_demo_digests_are_of_the_canonical_text(default: Corpora) -> None:
    for corpus in default.values():
        for split in SPLITS:
            text = canonical_text(corpus.splits[split])
            assert corpus.digests[split] == hashlib.sha256(text.encode()).hexdigest()
    pair = [Sentence(("a", "B"), ("O", "S-X")), Sentence(("c",), ("O",))]
    assert canonical_text(pair) == "a\tO\nB\tS-X\n\nc\tO\n\n"
    assert digest(pair) != digest(pair[:1])


def test_demo_target_shares_no_mention_with_the_meta_train_tasks(corpora: Corpora) -> None:
    target = mentions(sentences(corpora[DEMO_TARGET]))
    others = [*meta_train(corpora), *(corpora[name] for name in DEMO_META_VALIDATION)]
    assert len(target) > 100
    for corpus in others:
        assert target.isdisjoint(mentions(sentences(corpus)))
    # Nor does any stand there untagged.
    texts = {f" {' '.join(s.tokens).lower()} " for c in others for s in sentences(c)}
    text = "\n".join(sorted(texts))
    assert not [mention for mention in target if f" {mention} " in text]


def test_demo_sentences_stand_in_one_family_and_split_only(corpora: Corpora) -> None:
    home: dict[tuple[str, ...], tuple[str, str, int]] = {}
    for corpus in corpora.values():
        for split in SPLITS:
            for index, sentence in enumerate(corpus.splits[split]):
                key = tuple(token.lower() for token in sentence.tokens)
                place = (corpus.family, split, index)
                assert home.setdefault(key, place) == place


def test_demo_corpora_of_a_family_share_their_sentences(default: Corpora) -> None:
    whole, part = default["demo-drugs"], default["demo-drugs-chem"]
    for a, b in zip(sentences(whole), sentences(part), strict=True):
        assert a.tokens == b.tokens
        assert b.tags == tuple(tag if tag.endswith("-Chemical") else "O" for tag in a.tags)


def test_demo_has_sentences_without_mentions(corpora: Corpora) -> None:
    for corpus in corpora.values():
        for split in SPLITS:
            texts = corpus.splits[split]
            empty = sum(set(sentence.tags) == {"O"} for sentence in texts)
            assert 0.1 * len(texts) <= empty <= 0.9 * len(texts)


def test_demo_target_test_split_uses_names_of_its_own(corpora: Corpora) -> None:
    target = corpora[DEMO_TARGET].splits
    known, asked = mentions(target["train"]), mentions(target["test"])
    assert 0.3 * len(asked) <= len(asked - known) <= 0.8 * len(asked)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (DEMO_TARGET, ("rat", "mouse", "human", "cat", "rice", "yeast")),
        ("demo-drugs", ("lead", "gold", "stroke", "depression", "cold")),
        ("demo-cells", ("arm", "back", "blood")),
        ("demo-genes", ("white", "clock")),
        ("demo-infection", ("turkey", "gold")),
    ],
)
def test_demo_words_are_mentions_in_one_place_and_not_in_another(
    default: Corpora, name: str, words: tuple[str, ...]
) -> None:
    ways: dict[str, set[str]] = {word: set() for word in words}
    for sentence in sentences(default[name]):
        for token, tag in zip(sentence.tokens, sentence.tags, strict=True):
            if token.lower() in ways:
                ways[token.lower()].add(tag[0])
    for word, kinds in ways.items():
        assert {"O", "S"} <= kinds, word


def test_demo_target_has_every_form_of_name(corpora: Corpora) -> None:
    found = mentions(sentences(corpora[DEMO_TARGET]))
    assert any(m.split()[1:2] == ["."] for m in found)  # E . coli
    assert any(m.endswith(" virus") for m in found)
    assert any("-" in m for m in found)
    tokens = {" ".join(s.tokens) for s in sentences(corpora[DEMO_TARGET])}
    assert any(" virus ( " in text for text in tokens)  # an abbreviation is introduced
    assert "mice" in found


def test_demo_templates_are_many_and_realise_to_plain_words() -> None:
    templates = [template for group in TOPICS.values() for template in group]
    assert len(templates) == len(set(templates)) >= 60
    assert not [t for t in templates if t.endswith(".") or t[0].isspace()]


def test_document_abbreviates_only_what_it_has_introduced() -> None:
    name = Name(("Great", "Long", "Virus"), ("GLV",), defined=True)
    lexicon = {"sp.virus": Pool((), (name,))}
    for seed in range(20):
        document, chance = Document(lexicon, Chance(seed, "test")), Chance(seed, "accept")
        introduced = False
        for _ in range(10):
            pieces = document.sentence("we saw {sp.virus} here")
            forms = [piece.tokens for piece in pieces if piece.kind == "sp.virus"]
            assert forms[0] == name.full or introduced
            # A sentence that is thrown away introduces nothing.
            if chance.below(2):
                document.accept()
                introduced = introduced or forms == [name.full, ("GLV",)]


def test_chance_is_explicit_and_within_bounds() -> None:
    one, two, other = (Chance(3, key) for key in ("a", "a", "b"))
    draws = [one.below(5) for _ in range(5000)]
    assert draws == [two.below(5) for _ in range(5000)]
    assert draws != [other.below(5) for _ in range(5000)]
    assert set(draws) == set(range(5))
    assert sorted(one.shuffled(range(50))) == list(range(50))
    early = [one.pick_early(range(10)) for _ in range(2000)]
    assert early.count(0) > 4 * early.count(9) > 0
