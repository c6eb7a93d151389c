"""The CRF against the enumeration of every tag sequence, and its derivatives."""

from __future__ import annotations

import itertools
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from fewshot_metalstm.kinds.tagging.corpora.schemes import Scheme, spans, validate
from fewshot_metalstm.nn import crf, jit
from fewshot_metalstm.nn.crf import mention_marginals, negative_log_likelihood, viterbi
from fewshot_metalstm.nn.transitions import TRANSITIONS
from tests.nn.paths import legal_paths, names, path_score, random_problem, transition_name

needs_numba = pytest.mark.skipif(not jit.available(), reason="numba is missing or switched off")
both = pytest.mark.parametrize("plain", [True, pytest.param(False, marks=needs_numba)])
SIZES = [
    (1, [1]), (1, [2, 1, 5]), (2, [3, 1, 8, 8]), (2, [40, 17]), (3, [6, 6]), (6, [4, 9, 1]),
]  # fmt: skip


def legal_tags(emissions: Tensor, scores: Tensor, lengths: Tensor) -> Tensor:
    """Legal paths that have little to do with the best ones of these emissions."""
    noise = torch.randn(emissions.shape, generator=torch.Generator().manual_seed(5))
    paths = viterbi(noise.to(emissions), scores.detach(), lengths, plain=True)
    return torch.nn.utils.rnn.pad_sequence([torch.tensor(p) for p in paths], batch_first=True)


def all_mentions(types: int, lengths: list[int]) -> Tensor:
    rows = [
        (row, start, end, kind)
        for row, length in enumerate(lengths)
        for start in range(length)
        for end in range(start + 1, length + 1)
        for kind in range(types)
    ]
    return torch.tensor(rows)


def gradients(
    emissions: Tensor, scores: Tensor, tags: Tensor, lengths: Tensor, plain: bool
) -> tuple[Tensor, ...]:
    """The losses, and the gradients of their sum with unequal weights."""
    inputs = (emissions.detach().requires_grad_(), scores.detach().requires_grad_())
    loss = negative_log_likelihood(*inputs, tags, lengths, plain=plain)
    weights = torch.arange(1, len(loss) + 1).to(loss)
    return loss.detach(), *torch.autograd.grad(loss, inputs, weights)


@pytest.mark.parametrize(("types", "lengths"), [(1, [4, 1, 3, 2]), (2, [3, 1, 2]), (3, [2, 3])])
@both
def test_likelihood_and_viterbi_equal_enumeration(
    types: int, lengths: list[int], plain: bool
) -> None:
    emissions, scores, sizes = random_problem(types, lengths)
    tags = names(types)
    decoded = viterbi(emissions, scores, sizes, plain=plain)
    for row, length in enumerate(lengths):
        paths = legal_paths(types, length)
        totals = torch.stack([path_score(emissions[row], scores, p, tags) for p in paths])
        assert decoded[row] == list(paths[int(totals.argmax())])
        log_partition = torch.logsumexp(totals, dim=0)
        gold = torch.zeros(1, max(lengths), dtype=torch.int64)
        for path, total in list(zip(paths, totals, strict=True))[:: max(1, len(paths) // 7)]:
            gold[0, :length] = torch.tensor(path)
            loss = negative_log_likelihood(
                emissions[row : row + 1], scores, gold, sizes[row : row + 1], plain=plain
            )
            torch.testing.assert_close(loss[0], log_partition - total, rtol=0, atol=1e-10)


@both
def test_likelihood_of_a_ragged_batch_ignores_padding(plain: bool) -> None:
    emissions, scores, lengths = random_problem(2, [4, 2, 1])
    tags = torch.tensor([[0, 1, 3, 8], [4, 5, 0, 0], [0, 0, 0, 0]])
    tags[1, 1] = 4
    whole = negative_log_likelihood(emissions, scores, tags, lengths, plain=plain)
    emissions[1, 2:] = 1e3
    emissions[2, 1:] = -1e3
    tags[1, 2:] = 7
    tags[2, 1:] = torch.tensor([2, 6, 1])  # no legal sequence
    changed = negative_log_likelihood(emissions, scores, tags, lengths, plain=plain)
    assert torch.equal(whole, changed)
    for row, length in enumerate(lengths.tolist()):
        alone = negative_log_likelihood(
            emissions[row : row + 1, :length], scores, tags[row : row + 1, :length],
            lengths[row : row + 1], plain=plain,
        )  # fmt: skip
        torch.testing.assert_close(alone[0], whole[row], rtol=0, atol=1e-10)


def test_probabilities_of_all_legal_paths_sum_to_one() -> None:
    emissions, scores, _ = random_problem(2, [3])
    paths = torch.tensor(legal_paths(2, 3))
    many = emissions.expand(len(paths), -1, -1)
    loss = negative_log_likelihood(many, scores, paths, torch.full((len(paths),), 3))
    assert float(torch.exp(-loss).sum()) == pytest.approx(1.0, abs=1e-10)


@both
def test_gradients_of_first_and_second_order(plain: bool) -> None:
    emissions, scores, lengths = random_problem(2, [3, 1])
    tags = torch.tensor([[1, 3, 8], [0, 0, 0]])

    def loss(emissions: Tensor, scores: Tensor) -> Tensor:
        return negative_log_likelihood(emissions, scores, tags, lengths, plain=plain)

    inputs = (emissions.requires_grad_(), scores.requires_grad_())
    assert torch.autograd.gradcheck(loss, inputs)
    assert torch.autograd.gradgradcheck(loss, inputs)


@both
def test_gradient_by_scores_is_expected_minus_seen_transitions(plain: bool) -> None:
    emissions, scores, lengths = random_problem(1, [3])
    scores.requires_grad_()
    tags_of_gold = torch.tensor([[0, 1, 3]])
    loss = negative_log_likelihood(emissions, scores, tags_of_gold, lengths, plain=plain)
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


@needs_numba
@pytest.mark.parametrize("scale", [0.0, 1.0, 150.0, 1e4])
@pytest.mark.parametrize(("types", "lengths"), SIZES)
def test_compiled_and_plain_forms_are_equal(types: int, lengths: list[int], scale: float) -> None:
    """Also where weights are too far apart for one float64 (the two larger scales)."""
    emissions, scores, sizes = random_problem(types, lengths)
    emissions *= scale
    tags = legal_tags(emissions, scores, sizes)
    fast, plain = (gradients(emissions, scores, tags, sizes, p) for p in (False, True))
    for a, b in zip(fast, plain, strict=True):
        assert a.isfinite().all()
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)
    with torch.no_grad():
        alone = negative_log_likelihood(emissions, scores, tags, sizes)
    assert torch.equal(alone, fast[0])
    assert viterbi(emissions, scores, sizes) == viterbi(emissions, scores, sizes, plain=True)
    mentions = all_mentions(types, lengths)[::7]
    torch.testing.assert_close(
        mention_marginals(emissions, scores, sizes, mentions),
        mention_marginals(emissions, scores, sizes, mentions, plain=True),
        rtol=1e-9, atol=1e-11,
    )  # fmt: skip


@needs_numba
@pytest.mark.parametrize(("types", "lengths"), SIZES)
def test_compiled_form_rounds_to_single_precision_at_the_end(
    types: int, lengths: list[int]
) -> None:
    emissions, scores, sizes = random_problem(types, lengths)
    emissions, scores = emissions.float(), scores.float()
    tags = legal_tags(emissions, scores, sizes)
    single = gradients(emissions, scores, tags, sizes, plain=False)
    double = gradients(emissions.double(), scores.double(), tags, sizes, plain=True)
    for a, b in zip(single, double, strict=True):
        assert a.dtype == torch.float32
        torch.testing.assert_close(a, b.float(), rtol=1e-5, atol=1e-6)
    assert viterbi(emissions, scores, sizes) == viterbi(emissions, scores, sizes, plain=True)
    mentions = all_mentions(types, lengths)[::7]
    torch.testing.assert_close(
        mention_marginals(emissions, scores, sizes, mentions),
        mention_marginals(emissions.double(), scores.double(), sizes, mentions, plain=True).float(),
        rtol=1e-5, atol=1e-7,
    )  # fmt: skip
    for part in gradients(emissions * 1e4, scores, tags, sizes, plain=False):
        assert part.isfinite().all()


@both
@pytest.mark.parametrize("spot", [(0, 2), (0, 3), (2, 1), (1, 6)])
def test_what_is_illegal_never_counts_however_good_it_looks(
    plain: bool, spot: tuple[int, int]
) -> None:
    """I and E where a sentence begins, B where it ends; and a good tag in the middle."""
    types, length = 2, 3
    emissions, scores, sizes = random_problem(types, [length])
    emissions[0, spot[0], spot[1]] = 1e4
    emissions[0, 1, 0] = -1e4
    paths, tags = legal_paths(types, length), names(types)
    totals = torch.stack([path_score(emissions[0], scores, p, tags) for p in paths])
    gold = torch.tensor([[1, 2, 3]])
    total = path_score(emissions[0], scores, (1, 2, 3), tags)
    loss, by_emission, _ = gradients(emissions, scores, gold, sizes, plain)
    torch.testing.assert_close(loss[0], torch.logsumexp(totals, 0) - total, rtol=1e-12, atol=1e-9)
    share = torch.softmax(totals, 0)
    expected = torch.zeros(length, 1 + 4 * types, dtype=torch.float64)
    for path, chance in zip(paths, share, strict=True):
        expected[range(length), list(path)] += chance
    expected[range(length), gold[0].tolist()] -= 1
    torch.testing.assert_close(by_emission[0], expected, rtol=0, atol=1e-11)
    assert viterbi(emissions, scores, sizes, plain=plain) == [list(paths[int(totals.argmax())])]


@both
def test_scores_far_apart_are_still_counted(plain: bool) -> None:
    """Transition scores whose weights would vanish beside each other."""
    emissions, scores, sizes = random_problem(1, [4])
    scores *= 800
    paths, tags = legal_paths(1, 4), names(1)
    totals = torch.stack([path_score(emissions[0], scores, p, tags) for p in paths])
    worst = paths[int(totals.argmin())]
    loss, *others = gradients(emissions, scores, torch.tensor([worst]), sizes, plain)
    torch.testing.assert_close(loss[0], torch.logsumexp(totals, 0) - totals.min())
    assert all(gradient.isfinite().all() for gradient in others)


@both
@pytest.mark.parametrize(("types", "lengths"), [(1, [4, 1]), (2, [3, 2, 1])])
def test_marginals_of_mentions_equal_enumeration(
    types: int, lengths: list[int], plain: bool
) -> None:
    emissions, scores, sizes = random_problem(types, lengths)
    tags = names(types)
    mentions = all_mentions(types, lengths)
    mentions = mentions[torch.randperm(len(mentions), generator=torch.Generator().manual_seed(0))]
    found = mention_marginals(emissions, scores, sizes, mentions, plain=plain)
    for (row, start, end, kind), chance in zip(mentions.tolist(), found, strict=True):
        paths = legal_paths(types, lengths[row])
        totals = torch.stack([path_score(emissions[row], scores, p, tags) for p in paths])
        holds = [
            any((s.start, s.end, s.type) == (start, end, f"t{kind}") for s in spans(words))
            for words in ([tags[i] for i in path] for path in paths)
        ]
        expected = torch.softmax(totals, 0)[torch.tensor(holds)].sum()
        torch.testing.assert_close(chance, expected, rtol=1e-11, atol=1e-13)
    nothing = mentions[:0]
    assert len(mention_marginals(emissions, scores, sizes, nothing, plain=plain)) == 0


@both
@pytest.mark.parametrize("mention", [(0, 1, 1, 0), (0, 0, 4, 0), (1, 0, 2, 0), (0, 0, 1, 2)])
def test_a_mention_outside_its_sentence_is_refused(
    mention: tuple[int, int, int, int], plain: bool
) -> None:
    emissions, scores, sizes = random_problem(2, [3, 1])
    with pytest.raises(IndexError):
        mention_marginals(emissions, scores, sizes, torch.tensor([mention]), plain=plain)


@needs_numba
def test_compiled_code_reads_no_memory_of_others() -> None:
    emissions, scores, lengths = random_problem(1, [3, 2])
    tags = torch.zeros(2, 3, dtype=torch.int64)
    for wrong in ([4, 2], [3, 0], [-1, 2]):
        with pytest.raises(IndexError):
            negative_log_likelihood(emissions, scores, tags, torch.tensor(wrong))
        with pytest.raises(IndexError):
            viterbi(emissions, scores, torch.tensor(wrong))
    for value in (5, -1):
        tags[0, 2] = value
        with pytest.raises(IndexError):
            negative_log_likelihood(emissions, scores, tags, lengths)


@both
def test_illegal_gold_tags_are_infinitely_unlikely(plain: bool) -> None:
    emissions, scores, lengths = random_problem(1, [2, 2])
    tags = torch.tensor([[0, 2], [0, 0]])
    loss = negative_log_likelihood(emissions, scores, tags, lengths, plain=plain)
    assert loss[0] == torch.inf
    assert loss[1].isfinite()


@both
def test_any_layout_of_memory_will_do_and_one_input_may_need_no_gradient(plain: bool) -> None:
    emissions, scores, lengths = random_problem(2, [4, 2])
    tags = legal_tags(emissions, scores, lengths)
    expected = gradients(emissions, scores, tags, lengths, plain)
    turned = emissions.transpose(0, 2).contiguous().transpose(0, 2)
    wide = torch.stack([scores, scores], dim=1)[:, 0]
    found = gradients(turned, wide, tags.t().contiguous().t(), lengths, plain)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b)
    weights = torch.tensor([1.0, 2.0], dtype=torch.float64)
    for place in (0, 1):
        inputs = (emissions.clone(), scores.clone())
        inputs[place].requires_grad_()
        loss = negative_log_likelihood(*inputs, tags, lengths, plain=plain)
        (gradient,) = torch.autograd.grad(loss, inputs[place], weights)
        torch.testing.assert_close(gradient, expected[1 + place])


@needs_numba
def test_second_order_counts_scores_that_depend_on_emissions_once() -> None:
    emissions, scores, lengths = random_problem(1, [3, 2])
    tags = legal_tags(emissions, scores, lengths)
    results = []
    for plain in (False, True):
        leaf = emissions.clone().requires_grad_()
        mixed = scores * leaf.sum()
        loss = negative_log_likelihood(leaf, mixed, tags, lengths, plain=plain).sum()
        (first,) = torch.autograd.grad(loss, leaf, create_graph=True)
        results.append(torch.autograd.grad(first.square().sum(), leaf)[0])
    torch.testing.assert_close(*results)


def test_plain_form_serves_vmap() -> None:
    emissions, scores, lengths = random_problem(2, [3, 1, 2])
    tags = legal_tags(emissions, scores, lengths)
    several = torch.stack([scores, scores * 2])

    def loss(scores: Tensor) -> Tensor:
        return negative_log_likelihood(emissions, scores, tags, lengths, plain=True).sum()

    found = torch.func.vmap(torch.func.grad(loss))(several)
    for row, own in zip(found, several, strict=True):
        leaf = own.clone().requires_grad_()
        torch.testing.assert_close(row, torch.autograd.grad(loss(leaf), leaf)[0])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu_gives_the_same() -> None:
    emissions, scores, lengths = random_problem(2, [9, 4, 1])
    tags, mentions = legal_tags(emissions, scores, lengths), all_mentions(2, [9, 4, 1])[::5]
    there = [x.cuda() for x in (emissions, scores, tags, lengths)]
    for a, b in zip(
        gradients(there[0], there[1], there[2], there[3], plain=False),
        gradients(emissions, scores, tags, lengths, plain=True),
        strict=True,
    ):
        torch.testing.assert_close(a.cpu(), b)
    e, s, _, n = there
    assert viterbi(e, s, n) == viterbi(emissions, scores, lengths)
    torch.testing.assert_close(
        mention_marginals(e, s, n, mentions.cuda()).cpu(),
        mention_marginals(emissions, scores, lengths, mentions),
    )


def test_without_numba_the_plain_form_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    emissions, scores, lengths = random_problem(1, [3, 2])
    tags = legal_tags(emissions, scores, lengths)
    expected = gradients(emissions, scores, tags, lengths, plain=True)
    monkeypatch.setattr(jit, "available", lambda: False)
    monkeypatch.setattr(crf, "_likelihood", None)
    found = gradients(emissions, scores, tags, lengths, plain=False)
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


def test_numba_is_imported_only_to_compute() -> None:
    code = (
        "import sys, fewshot_metalstm.nn.crf, fewshot_metalstm.nn.characters;"
        "sys.exit('numba' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@needs_numba
def test_both_forms_settle_ties_alike() -> None:
    emissions, scores, lengths = random_problem(3, [9, 6, 1])
    for scale in (0.0, 1.0):
        ties = (emissions * scale).round()
        fast = viterbi(ties, scores.round(), lengths)
        assert fast == viterbi(ties, scores.round(), lengths, plain=True)


@settings(max_examples=60, deadline=None)
@given(
    plain=st.just(True) if not jit.available() else st.booleans(),
    types=st.integers(1, 4),
    lengths=st.lists(st.integers(1, 7), min_size=1, max_size=4),
    seed=st.integers(0, 2**31),
    scale=st.sampled_from([0.0, 1.0, 1e5]),
)
def test_decoding_is_always_legal(
    plain: bool, types: int, lengths: list[int], seed: int, scale: float
) -> None:
    emissions, scores, sizes = random_problem(types, lengths, seed)
    # At the scale of 1e5 illegal tags would win by far against any finite mask.
    paths = viterbi(emissions * scale, scores * scale, sizes, plain=plain)
    assert [len(path) for path in paths] == lengths
    tags = names(types)
    for path in paths:
        validate([tags[i] for i in path], Scheme.IOBES)


def test_scores_of_types_are_exchangeable() -> None:
    """Renaming the types changes nothing: no transition knows a particular label."""
    emissions, scores, lengths = random_problem(2, [3])
    swap = [0, 5, 6, 7, 8, 1, 2, 3, 4]
    tags = torch.tensor([[1, 3, 8]])
    renamed = torch.tensor([[5, 7, 4]])
    a = negative_log_likelihood(emissions, scores, tags, lengths)
    b = negative_log_likelihood(emissions[..., swap], scores, renamed, lengths)
    torch.testing.assert_close(a, b)
