"""What stands beside a language model: n-grams against a plain count, dynamic evaluation."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise

import pytest

from fewshot_metalstm.kinds.language_model.dynamic import dynamic
from fewshot_metalstm.kinds.language_model.encoding import encode
from fewshot_metalstm.kinds.language_model.model import StoredModel
from fewshot_metalstm.kinds.language_model.ngram import KneserNey, alone, best_weight, mixed
from fewshot_metalstm.kinds.language_model.scoring import score_spans
from fewshot_metalstm.kinds.language_model.settings import DynamicConfig, NgramConfig
from fewshot_metalstm.meta.learner import Params
from tests.kinds.language_model.builders import SMALL, language_model, prose, text_task


def model() -> StoredModel:
    return StoredModel(language_model(replace(SMALL, row=1)))


def test_probabilities_of_n_grams_sum_to_one() -> None:
    counted = KneserNey([b"abracadabra", b"barb"], 4, 0.75)
    for context in (b"", b"a", b"bra", b"abra", b"zab", b"\xff"):
        assert sum(counted.probability(context, x) for x in range(256)) == pytest.approx(1)
    assert counted.probability(b"abr", ord("a")) > 0.5


def test_bigrams_are_as_the_equation_has_them() -> None:
    text, d = prose(300, 0).encode(), 0.6
    counted = KneserNey([text], 2, d)
    followed: dict[int, list[int]] = defaultdict(list)
    before: dict[int, set[int]] = defaultdict(set)
    for a, b in pairwise(text):
        followed[a].append(b)
        before[b].add(a)
    kinds = sum(map(len, before.values())) + 1  # the first byte of the text came behind nothing
    for a in set(text[:40]):
        for b in set(text[:40]):
            stood = len(before[b]) + (b == text[0])
            shorter = max(stood - d, 0) / kinds + d * len(set(text)) / kinds / 256
            own = followed[a]
            wanted = max(own.count(b) - d, 0) / len(own) + d * len(set(own)) / len(own) * shorter
            assert counted.probability(bytes([a]), b) == pytest.approx(wanted)


def test_n_grams_alone_count_neighbours_in_one_piece() -> None:
    task = text_task((3_000,))
    whole = alone(NgramConfig(), task, [(0, 20)], [(20, 25), (25, 30)])
    same = alone(NgramConfig(), task, [(0, 7), (7, 20)], [(20, 30)])
    assert same.value == pytest.approx(whole.value)
    apart = alone(NgramConfig(), task, [(0, 7), (8, 20)], [(20, 30)])
    assert apart.value != pytest.approx(whole.value)
    assert apart.size == whole.size == 1000


def test_what_is_mixed_in_is_chosen_on_the_support() -> None:
    task, stored = text_task((9_000,)), model()
    support, query = [(0, 20)], [(20, 70)]
    params = dict(stored.learner.named_parameters())
    alone = score_spans(stored.learner, params, task, query)
    assert best_weight(NgramConfig(), stored, task, support) == 0.5
    better = mixed(NgramConfig(), stored, task, support, query)
    assert better.value < alone.value - 1
    assert better.size == alone.size == 5000
    barely = mixed(NgramConfig(weight=1e-9), stored, task, support, query)
    assert barely.value == pytest.approx(alone.value)
    assert best_weight(NgramConfig(), stored, task, [(0, 1)]) == 0.0


def test_dynamic_evaluation_scores_before_it_learns() -> None:
    task, stored = text_task((3_000,)), model()
    support, query = [(0, 5)], [(5, 25)]
    params = dict(stored.learner.named_parameters())
    alone = score_spans(stored.learner, params, task, query)
    still = dynamic(DynamicConfig(lr=0), stored, task, support, query)
    assert still.value == pytest.approx(alone.value)
    learned = dynamic(DynamicConfig(lr=0.02), stored, task, support, query)
    assert learned.value < alone.value - 0.5
    # What comes after the first piece of the query does not change what it costs.
    first = dynamic(DynamicConfig(lr=0.02), stored, task, support, [(5, 6)])
    now = {name: value.detach() for name, value in params.items()}
    assert math.isfinite(first.value)
    assert all((params[name] == value).all() for name, value in now.items())


def test_a_step_of_dynamic_evaluation_is_the_papers() -> None:
    task, stored = text_task((3_000,)), model()
    learner, config = stored.learner, DynamicConfig(lr=0.01, decay=0.3, epsilon=0.001)
    pieces = [encode(task, [(i, i + 1)], SMALL.context) for i in range(3)]
    start = {n: w.detach().clone() for n, w in learner.named_parameters()}

    def slope(at: Params, i: int) -> Params:
        for n, w in learner.named_parameters():
            w.data = at[n].clone()
            w.grad = None
        learner(pieces[i]).backward()
        found = {n: w.grad.clone() for n, w in learner.named_parameters() if w.grad is not None}
        for n, w in learner.named_parameters():
            w.data = start[n].clone()
        return found

    squares = [slope(start, i) for i in (0, 1)]
    r = {n: ((squares[0][n] ** 2 + squares[1][n] ** 2) / 2).sqrt() for n in start}
    mean = sum(float(x.sum()) for x in r.values()) / sum(x.numel() for x in r.values())
    now = start
    for i in (0, 1):
        g = slope(now, i)
        now = {
            n: w - 0.01 * g[n] / (r[n] + 0.001) + 0.3 * (r[n] / mean).clamp(max=1) * (start[n] - w)
            for n, w in now.items()
        }
    wanted = learner.cost(now, pieces[2])
    found = dynamic(config, stored, task, [(0, 2)], [(2, 3)])
    assert found.value == pytest.approx(wanted.bits_per_character)
