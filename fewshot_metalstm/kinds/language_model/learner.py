"""The language model as a learner: bytes in, the probabilities of the next byte out.

What is learned is the mean nats of a byte. Noise and what is added to the loss in training are
those of the AWD-LSTM: weights from state to state are dropped (DropConnect), masks of dropout stay
the same along a row, whole bytes are dropped from the embedding, and activity of the states and
their change from step to step cost a little. Source: Merity, Keskar, Socher, "Regularizing and
Optimizing LSTM Language Models", ICLR 2018.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import cross_entropy, linear, log_softmax

from fewshot_metalstm.kinds.language_model.encoding import BYTES, SYMBOLS, Batch
from fewshot_metalstm.kinds.language_model.score import Cost
from fewshot_metalstm.kinds.language_model.settings import ModelConfig, check_sizes
from fewshot_metalstm.meta.learner import Learner, Params
from fewshot_metalstm.nn.noise import dropout, locked
from fewshot_metalstm.nn.recurrent import Recurrent, make_lstm

_FROM_STATE = re.compile(r"(basic|meta)_(wh|qh|h|g)$")  # weights that read a state


class LanguageModel(Learner):
    """A recurrent language model over bytes.

    Args:
        config: sizes and noise.
        generator: of the fresh weights.
    """

    def __init__(self, config: ModelConfig, generator: torch.Generator) -> None:
        super().__init__()
        check_sizes(config)
        self.config = config
        self.embedding = nn.Parameter(torch.randn(SYMBOLS, config.embedding, generator=generator))
        layers: list[Recurrent] = []
        for _ in range(config.layers):
            inputs = layers[-1].outputs if layers else config.embedding
            layers.append(make_lstm(inputs, config.lstm, generator))
            layers[-1].ahead = True
        self.layers = nn.ModuleList(layers)
        width = layers[-1].outputs
        outputs = config.embedding if config.tied else BYTES
        self.head_weight = nn.Parameter(
            width**-0.5 * torch.randn(outputs, width, generator=generator)
        )
        self.head_bias = nn.Parameter(torch.zeros(BYTES))
        if config.tied:  # a product of two such has the deviation that logits should begin with
            with torch.no_grad():
                self.embedding.mul_(config.embedding**-0.5)

    def adapted(self) -> tuple[str, ...]:
        """The recurrent layers' own weights and the head."""
        own = (n for n, _ in self.named_parameters() if re.match(r"layers\.\d+\.basic_", n))
        return (*own, *self.head())

    def head(self) -> tuple[str, ...]:
        """Names of the parameters that map states to bytes."""
        return ("head_weight", "head_bias")

    def states(self, batch: Batch, generator: torch.Generator | None = None) -> Tensor:
        """What stands for the text up to each place, (B, T, outputs of the last layer).

        Output dropout is not in it.
        """
        config = self.config
        embedding = dropout(self.embedding, config.symbol_dropout, generator, rows=True)
        if generator is not None and config.symbol_dropout > 0:
            embedding = embedding / (1 - config.symbol_dropout)
        if generator is None or config.input_dropout <= 0:
            found = self._read(0, embedding, batch.symbols, batch.lengths, generator)
        else:
            found = self._above(0, embedding[batch.symbols], config.input_dropout, batch, generator)
        for number in range(1, len(self.layers)):
            found = self._above(number, found, config.between_dropout, batch, generator)
        return found

    def _above(
        self, number: int, below: Tensor, rate: float, batch: Batch,
        generator: torch.Generator | None,
    ) -> Tensor:  # fmt: skip
        """A layer over states (B, T, F), with a mask of dropout that is the same along a row."""
        below = locked(below, rate, generator)
        rows, steps = batch.symbols.shape
        index = torch.arange(rows * steps, device=below.device).view(rows, steps)
        return self._read(number, below.flatten(0, 1), index, batch.lengths, generator)

    def _read(
        self, number: int, words: Tensor, index: Tensor, lengths: Tensor,
        generator: torch.Generator | None,
    ) -> Tensor:  # fmt: skip
        layer, rate = self.layers[number], self.config.weight_drop
        given = (words, index, lengths, generator)
        if generator is None or rate <= 0:
            read: Tensor = layer(*given)
        else:
            dropped = {
                name: dropout(value, rate, generator) if _FROM_STATE.search(name) else value
                for name, value in layer.named_parameters()
            }
            read = functional_call(layer, dropped, given)
        return read

    def scores(self, states: Tensor) -> Tensor:
        """Logits of the next byte, (.., 256), from states."""
        if not self.config.tied:
            return linear(states, self.head_weight, self.head_bias)
        return linear(linear(states, self.head_weight), self.embedding[:BYTES], self.head_bias)

    def forward(self, batch: Batch, generator: torch.Generator | None = None) -> Tensor:
        """Mean nats of a scored byte; with a generator, and what AR and TAR add."""
        states = self.states(batch, generator)
        read = locked(states, self.config.output_dropout, generator)
        here = batch.weight > 0
        loss = cross_entropy(self.scores(read[here]), batch.targets[here])
        if generator is None:
            return loss
        if self.config.activity > 0:
            loss = loss + self.config.activity * read[here].square().mean()
        if self.config.change > 0 and states.shape[1] > 1:
            moved = (states[:, 1:] - states[:, :-1])[here[:, 1:]]
            loss = loss + self.config.change * moved.square().mean()
        return loss

    @torch.no_grad()
    def log_probabilities(self, params: Mapping[str, Tensor], batch: Batch) -> Tensor:
        """Nats of every next byte at the scored places, (bytes, 256), row by row, under params."""
        states = self.under(params, "states", batch)
        found = self.under(params, "scores", states[batch.weight > 0])
        return log_softmax(found, dim=-1)

    def cost(self, params: Mapping[str, Tensor], batch: Batch) -> Cost:
        """What the scored bytes cost under ``params``."""
        found = self.log_probabilities(params, batch)
        wanted = batch.targets[batch.weight > 0].unsqueeze(1)
        nats = -float(found.gather(1, wanted).double().sum())
        return Cost(nats, len(wanted), batch.characters)

    def figure(self, params: Params, batch: Batch) -> float:
        """Bits per character of ``batch`` under ``params``."""
        return self.cost(params, batch).bits_per_character
