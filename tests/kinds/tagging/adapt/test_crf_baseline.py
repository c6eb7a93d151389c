"""The CRF on hand features: its weights are CRFsuite's, its paths the best legal ones."""

from __future__ import annotations

import sys
from itertools import pairwise, product

import numpy as np
import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.adapt.crf_baseline import (
    CrfConfig,
    LinearChain,
    check_crf,
    legal,
    tag_all,
    train_crf,
)
from fewshot_metalstm.kinds.tagging.adapt.hand_features import features
from fewshot_metalstm.kinds.tagging.corpora.schemes import Scheme, validate
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.kinds.tagging.tagger.scoring import strict_scores
from tests.kinds.tagging.tagger.builders import TARGET

pycrfsuite = pytest.importorskip("pycrfsuite", reason="pip install 'fewshot-metalstm[baselines]'")
CONFIG = CrfConfig()
TEST = TARGET.split("test")


@pytest.fixture(scope="module")
def chain() -> LinearChain:
    """Trained on few sentences, so that it is often unsure."""
    return train_crf(TARGET.split("train")[:6], CONFIG)


def score_of(chain: LinearChain, tokens: tuple[str, ...], path: tuple[int, ...]) -> float:
    """The score of a path, written out."""
    rows = features(tokens)
    total = float(chain.start[path[0]] + chain.end[path[-1]])
    for i, label in enumerate(path):
        total += sum(float(chain.weights[n][label]) for n in rows[i] if n in chain.weights)
        if i:
            total += float(chain.transitions[path[i - 1], label])
    return total


def test_it_learns_what_it_is_shown() -> None:
    chain = train_crf(TARGET.split("train"), CONFIG)
    for split in ("train", "test"):
        sentences = TARGET.split(split)
        tags = tag_all(chain, [s.tokens for s in sentences])
        assert strict_scores([s.tags for s in sentences], tags).f1 > 90


def test_the_path_is_the_best_legal_one(chain: LinearChain) -> None:
    for sentence in TEST[:8]:
        tokens = sentence.tokens[:3]
        every = product(range(len(chain.labels)), repeat=len(tokens))
        best = max(every, key=lambda path: score_of(chain, tokens, path))
        assert chain.tag(tokens) == tuple(chain.labels[i] for i in best)


def test_where_crfsuites_own_path_is_legal_it_is_ours(chain: LinearChain, tmp_path: object) -> None:
    trainer = pycrfsuite.Trainer(algorithm="lbfgs", verbose=False)
    trainer.set_params({
        "c1": CONFIG.c1, "c2": CONFIG.c2, "max_iterations": CONFIG.iterations,
        "feature.possible_transitions": True,
    })  # fmt: skip
    for sentence in TARGET.split("train")[:6]:
        trainer.append(features(sentence.tokens), list(sentence.tags))
    trainer.train(f"{tmp_path}/m")
    tagger = pycrfsuite.Tagger()
    tagger.open(f"{tmp_path}/m")
    compared = 0
    for sentence in TEST:
        theirs = tuple(tagger.tag(features(sentence.tokens)))
        padded = ("O", *theirs, "O")
        if all(legal(a, b) for a, b in pairwise(padded)):
            assert chain.tag(sentence.tokens) == theirs
            compared += 1
    tagger.close()
    assert compared > len(TEST) // 2


def test_all_paths_are_legal(chain: LinearChain) -> None:
    noise = np.random.default_rng(0)
    wild = LinearChain(
        chain.labels, {n: w + noise.normal(size=len(w)) * 3 for n, w in chain.weights.items()},
        chain.transitions, chain.start, chain.end,
    )  # fmt: skip
    for sentence in TEST:
        validate(wild.tag(sentence.tokens), Scheme.IOBES)
    assert chain.tag(()) == ()


def test_training_is_a_function_of_the_sentences(chain: LinearChain) -> None:
    again = train_crf(TARGET.split("train")[:6], CONFIG)
    assert again.weights.keys() == chain.weights.keys()
    assert all(np.array_equal(again.weights[n], chain.weights[n]) for n in chain.weights)
    assert np.array_equal(again.transitions, chain.transitions)
    strict = train_crf(TARGET.split("train")[:6], CrfConfig(c1=1.0))
    assert len(strict.weights) < len(chain.weights), "L1 leaves features out"


def test_sentences_without_a_mention() -> None:
    chain = train_crf([Sentence(("a", "b"), ("O", "O"))], CONFIG)
    assert chain.tag(("c", "a")) == ("O", "O")


def test_what_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="support is empty"):
        train_crf([], CONFIG)
    with pytest.raises(UserError, match=r"crf\.c1 is -1; use at least 0"):
        check_crf(CrfConfig(c1=-1))
    with pytest.raises(UserError, match="iterations is 0; use at least 1"):
        check_crf(CrfConfig(iterations=0))
    monkeypatch.setitem(sys.modules, "pycrfsuite", None)
    with pytest.raises(UserError, match=r"not installed; pip install 'fewshot-metalstm\[base") as e:
        check_crf(CONFIG)
    assert "\n" not in str(e.value)
