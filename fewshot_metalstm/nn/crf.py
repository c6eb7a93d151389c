"""A linear-chain CRF over IOBES tags: loss, decoding, and the probability of a mention.

The scores of transitions are the abstract ones of :mod:`fewshot_metalstm.nn.transitions`. Illegal
transitions take no part in the partition function, and decoding can never emit one.

Every function has two forms: one in torch (:mod:`fewshot_metalstm.nn.crf_plain`), and one compiled
by numba (:mod:`fewshot_metalstm.nn.crf_jit`), which is taken for float32 and float64 on the CPU
where numba is there, unless ``plain`` is asked for. The gradient of the compiled form is the
analytic one, marginals minus gold, taken along with the value; for a graph of the gradient itself
(second order), and for scores too far apart to stand beside each other as weights in a float64, it
turns to the plain form. ``torch.func`` needs ``plain=True``.

Source: Lafferty, McCallum, Pereira, "Conditional Random Fields", ICML 2001.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from fewshot_metalstm.nn import crf_labels, crf_plain, jit
from fewshot_metalstm.nn.transitions import TRANSITIONS, expand, transition_index


def negative_log_likelihood(
    emissions: Tensor, scores: Tensor, tags: Tensor, lengths: Tensor, *, plain: bool = False,
    one_a_token: bool = False,
) -> Tensor:  # fmt: skip
    """-log p(tags | emissions) of each sentence; infinite where the tags are illegal.

    Args:
        emissions: (B, T, K), K = 1 + 4 * types.
        scores: abstract transition scores, (len(TRANSITIONS),).
        tags: (B, T) int64 below K; padding may hold any.
        lengths: (B,) int64 in [1, T].
        plain: take the form in torch.
        one_a_token: every token has a label, see :mod:`fewshot_metalstm.nn.crf_labels`.

    Returns:
        (B,) in nats.

    Raises:
        IndexError: a tag or a length is out of its range.
    """
    if one_a_token:
        return crf_labels.negative_log_likelihood(emissions, scores, tags, lengths)
    if plain or not _compiled(emissions, scores):
        return crf_plain.negative_log_likelihood(emissions, scores, tags, lengths)
    if torch.is_grad_enabled() and (emissions.requires_grad or scores.requires_grad):
        loss: Tensor = Likelihood.apply(  # type: ignore[no-untyped-call]
            emissions, scores, tags, lengths
        )
        return loss
    return _likelihood(emissions, scores, tags, lengths, gradient=False)[0]


class Likelihood(torch.autograd.Function):
    """The compiled likelihood; its gradient waits in the graph."""

    @staticmethod
    def forward(
        ctx: Any, emissions: Tensor, scores: Tensor, tags: Tensor, lengths: Tensor
    ) -> Tensor:
        """See :func:`negative_log_likelihood`."""
        loss, *gradients = _likelihood(emissions, scores, tags, lengths, gradient=True)
        ctx.save_for_backward(emissions, scores, tags, lengths, *gradients)
        return loss

    @staticmethod
    def backward(ctx: Any, *d_loss: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients by the emissions and the scores."""
        emissions, scores, tags, lengths, *gradients = ctx.saved_tensors
        need = ctx.needs_input_grad[:2]
        graph = torch.is_grad_enabled()
        if gradients and not graph:
            by_emission = gradients[0] * d_loss[0].view(-1, 1, 1) if need[0] else None
            return by_emission, d_loss[0] @ gradients[1] if need[1] else None, None, None
        with torch.enable_grad():
            # Views, so that scores which depend on the emissions do not count twice.
            e, s = emissions.view_as(emissions), scores.view_as(scores)
            loss = crf_plain.negative_log_likelihood(e, s, tags, lengths)
            wanted = [x for x, n in zip((e, s), need, strict=True) if n]
            found = iter(torch.autograd.grad(loss, wanted, d_loss[0], create_graph=graph))
        return (*(next(found) if n else None for n in need), None, None)


def _likelihood(
    emissions: Tensor, scores: Tensor, tags: Tensor, lengths: Tensor, *, gradient: bool
) -> tuple[Tensor, ...]:
    """The loss and, of each sentence, its gradients by emissions and scores.

    The loss alone, from the plain form, where scores are too far apart.
    """
    from fewshot_metalstm.nn.kernels import crf as kernels

    batch, steps, width = emissions.shape
    rows = batch if gradient else 0
    loss = emissions.new_empty(batch)
    by_emission = emissions.new_empty(rows, steps, width)
    by_score = emissions.new_empty(rows, len(TRANSITIONS))
    index = transition_index((width - 1) // 4)
    arguments = (emissions, scores, tags, lengths, *index, loss, by_emission, by_score)
    if _fine(kernels.likelihood(*map(_array, arguments))):
        return loss, by_emission, by_score
    with torch.no_grad():
        return (crf_plain.negative_log_likelihood(emissions, scores, tags, lengths),)


@torch.no_grad()
def viterbi(
    emissions: Tensor, scores: Tensor, lengths: Tensor, *, plain: bool = False,
    one_a_token: bool = False,
) -> list[list[int]]:  # fmt: skip
    """The best legal tag sequence of each sentence; arguments as in the likelihood.

    Of equally good tags to come from (or to end with) the one with the lowest index is taken.
    """
    if one_a_token:
        return crf_labels.viterbi(emissions, scores, lengths)
    if plain or not _compiled(emissions, scores):
        paths = crf_plain.viterbi(emissions, scores, lengths)
    else:
        from fewshot_metalstm.nn.kernels import viterbi as kernel

        transitions = expand(scores, (emissions.shape[2] - 1) // 4)
        paths = torch.zeros(emissions.shape[:2], dtype=torch.int64)
        _fine(kernel.viterbi(*map(_array, (emissions, *transitions, lengths, paths))))
    return [row[:n] for row, n in zip(paths.tolist(), lengths.tolist(), strict=True)]


@torch.no_grad()
def mention_marginals(
    emissions: Tensor, scores: Tensor, lengths: Tensor, mentions: Tensor, *, plain: bool = False,
    one_a_token: bool = False,
) -> Tensor:  # fmt: skip
    """The probability of each mention: of all the paths together that hold exactly this one.

    Args:
        emissions, scores, lengths: as in the likelihood.
        mentions: (M, 4) int64: sentence, first token, the token after the last, type.
        plain: take the form in torch.

    Returns:
        (M,), without a graph.

    Raises:
        IndexError: a mention is not within its sentence, or its type is unknown.
    """
    if one_a_token:
        return crf_labels.marginals(emissions, scores, lengths, mentions)
    if not plain and _compiled(emissions, scores):
        from fewshot_metalstm.nn.kernels import crf as kernels

        order = torch.argsort(mentions[:, 0], stable=True)
        chances = emissions.new_empty(len(mentions))
        arguments = (emissions, scores, lengths, order, mentions, chances)
        if _fine(kernels.marginals(*map(_array, arguments))):
            return chances
    return crf_plain.mention_marginals(emissions, scores, lengths, mentions)


def _compiled(emissions: Tensor, scores: Tensor) -> bool:
    """Whether the compiled form can take these."""
    return (
        emissions.device.type == "cpu"
        and emissions.dtype in (torch.float32, torch.float64)
        and scores.dtype == emissions.dtype
        and jit.available()
    )


def _array(x: Tensor) -> Any:
    """The tensor's own memory as an array; a copy if it is not laid out row by row."""
    return x.detach().contiguous().numpy()


def _fine(end: int) -> bool:
    """How a kernel ended: well, or not for want of range; ``IndexError`` if its input is wrong."""
    from fewshot_metalstm.nn.kernels import crf as kernels

    if end == kernels.BAD:
        raise IndexError("a tag, a length or a mention is out of its range")
    return end == kernels.FINE
