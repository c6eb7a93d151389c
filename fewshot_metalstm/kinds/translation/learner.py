"""The translator as a learner: an encoder, a decoder, and attention from one to the other.

The encoder reads the sentence in both directions. The decoder reads what is written so far, both
halves of its layers forwards; the mean of the encoder's states is added to what it reads first.
From its state ``h_t`` and the encoder's states ``m_s``::

    a_ts = softmax_s(h_t W_a m_s) ;  c_t = sum_s a_ts m_s ;  o_t = tanh(W_c [h_t; c_t] + b_c)
    p(next) = softmax(E o_t + b)

``E`` are the numbers that stand for subwords, of both languages, in encoder and decoder too. The
decoder reads no ``o``: so in training all of a sentence is read in one call.

Sources: Luong, Pham, Manning, "Effective Approaches to Attention-based Neural Machine Translation",
EMNLP 2015 (global attention, form "general", without input feeding); Press, Wolf, "Using the Output
Embedding to Improve Language Models", EACL 2017 (one table for all three).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, linear

from fewshot_metalstm.kinds.translation.encoding import Batch, Memory, Sentences
from fewshot_metalstm.kinds.translation.search import beam_search
from fewshot_metalstm.kinds.translation.settings import TranslatorConfig, check_sizes
from fewshot_metalstm.meta.learner import Learner, Params
from fewshot_metalstm.nn.noise import locked
from fewshot_metalstm.nn.recurrent import Recurrent, make_lstm

_MARKS = 2  # numbers behind those of the subwords: of the start, and of the end


class Translator(Learner):
    """An LSTM encoder-decoder with attention.

    Args:
        config: sizes and noise.
        subwords: how many there are.
        generator: of the fresh weights.
    """

    def __init__(self, config: TranslatorConfig, subwords: int, generator: torch.Generator) -> None:
        super().__init__()
        check_sizes(config)
        self.config = config
        self.symbols = subwords + _MARKS
        size = config.embedding

        def normal(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(*shape, generator=generator) * shape[-1] ** -0.5)

        self.embedding = normal(self.symbols, size)
        encoder = self._stack(generator, ahead=False)
        decoder = self._stack(generator, ahead=True)
        self.encoder, self.decoder = nn.ModuleList(encoder), nn.ModuleList(decoder)
        read, written = encoder[-1].outputs, decoder[-1].outputs
        self.bridge_weight = normal(size, read)
        self.attention_weight = normal(read, written)
        self.head_weight = normal(size, written + read)
        self.head_bias = nn.Parameter(torch.zeros(size))
        self.output_bias = nn.Parameter(torch.zeros(self.symbols))

    def _stack(self, generator: torch.Generator, *, ahead: bool) -> list[Recurrent]:
        layers: list[Recurrent] = []
        for _ in range(self.config.layers):
            inputs = layers[-1].outputs if layers else self.config.embedding
            layers.append(make_lstm(inputs, self.config.lstm, generator))
            layers[-1].ahead = ahead
        return layers

    @property
    def start(self) -> int:
        """The number that stands before a sentence that is written."""
        return self.symbols - 2

    @property
    def end(self) -> int:
        """The number that stands behind every sentence."""
        return self.symbols - 1

    def adapted(self) -> tuple[str, ...]:
        """The recurrent layers' own weights and the head."""
        own = (n for n, _ in self.named_parameters() if re.match(r"(en|de)coder\.\d+\.basic_", n))
        return (*own, *self.head())

    def head(self) -> tuple[str, ...]:
        """Names of the parameters that map states to subwords, without the table of subwords."""
        return ("head_weight", "head_bias", "output_bias")

    def encode(self, source: Sentences, generator: torch.Generator | None = None) -> Memory:
        """Read sentences."""
        states = self._through(
            self.encoder, self.embedding[source.symbols], source.lengths, generator
        )
        steps = torch.arange(source.symbols.shape[1], device=states.device)
        inside = steps < source.lengths.unsqueeze(1)
        mean = states.sum(1) / source.lengths.unsqueeze(1)  # states are zero at padding
        return Memory(states, inside, linear(mean, self.bridge_weight))

    def decode(self, batch: Batch, memory: Memory, generator: torch.Generator | None) -> Tensor:
        """What is predicted from at each place of the translations, (B, T, embedding)."""
        states = self._written(batch, memory, generator)
        return locked(self.attend(states, memory), self.config.dropout, generator)

    def _written(self, batch: Batch, memory: Memory, generator: torch.Generator | None) -> Tensor:
        """The decoder's states at each place of the translations, (B, T, D)."""
        read = self.embedding[batch.read]
        read = torch.cat([read[:, :1] + memory.bridge.unsqueeze(1), read[:, 1:]], 1)
        return self._through(self.decoder, read, batch.lengths, generator)

    def attention(self, batch: Batch) -> Tensor:
        """How much of each subword that is read stands behind each one written, (B, T, S)."""
        memory = self.encode(batch.source)
        return self._weights(self._written(batch, memory, None), memory)

    def _weights(self, states: Tensor, memory: Memory) -> Tensor:
        """Of attention from the decoder's states (B, T, D) to what was read: (B, T, S)."""
        asked = linear(states, self.attention_weight)  # (B, T, F)
        weights = torch.bmm(asked, memory.states.transpose(1, 2))
        return weights.masked_fill(~memory.inside.unsqueeze(1), -torch.inf).softmax(-1)

    def _through(
        self, layers: nn.ModuleList, x: Tensor, lengths: Tensor, generator: torch.Generator | None
    ) -> Tensor:
        """States of the last of some layers over (B, T, features)."""
        rows, steps = x.shape[:2]
        index = torch.arange(rows * steps, device=x.device).view(rows, steps)
        for layer in layers:
            x = locked(x, self.config.dropout, generator)
            x = layer(x.flatten(0, 1), index, lengths, generator)
        return x

    def attend(self, states: Tensor, memory: Memory) -> Tensor:
        """From the decoder's states (B, T, D) to what is predicted from, (B, T, embedding)."""
        context = torch.bmm(self._weights(states, memory), memory.states)
        return torch.tanh(
            linear(torch.cat([states, context], -1), self.head_weight, self.head_bias)
        )

    def scores(self, found: Tensor) -> Tensor:
        """Logits of the next subword, (.., symbols), from what is predicted from."""
        return linear(found, self.embedding, self.output_bias)

    def forward(self, batch: Batch, generator: torch.Generator | None = None) -> Tensor:
        """Mean nats of a subword; with a generator, of a smoothed one."""
        memory = self.encode(batch.source, generator)
        found = self.decode(batch, memory, generator)
        steps = torch.arange(batch.wanted.shape[1], device=found.device)
        here = steps < batch.lengths.unsqueeze(1)
        smoothing = 0.0 if generator is None else self.config.smoothing
        return cross_entropy(
            self.scores(found[here]), batch.wanted[here], label_smoothing=smoothing
        )

    def write(self, source: Sentences, beam: int) -> list[list[int]]:
        """The translations of some sentences by their subwords, without the mark of the end."""
        with torch.no_grad():
            return beam_search(self, source, beam, self.config.length_power)

    def translations(
        self, params: Mapping[str, Tensor], source: Sentences, beam: int
    ) -> Sequence[Sequence[int]]:
        """:meth:`write` under ``params``."""
        found: list[list[int]] = self.under(params, "write", source, beam)
        return found

    def figure(self, params: Params, batch: Batch) -> float:
        """None of a batch: chrF is of text, which numbers alone are not."""
        del params, batch
        return float("nan")
