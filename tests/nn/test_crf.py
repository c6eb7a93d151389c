"""The CRF against the enumeration of every tag sequence, and its derivatives."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from fewshot_metalstm.corpora.schemes import IllegalTagsError, Scheme, validate
from fewshot_metalstm.nn.crf import (
    MASKED,
    TRANSITIONS,
    expand,
    negative_log_likelihood,
    transition_index,
    viterbi,
)


def names(types: int) -> list[str]:
    return ["O", *(f"{kind}-t{t}" for t in range(types) for kind in "BIES")]


def legal(tags: list[str]) -> bool:
    try:
        validate(tags, Scheme.IOBES)
    except IllegalTagsError:
        return False
    return True


def transition_name(before: str, after: str) -> str:
    """The abstract name of a legal move, said another way than the module says it."""
    name = f"{before[0]}>{after[0]}"
    if before[0] in "ES" and after[0] in "BS":
        name += "=" if before[2:] == after[2:] else "!"
    return name


def path_score(emissions: Tensor, scores: Tensor, path: tuple[int, ...], tags: list[str]) -> Tensor:
    """The score of one legal path of one sentence, term by term."""
    words = [tags[i] for i in path]
    moves = [f"start>{words[0][0]}", f"{words[-1][0]}>end"]
    moves += [transition_name(a, b) for a, b in itertools.pairwise(words)]
    parts = [emissions[t, i] for t, i in enumerate(path)]
    return torch.stack([*parts, *(scores[TRANSITIONS.index(move)] for move in moves)]).sum()


def legal_paths(types: int, length: int) -> list[tuple[int, ...]]:
    tags = names(types)
    paths = itertools.product(range(len(tags)), repeat=length)
    return [path for path in paths if legal([tags[i] for i in path])]


def random_problem(types: int, lengths: list[int], seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shape = (len(lengths), max(lengths), 1 + 4 * types)
    emissions = torch.randn(shape, generator=generator, dtype=torch.float64)
    scores = torch.randn(len(TRANSITIONS), generator=generator, dtype=torch.float64)
    return emissions, scores, torch.tensor(lengths)


@pytest.mark.parametrize(("types", "lengths"), [(1, [4, 1, 3, 2]), (2, [3, 1, 2]), (3, [2, 3])])
def test_likelihood_and_viterbi_equal_enumeration(types: int, lengths: list[int]) -> None:
    emissions, scores, sizes = random_problem(types, lengths)
    tags = names(types)
    decoded = viterbi(emissions, scores, sizes)
    for row, length in enumerate(lengths):
        paths = legal_paths(types, length)
        totals = torch.stack([path_score(emissions[row], scores, p, tags) for p in paths])
        assert decoded[row] == list(paths[int(totals.argmax())])
        log_partition = torch.logsumexp(totals, dim=0)
        gold = torch.zeros(1, max(lengths), dtype=torch.int64)
        for path, total in list(zip(paths, totals, strict=True))[:: max(1, len(paths) // 7)]:
            gold[0, :length] = torch.tensor(path)
            loss = negative_log_likelihood(
                emissions[row : row + 1], scores, gold, sizes[row : row + 1]
            )
            torch.testing.assert_close(loss[0], log_partition - total, rtol=0, atol=1e-10)


def test_likelihood_of_a_ragged_batch_ignores_padding() -> None:
    emissions, scores, lengths = random_problem(2, [4, 2, 1])
    tags = torch.tensor([[0, 1, 3, 8], [4, 5, 0, 0], [0, 0, 0, 0]])
    tags[1, 1] = 4
    whole = negative_log_likelihood(emissions, scores, tags, lengths)
    emissions[1, 2:] = 1e3
    emissions[2, 1:] = -1e3
    tags[1, 2:] = 7
    changed = negative_log_likelihood(emissions, scores, tags, lengths)
    assert torch.equal(whole, changed)
    for row, length in enumerate(lengths.tolist()):
        alone = negative_log_likelihood(
            emissions[row : row + 1, :length], scores, tags[row : row + 1, :length],
            lengths[row : row + 1],
        )  # fmt: skip
        torch.testing.assert_close(alone[0], whole[row], rtol=0, atol=1e-10)


def test_probabilities_of_all_legal_paths_sum_to_one() -> None:
    emissions, scores, _ = random_problem(2, [3])
    paths = torch.tensor(legal_paths(2, 3))
    many = emissions.expand(len(paths), -1, -1)
    loss = negative_log_likelihood(many, scores, paths, torch.full((len(paths),), 3))
    assert float(torch.exp(-loss).sum()) == pytest.approx(1.0, abs=1e-10)


def test_gradients_of_first_and_second_order() -> None:
    emissions, scores, lengths = random_problem(2, [3, 1])
    tags = torch.tensor([[1, 3, 8], [0, 0, 0]])

    def loss(emissions: Tensor, scores: Tensor) -> Tensor:
        return negative_log_likelihood(emissions, scores, tags, lengths)

    inputs = (emissions.requires_grad_(), scores.requires_grad_())
    assert torch.autograd.gradcheck(loss, inputs)
    assert torch.autograd.gradgradcheck(loss, inputs)


def test_gradient_by_scores_is_expected_minus_seen_transitions() -> None:
    emissions, scores, lengths = random_problem(1, [3])
    scores.requires_grad_()
    loss = negative_log_likelihood(emissions, scores, torch.tensor([[0, 1, 3]]), lengths)
    (gradient,) = torch.autograd.grad(loss.sum(), scores)
    paths = legal_paths(1, 3)
    tags = names(1)
    totals = torch.stack([path_score(emissions[0], scores.detach(), p, tags) for p in paths])
    expected = torch.zeros_like(scores)
    for path, share in zip(paths, torch.softmax(totals, 0), strict=True):
        words = [tags[i] for i in path]
        moves = [f"start>{words[0][0]}", f"{words[-1][0]}>end"]
        for move in [*moves, *(transition_name(a, b) for a, b in itertools.pairwise(words))]:
            expected[TRANSITIONS.index(move)] += share
    for move in ("start>O", "O>B", "B>E", "E>end"):
        expected[TRANSITIONS.index(move)] -= 1
    torch.testing.assert_close(gradient, expected)


@settings(max_examples=60, deadline=None)
@given(
    types=st.integers(1, 4),
    lengths=st.lists(st.integers(1, 7), min_size=1, max_size=4),
    seed=st.integers(0, 2**31),
    scale=st.sampled_from([0.0, 1.0, 1e5]),
)
def test_decoding_is_always_legal(types: int, lengths: list[int], seed: int, scale: float) -> None:
    emissions, scores, sizes = random_problem(types, lengths, seed)
    # At the scale of 1e5 illegal tags would win by far against any finite mask.
    paths = viterbi(emissions * scale, scores * scale, sizes)
    assert [len(path) for path in paths] == lengths
    tags = names(types)
    for path in paths:
        validate([tags[i] for i in path], Scheme.IOBES)


@pytest.mark.parametrize("types", [1, 2, 3])
def test_transitions_are_legal_exactly_where_the_scheme_says(types: int) -> None:
    inner, start, end = transition_index(types)
    tags = names(types)
    for (i, before), (j, after) in itertools.product(enumerate(tags), repeat=2):
        head = [] if before[0] in "OBS" else ["B" + before[1:]]
        tail = [] if after[0] in "OES" else ["E" + after[1:]]
        allowed = legal([*head, before, after, *tail])
        assert bool(inner[i, j] >= 0) == allowed, (before, after)
        if allowed:
            assert TRANSITIONS[int(inner[i, j])] == transition_name(before, after)
    assert [bool(i >= 0) for i in start] == [tag[0] in "OBS" for tag in tags]
    assert [bool(i >= 0) for i in end] == [tag[0] in "OES" for tag in tags]


def test_every_abstract_transition_is_used_by_two_types_and_masks_are_no_parameter() -> None:
    index = torch.cat([part.flatten() for part in transition_index(2)])
    assert set(index.tolist()) == {-1, *range(len(TRANSITIONS))}
    assert len(set(TRANSITIONS)) == len(TRANSITIONS)
    scores = torch.arange(float(len(TRANSITIONS)))
    inner, start, _ = expand(scores, 2)
    assert inner[0, 2] == start[2] == MASKED
    assert inner[3, 1] == scores[TRANSITIONS.index("E>B=")]
    assert inner[3, 5] == scores[TRANSITIONS.index("E>B!")]


def test_scores_of_types_are_exchangeable() -> None:
    """Renaming the types changes nothing: no transition knows a particular label."""
    emissions, scores, lengths = random_problem(2, [3])
    swap = [0, 5, 6, 7, 8, 1, 2, 3, 4]
    tags = torch.tensor([[1, 3, 8]])
    renamed = torch.tensor([[5, 7, 4]])
    a = negative_log_likelihood(emissions, scores, tags, lengths)
    b = negative_log_likelihood(emissions[..., swap], scores, renamed, lengths)
    torch.testing.assert_close(a, b)
