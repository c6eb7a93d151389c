"""Beam search: the translations that are likeliest so far, written on until the best one ends.

A translation's score is the log-probability of its subwords, divided by their number to a power.
A sentence is done when the best of its beam has ended, whatever stands beside it in a batch.

Source: Wu et al., "Google's Neural Machine Translation System", 2016, section 7 (with the length
itself in place of their penalty).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from fewshot_metalstm.kinds.translation.encoding import Memory, Sentences
from fewshot_metalstm.nn.recurrent import Recurrent
from fewshot_metalstm.nn.stepping import stepping


class Writer(Protocol):
    """What a search asks of a translator."""

    embedding: nn.Parameter
    decoder: nn.ModuleList

    @property
    def start(self) -> int:
        """The number that stands before a sentence that is written."""

    @property
    def end(self) -> int:
        """The number that stands behind every sentence."""

    def encode(self, source: Sentences) -> Memory:
        """Read sentences."""

    def attend(self, states: Tensor, memory: Memory) -> Tensor:
        """From the decoder's states (B, T, D) to what is predicted from."""

    def scores(self, found: Tensor) -> Tensor:
        """Logits of the next subword from what is predicted from."""


def longest(length: int) -> int:
    """The subwords that a translation of so many may have; there it is ended."""
    return 2 * length + 10


def beam_search(
    learner: Writer, source: Sentences, beam: int, length_power: float
) -> list[list[int]]:
    """The translation of each sentence, by its subwords, without the mark of its end.

    Args:
        beam: translations of a sentence that are followed at a time; 1 takes the likeliest subword
            each time.
        length_power: what the number of subwords is raised to, which scores are divided by.
    """
    found: list[list[int]] = [[] for _ in range(len(source))]
    search = _Search(learner, source, beam, length_power)
    numbers = list(range(len(source)))
    while numbers:
        for place, written in search.step():
            found[numbers[place]] = written
        going = search.keep_going()
        numbers = [numbers[place] for place in going]
    return found


class _Search:
    """Beams of the sentences that have not ended, B of them with k translations each."""

    def __init__(self, learner: Writer, source: Sentences, beam: int, length_power: float) -> None:
        self.learner, self.beam, self.power = learner, beam, length_power
        memory = learner.encode(source)
        rows = torch.arange(len(source), device=memory.states.device).repeat_interleave(beam)
        self.memory = Memory(*(part.index_select(0, rows) for part in memory))
        self.layers = [stepping(_recurrent(layer), len(rows)) for layer in learner.decoder]
        shape = (len(source), beam)
        self.total = memory.states.new_full(shape, -torch.inf)  # log-probabilities
        self.total[:, 0] = 0  # one of each beam, or all would be the same
        self.lengths = memory.states.new_zeros(shape)
        self.ended = torch.zeros(shape, dtype=torch.bool, device=rows.device)
        self.written = torch.full((*shape, 1), learner.start, device=rows.device)
        self.limits = torch.tensor(
            [longest(length) for length in source.lengths.tolist()], device=rows.device
        )

    def step(self) -> list[tuple[int, list[int]]]:
        """Write one more subword; the sentences that are done, by place, with their translation."""
        chances = self._chances()
        beam, symbols, end = self.beam, chances.shape[2], self.learner.end
        total = self.total.unsqueeze(2) + chances
        lengths = self.lengths + ~self.ended
        ranked = total / lengths.clamp(min=1).pow(self.power).unsqueeze(2)
        best = ranked.flatten(1).topk(beam, dim=1).indices
        parent, symbol = best // symbols, best % symbols
        self.total = total.flatten(1).gather(1, best)
        self.lengths = lengths.gather(1, parent)
        self.ended = self.ended.gather(1, parent) | (symbol == end)
        before = self.written.gather(1, parent.unsqueeze(2).expand(-1, -1, self.written.shape[2]))
        self.written = torch.cat([before, symbol.unsqueeze(2)], 2)
        first = torch.arange(len(parent), device=parent.device).unsqueeze(1) * beam
        self._take((first + parent).flatten())
        done = self.ended[:, 0].nonzero().flatten().tolist()
        return [(place, self._text(self.written[place, 0].tolist())) for place in done]

    def _chances(self) -> Tensor:
        """Log-probabilities of what comes next, (B, k, symbols)."""
        learner, steps = self.learner, self.written.shape[2]
        x = learner.embedding[self.written[:, :, -1].flatten()]
        if steps == 1:
            x = x + self.memory.bridge
        for layer in self.layers:
            x = layer.step(x)
        found = learner.scores(learner.attend(x.unsqueeze(1), self.memory).squeeze(1))
        chances = found.log_softmax(-1).view(*self.total.shape, -1)
        chances[..., learner.start] = -torch.inf
        last = (steps >= self.limits).unsqueeze(1)  # of a translation that may get no longer
        only_end = torch.full_like(chances[0, 0], -torch.inf)
        only_end[learner.end] = 0
        return torch.where((self.ended | last).unsqueeze(2), only_end, chances)

    def _text(self, written: Sequence[int]) -> list[int]:
        numbers = list(written[1:])
        return numbers[: numbers.index(self.learner.end)]

    def keep_going(self) -> list[int]:
        """Leave the sentences out that are done; the places of the others."""
        going = (~self.ended[:, 0]).nonzero().flatten()
        if len(going) < len(self.ended):
            own = torch.arange(self.beam, device=going.device)
            rows = (going.unsqueeze(1) * self.beam + own).flatten()
            self.memory = Memory(*(part.index_select(0, rows) for part in self.memory))
            self._take(rows)
            for name in ("total", "lengths", "ended", "written", "limits"):
                setattr(self, name, getattr(self, name).index_select(0, going))
        places: list[int] = going.tolist()
        return places

    def _take(self, rows: Tensor) -> None:
        for layer in self.layers:
            layer.take(rows)


def _recurrent(layer: nn.Module) -> Recurrent:
    assert isinstance(layer, Recurrent)
    return layer
