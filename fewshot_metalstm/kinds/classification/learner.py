"""The classifier as a learner: word features, an LSTM, attention or a maximum, a linear head."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from fewshot_metalstm import ranges
from fewshot_metalstm.kinds.classification.encoding import Batch
from fewshot_metalstm.kinds.classification.pooling import Pooling
from fewshot_metalstm.kinds.classification.recall import recalled_rows
from fewshot_metalstm.kinds.classification.settings import ClassifierConfig, context_inputs
from fewshot_metalstm.meta.learner import Params
from fewshot_metalstm.meta.linear import LinearClassifier
from fewshot_metalstm.nn.characters import CharacterCNN
from fewshot_metalstm.nn.in_context import beside
from fewshot_metalstm.nn.noise import dropout
from fewshot_metalstm.nn.self_attention import SelfAttention
from fewshot_metalstm.nn.shared_private import make_layer
from fewshot_metalstm.nn.sharing import PRIVATE
from fewshot_metalstm.nn.words import CASE_FEATURES


class Classifier(LinearClassifier):
    """Class scores of a text from a bidirectional recurrent cell over its words.

    The head is one row of weights and one bias a class. A checkpoint has either one row, of which
    a task with n classes starts from n copies, or with ``recall`` a row for each of the classes
    that all of its tasks shared; a class of a new task then starts from the row that fits its
    support best (:mod:`~fewshot_metalstm.kinds.classification.recall`), whatever its name is.

    Args:
        vector_size: length of a word vector.
        alphabet: number of character indices, padding and unknown included.
        config: sizes and noise.
        generator: of the fresh weights.
        classes: rows of the head.
        recall: whether the rows are those of classes that other tasks had.
    """

    item = "text"

    def __init__(
        self, vector_size: int, alphabet: int, config: ClassifierConfig,
        generator: torch.Generator, classes: int = 1, recall: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        ranges.check(config, "classifier")
        self.config = config
        self.recall = recall
        self.characters = CharacterCNN(alphabet, config.filters, generator)
        inputs = vector_size + config.filters + CASE_FEATURES + context_inputs(config)
        self.lstm = make_layer(inputs, config.lstm, config.sharing, generator)
        width = self.lstm.outputs
        if config.heads:
            self.self_attention = SelfAttention(width, config.heads, generator)
        self.pooling = Pooling(config.pool, width, config.attention, generator)
        row = torch.randn(1, width, generator=generator) * width**-0.5
        self.head_weight = nn.Parameter(row.repeat(classes, 1))
        self.head_bias = nn.Parameter(torch.zeros(classes))
        if config.context:  # last, so that all else is drawn as without it
            size = config.context
            weight = torch.randn(size, config.context_size, generator=generator) * size**-0.5
            self.context_weight = nn.Parameter(weight)

    def private(self) -> tuple[str, ...]:
        """See :class:`Learner`: the head, and the basic LSTM where each task has one of its own."""
        return (*self.basic(), *self.head()) if self.config.sharing in PRIVATE else self.head()

    def features(self) -> tuple[str, ...]:
        """See :class:`Learner`: what maps the features of a frozen encoder."""
        return ("context_weight",) if self.config.context else ()

    def initial(self, batch: Batch) -> Params:
        """This classifier's parameters, with a row of the head for each class of the batch."""
        params: Params = dict(self.named_parameters())
        if self.recall:
            return params | recalled_rows(self, params, batch)
        rows = len(self.head_weight)
        if batch.classes != rows:
            if rows != 1:
                raise ValueError(f"a head for {rows} classes cannot serve {batch.classes}")
            params["head_weight"] = self.head_weight.expand(batch.classes, -1)
            params["head_bias"] = self.head_bias.expand(batch.classes)
        return params

    def merge_heads(self, heads: Sequence[Params]) -> Params:
        """The mean of the heads: row by row where the tasks share their classes, else of all."""
        if self.recall:
            return {n: torch.stack([head[n] for head in heads]).mean(0) for n in self.head()}
        return {n: torch.cat([head[n] for head in heads]).mean(0, keepdim=True)
                for n in self.head()}  # fmt: skip

    def states(self, batch: Batch, generator: torch.Generator | None = None) -> Tensor:
        """The cell's outputs at every token, (B, T, width), with what they attend to, if they do.

        They are zero at padding.
        """
        config = self.config
        vectors = batch.vectors * config.vector_scale
        if generator is not None:
            vectors = dropout(vectors, config.word_dropout, generator, rows=True)
        letters = self.characters(batch.characters, plain=self.lstm.plain)
        features = torch.cat([vectors, letters, batch.case], dim=1)
        features = dropout(features, config.input_dropout, generator)
        index = batch.index
        if config.context:
            if batch.context is None:
                raise ValueError("the batch has no features of the encoder")
            context = dropout(batch.context, config.context_dropout, generator, rows=True)
            context = context @ self.context_weight * config.vector_scale
            context = dropout(context, config.input_dropout, generator)
            features, index = beside(features, index, batch.lengths, context)
        found: Tensor = self.lstm(features, index, batch.lengths, generator)
        return self.self_attention(found, batch.lengths) if config.heads else found

    def hidden(self, batch: Batch, generator: torch.Generator | None = None) -> Tensor:
        """What stands for a text and the head scores, (B, width)."""
        pooled = self.pooling(self.states(batch, generator), batch.lengths)
        return dropout(pooled, self.config.output_dropout, generator)

    def weighed(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Scores of the classes, (B, classes), and the weight of every token, (B, T).

        The weights of a text sum up to 1: those of attention or, with a maximum, the share of the
        numbers whose maximum is at the token.
        """
        states = self.states(batch)
        weights = self.pooling.weights(states, batch.lengths)
        pooled = self.pooling(states, batch.lengths)
        return nn.functional.linear(pooled, self.head_weight, self.head_bias), weights
