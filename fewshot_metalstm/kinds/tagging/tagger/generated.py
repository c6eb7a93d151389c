"""What the Meta-LSTM does in a tagger: how far it moves the basic LSTM's weights, word by word.

The weights that meet the words are ``W(z_t) = W_0 + stack_k P_k diag(z_t) Q_k``, with
``z_t = offset + W_z g_t`` (see :mod:`fewshot_metalstm.nn.metalstm`). Were ``z_t`` the same at every
word, the tagger would be a plain LSTM. So each word is described by how far it takes the weights
from those at the mean z over the text: by the Frobenius norm of ``W(z_t) - W(mean z)``, as a share
of the norm of ``W(mean z)``. With ``d = z_t - mean z`` it costs no weights to form::

    || stack_k P_k diag(d) Q_k ||^2  =  d' M d ,   M = sum_k (P_k' P_k) * (Q_k Q_k')

:func:`held_at_mean` is the same tagger with every z at the mean: what it tags differently is what
the generation is worth once the tagger is adapted.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from fewshot_metalstm.kinds.tagging.tagger.decode import batches
from fewshot_metalstm.kinds.tagging.tagger.encoding import WordTable
from fewshot_metalstm.kinds.tagging.tagger.model import TaggerModel
from fewshot_metalstm.nn.metalstm import MetaLSTM

_GATES = 4


@dataclass(frozen=True)
class Generated:
    """The z of a text of N tokens, sentences one after another.

    ``z`` (N, 2, rank): of both directions. ``mean`` (2, rank): over the text. ``moved`` (N,): how
    far the weights at a token are from those at the mean z, as a share of the norm of these (root
    mean square of the two directions).
    """

    z: Tensor
    mean: Tensor
    moved: Tensor


@dataclass(frozen=True)
class Moved:
    """How far something moves the weights: the mean share over its ``number`` of tokens."""

    name: str
    number: int
    mean: float


def generates(model: TaggerModel) -> bool:
    """Whether the tagger has a Meta-LSTM; of one with a plain LSTM there is nothing to tell."""
    return isinstance(model.learner.lstm, MetaLSTM)


@torch.no_grad()
def generated(
    model: TaggerModel, sentences: Sequence[Sequence[str]], table: WordTable | None = None
) -> Generated:
    """Read sentences, given as tokens, and take every z on the way.

    Raises:
        ValueError: there is no token, or the tagger has no Meta-LSTM.
    """
    learner, lstm = model.learner, model.learner.lstm
    if not isinstance(lstm, MetaLSTM):
        raise ValueError("the tagger has no Meta-LSTM")
    if not any(sentences):
        raise ValueError("there is no token to read")
    params = {name: value.detach() for name, value in learner.named_parameters()}
    found: dict[int, Tensor] = {}
    seen: list[Tensor] = []
    hook = lstm.register_forward_hook(lambda _, given, outputs: seen.extend((*given[:2], outputs)))
    try:
        for places, batch, _ in batches(
            learner,
            params,
            model.table() if table is None else table,
            sentences,
            model.types,
        ):
            learner.hidden(batch)
            words, index, outputs = seen
            seen.clear()
            z = states(lstm, words, index, batch.lengths, outputs)
            for row, place in enumerate(places):
                found[place] = z[row, : int(batch.lengths[row])].cpu()
    finally:
        hook.remove()
    every = torch.cat([found[place] for place in sorted(found)])
    mean = every.double().mean(0).to(every)
    return Generated(every, mean, moved(lstm, every, mean))


def states(
    lstm: MetaLSTM, words: Tensor, index: Tensor, lengths: Tensor, outputs: Tensor
) -> Tensor:
    """The z of every token, from what the layer read and wrote.

    With the outputs of the basic LSTM known, the Meta-LSTM's own recurrence is all that is left.

    Args:
        words: features of the distinct words, (U, inputs).
        index: which word stands where, (B, T).
        lengths: tokens of each sentence, (B,).
        outputs: of the layer, (B, T, 2 * hidden).

    Returns:
        (B, T, 2, rank), in the order of the tokens for both directions; zero at padding.
    """
    config, w = lstm.config, lstm.weights()
    batch, steps = index.shape
    ahead = torch.arange(steps, device=index.device).expand(batch, steps)
    inside = ahead < lengths.unsqueeze(1)
    # Back to front within the sentence, and padding where it is: its own inverse.
    back = torch.where(inside, lengths.unsqueeze(1) - 1 - ahead, ahead)
    directions = []
    for d, order in enumerate((ahead, back)):
        hidden = _reordered(outputs.chunk(2, dim=-1)[d], order)  # (B, T, h)
        read = index.gather(1, order)
        from_words = words @ w.meta_x[d] + w.meta_b[d]
        g = s = outputs.new_zeros(batch, config.meta)
        h = outputs.new_zeros(batch, config.hidden)
        z = []
        for t in range(steps):
            gates = from_words[read[:, t]] + h @ w.meta_h[d] + g @ w.meta_g[d]
            n, o, i, f = gates.chunk(_GATES, dim=-1)
            s = torch.tanh(n) * torch.sigmoid(i) + s * torch.sigmoid(f)
            g = torch.sigmoid(o) * torch.tanh(s)
            z.append(config.offset + g @ w.meta_z[d])
            h = hidden[:, t]
        directions.append(_reordered(torch.stack(z, dim=1), order))
    return torch.stack(directions, dim=2) * inside[..., None, None]


def _reordered(values: Tensor, order: Tensor) -> Tensor:
    """(B, T, .) with the places of each sentence in ``order`` (B, T)."""
    return values.gather(1, order.unsqueeze(-1).expand_as(values))


def moved(lstm: MetaLSTM, z: Tensor, mean: Tensor) -> Tensor:
    """How far each z (N, 2, rank) takes the weights from those at ``mean`` (2, rank): (N,)."""
    w = lstm.weights()
    shares = []
    for d in (0, 1):
        q = _by_gate(w.qx[d], w.qh[d]).double()  # (inputs + h, 4, z)
        p = w.p[d].double()  # (4, z, h)
        metric = (torch.einsum("ikz,iky->kzy", q, q) * (p @ p.transpose(1, 2))).sum(0)
        at_mean = torch.einsum("ikz,z,kzh->ikh", q, mean[d].double(), p)
        if w.wx.numel():
            at_mean = at_mean + _by_gate(w.wx[d], w.wh[d])
        away = (z[:, d] - mean[d]).double()
        squared = ((away @ metric) * away).sum(-1).clamp(min=0)  # a rounding may be below 0
        shares.append(squared / at_mean.square().sum())
    return torch.stack(shares).mean(0).sqrt()


def _by_gate(from_words: Tensor, from_outputs: Tensor) -> Tensor:
    """Weights (inputs, 4 k) and (h, 4 k) as (inputs + h, 4, k)."""
    both = torch.cat([from_words, from_outputs])
    return both.view(len(both), _GATES, -1)


def held_at_mean(model: TaggerModel, mean: Tensor) -> TaggerModel:
    """The same tagger with every z at ``mean`` (2, rank): a plain LSTM, whatever it reads."""
    learner = copy.deepcopy(model.learner)
    lstm = learner.lstm
    if not isinstance(lstm, MetaLSTM):
        raise ValueError("the tagger has no Meta-LSTM")
    mean = mean.to(lstm.meta_z)
    lstm.config = replace(lstm.config, offset=1.0)
    with torch.no_grad():
        lstm.meta_z.zero_()  # z = 1, and its mean goes into what it is multiplied with
        for weights in (lstm.basic_qx, lstm.basic_qh):
            weights.mul_(mean.repeat(1, _GATES).unsqueeze(1))
        lstm.basic_bz.mul_(mean.unsqueeze(-1))
    return replace(model, learner=learner)


def by_name(names: Iterable[str], shares: Tensor, least: int = 1) -> list[Moved]:
    """Mean shares (N,) by the name of each of N tokens, the greatest first.

    Names of fewer than ``least`` tokens are left out: a mean over few says little.
    """
    sums: dict[str, tuple[int, float]] = {}
    for name, share in zip(names, shares.tolist(), strict=True):
        number, total = sums.get(name, (0, 0.0))
        sums[name] = (number + 1, total + share)
    found = [Moved(name, n, total / n) for name, (n, total) in sums.items() if n >= least]
    return sorted(found, key=lambda each: (-each.mean, each.name))
