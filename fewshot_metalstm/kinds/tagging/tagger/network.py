"""The tagger as a network: word features, a recurrent layer, type heads, CRF.

What the ways of adapting it are written against (prototypes, a memory of heads, stacks of tasks);
:mod:`~fewshot_metalstm.kinds.tagging.tagger.learner` puts them together.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated, Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from fewshot_metalstm.config import as_mapping
from fewshot_metalstm.kinds.tagging.tagger.encoding import CASE_FEATURES, Batch
from fewshot_metalstm.kinds.tagging.tagger.neighbours import Neighbours
from fewshot_metalstm.meta.learner import Learner, Params
from fewshot_metalstm.nn import each_token
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig
from fewshot_metalstm.nn.characters import CharacterCNN
from fewshot_metalstm.nn.crf import negative_log_likelihood, viterbi
from fewshot_metalstm.nn.in_context import beside
from fewshot_metalstm.nn.noise import dropout
from fewshot_metalstm.nn.self_attention import SelfAttention
from fewshot_metalstm.nn.shared_private import make_layer
from fewshot_metalstm.nn.sharing import NONE, PRIVATE, SHARING
from fewshot_metalstm.nn.transitions import TRANSITIONS
from fewshot_metalstm.ranges import AtLeast0, AtLeast1, NotNegative, Share, ShareBelow1, one_of


@dataclass(frozen=True)
class TaggerConfig:
    """Sizes and noise of a tagger."""

    lstm: MetaLSTMConfig = field(default_factory=MetaLSTMConfig)
    filters: AtLeast0 = 50  # outputs of the character CNN; 0 leaves it out
    character_size: AtLeast1 = 25  # numbers of a character's embedding
    vector_scale: NotNegative = 0.5  # root mean square of a word vector's entries
    word_dropout: Share = 0.3  # chance that a distinct word of a batch loses its vector
    input_dropout: ShareBelow1 = 0.3  # dropout of word features
    output_dropout: ShareBelow1 = 0.3  # dropout of the LSTM's outputs
    context: AtLeast0 = 0  # features of a token from a frozen encoder, set by vectors.encoder
    context_size: AtLeast1 = 100  # numbers that these features are mapped to
    context_dropout: Share = 0.3  # chance that a token loses these features
    memory: AtLeast0 = 0  # places of its memory of source heads, set where it gets one
    attention: AtLeast0 = 0  # heads of self-attention over the LSTM's outputs; 0 leaves it out
    crf: bool = True  # false: each token's tag by itself, decoded to the best legal sequence
    # how the tasks of joint training share the LSTM
    sharing: Annotated[str, one_of(*SHARING)] = NONE


# What the settings have since version 3 of a model's format.
CONTEXT = ("context", "context_size", "context_dropout")
NEWER = ("character_size", "sharing", *CONTEXT)


def stored_sizes(config: TaggerConfig) -> dict[str, Any]:
    """The settings as a model keeps them; those that an older version lacks where they matter."""
    usual = as_mapping(TaggerConfig())
    if not config.context:
        config = replace(config, **{n: usual[n] for n in CONTEXT})
    return {k: v for k, v in as_mapping(config).items() if k not in NEWER or v != usual[k]}


class TaggerNetwork(Learner):
    """Emissions from a bidirectional recurrent layer, and a CRF over IOBES tags.

    The head holds one row for ``O`` and four (B, I, E, S) for an entity type. Where every token has
    a label, the rows S alone have a part in loss and decoding.

    Args:
        vector_size: length of a word vector.
        alphabet: number of character indices, padding and unknown included.
        types: entity types that the head has rows for.
    """

    # What emissions are distances to, in place of the head's rows, in a tagger that has them.
    neighbours: Neighbours | None = None
    # The corpus whose name stands at both ends of every sentence, of a tagger that was trained so.
    sentinel: str = ""

    def __init__(
        self, vector_size: int, alphabet: int, config: TaggerConfig, generator: torch.Generator,
        types: int = 1,
    ) -> None:  # fmt: skip
        super().__init__()
        self.config = config
        self.characters = CharacterCNN(
            alphabet, config.filters, generator, size=config.character_size
        )
        inputs = vector_size + config.filters + CASE_FEATURES + context_inputs(config)
        self.lstm = make_layer(inputs, config.lstm, config.sharing, generator)
        width = self.lstm.outputs

        def normal(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(*shape, generator=generator) * width**-0.5)

        self.head_outside = normal(1, width)
        self.head_outside_bias = nn.Parameter(torch.zeros(1))
        self.head_type = nn.Parameter(normal(1, 4, width).detach().repeat(types, 1, 1))
        self.head_type_bias = nn.Parameter(torch.zeros(types, 4))
        self.head_transitions = nn.Parameter(torch.zeros(len(TRANSITIONS)))
        if config.context:  # last, so that all else is drawn as without it
            size = config.context
            weight = torch.randn(size, config.context_size, generator=generator) * size**-0.5
            self.context_weight = nn.Parameter(weight)
        if config.attention:
            self.attention = SelfAttention(width, config.attention, generator)

    def basic(self) -> tuple[str, ...]:
        """Names of the basic LSTM's parameters."""
        return tuple(n for n, _ in self.named_parameters() if n.startswith("lstm.basic_"))

    def head(self) -> tuple[str, ...]:
        """Names of the head's parameters."""
        return tuple(n for n, _ in self.named_parameters() if n.startswith("head_"))

    def private(self) -> tuple[str, ...]:
        """See :class:`Learner`: the head, and the basic LSTM where each task has one of its own."""
        return (*self.basic(), *self.head()) if self.config.sharing in PRIVATE else self.head()

    def features(self) -> tuple[str, ...]:
        """See :class:`Learner`: what maps the features of a frozen encoder."""
        return ("context_weight",) if self.config.context else ()

    def emissions(self, batch: Batch, generator: torch.Generator | None = None) -> Tensor:
        """Scores of every tag, (B, T, 1 + 4 * types)."""
        hidden = self.hidden(batch, generator)
        return self.scores(hidden) if self.neighbours is None else self.neighbours.scores(hidden)

    def hidden(self, batch: Batch, generator: torch.Generator | None = None) -> Tensor:
        """What the head scores: the LSTM's outputs, (B, T, 2 * hidden)."""
        config = self.config
        vectors = batch.vectors * config.vector_scale
        if generator is not None:
            vectors = dropout(vectors, config.word_dropout, generator, rows=True)
        letters = batch.characters
        if not letters.is_floating_point():
            letters = self.characters(letters, plain=self.lstm.plain)
        words = torch.cat([vectors, letters, batch.case], dim=1)
        words = dropout(words, config.input_dropout, generator)
        index = batch.index
        if config.context:
            words, index = self._in_context(words, batch, generator)
        hidden = self.lstm(words, index, batch.lengths, generator)
        if config.attention:
            hidden = self.attention(hidden, batch.lengths)
        return dropout(hidden, config.output_dropout, generator)

    def _in_context(
        self, words: Tensor, batch: Batch, generator: torch.Generator | None
    ) -> tuple[Tensor, Tensor]:
        """Features of every token, beside them the encoder's, (N, inputs); their places (B, T)."""
        if batch.context is None:
            raise ValueError("the batch has no features of the encoder that the tagger reads")
        config = self.config
        context = dropout(batch.context, config.context_dropout, generator, rows=True)
        context = self.mapped(context)
        context = dropout(context, config.input_dropout, generator)
        return beside(words, batch.index, batch.lengths, context)

    def mapped(self, context: Tensor) -> Tensor:
        """The encoder's features as the LSTM reads them, (N, context_size)."""
        return context @ self.context_weight * self.config.vector_scale

    def hidden_with(
        self, params: Params, batch: Batch, generator: torch.Generator | None = None
    ) -> Tensor:
        """:meth:`hidden` under ``params`` in place of this tagger's parameters."""
        result: Tensor = self._under(params, "hidden", batch, generator)
        return result

    def scores(self, hidden: Tensor) -> Tensor:
        """The head: from (B, T, 2 * hidden) to scores of every tag, (B, T, 1 + 4 * types)."""
        weight = torch.cat([self.head_outside, self.head_type.flatten(0, 1)])
        bias = torch.cat([self.head_outside_bias, self.head_type_bias.flatten()])
        return nn.functional.linear(hidden, weight, bias)

    def forward(self, batch: Batch, generator: torch.Generator | None = None) -> Tensor:
        """Mean negative log-likelihood of a sentence, in nats."""
        return self.losses(self.emissions(batch, generator), batch).mean()

    def losses(self, emissions: Tensor, batch: Batch) -> Tensor:
        """Negative log-likelihood of each sentence, in nats, (B,), given its emissions."""
        single = batch.one_a_token
        if not self.config.crf:
            found = each_token.negative_log_likelihood(
                emissions, batch.tags, batch.lengths, one_a_token=single
            )
            return found + 0 * self.head_transitions.sum()  # which stay at 0
        return negative_log_likelihood(
            emissions, self.head_transitions, batch.tags, batch.lengths, plain=self.lstm.plain,
            one_a_token=single,
        )  # fmt: skip

    @torch.no_grad()
    def losses_with(self, params: Params, emissions: Tensor, batch: Batch) -> Tensor:
        """:meth:`losses` under ``params`` in place of this tagger's parameters."""
        result: Tensor = self._under(params, "losses", emissions, batch)
        return result

    @torch.no_grad()
    def decode(self, batch: Batch, prior: Tensor | None = None) -> list[list[int]]:
        """The best legal tag sequence of each sentence; ``prior`` is added to the emissions."""
        return viterbi(
            self.with_prior(batch, prior), self.head_transitions, batch.lengths,
            one_a_token=batch.one_a_token,
        )  # fmt: skip

    def decode_with(
        self, params: Params, batch: Batch, prior: Tensor | None = None
    ) -> list[list[int]]:
        """Decode under ``params`` in place of this tagger's parameters."""
        result: list[list[int]] = self._under(params, "decode", batch, prior)
        return result

    def emissions_with(self, params: Params, batch: Batch, prior: Tensor | None = None) -> Tensor:
        """What :meth:`decode_with` decodes: emissions with the prior, (B, T, 1 + 4 * types)."""
        result: Tensor = self._under(params, "with_prior", batch, prior)
        return result

    def with_prior(self, batch: Batch, prior: Tensor | None = None) -> Tensor:
        """:meth:`emissions`, with ``prior`` added if there is one."""
        emissions = self.emissions(batch)
        return emissions if prior is None else emissions + prior.to(emissions)

    def _under(self, params: Params, method: str, *given: Any) -> Any:
        """What a method gives under ``params`` in place of this tagger's parameters."""
        named = {f"tagger.{name}": value for name, value in params.items()}
        return functional_call(_Call(self, method), named, given)


def context_inputs(config: TaggerConfig) -> int:
    """How many of the LSTM's inputs come from a frozen encoder."""
    return config.context_size if config.context else 0


class _Call(nn.Module):
    """A method of a tagger as a forward pass, for ``functional_call``."""

    def __init__(self, tagger: TaggerNetwork, method: str) -> None:
        super().__init__()
        self.tagger = tagger
        self.method = method

    def forward(self, *given: Any) -> Any:
        return getattr(self.tagger, self.method)(*given)
