"""The classifier as a learner: word features, an LSTM, attention or a maximum, a linear head."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from fewshot_metalstm import ranges
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.classification.encoding import Batch
from fewshot_metalstm.kinds.classification.pooling import Pooling
from fewshot_metalstm.kinds.classification.recall import recalled_rows
from fewshot_metalstm.kinds.classification.settings import ClassifierConfig
from fewshot_metalstm.meta.learner import Learner, Params
from fewshot_metalstm.nn.characters import CharacterCNN
from fewshot_metalstm.nn.noise import dropout
from fewshot_metalstm.nn.recurrent import make_lstm
from fewshot_metalstm.nn.words import CASE_FEATURES


class Classifier(Learner):
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

    def __init__(
        self, vector_size: int, alphabet: int, config: ClassifierConfig,
        generator: torch.Generator, classes: int = 1, recall: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        ranges.check(config, "classifier")
        self.config = config
        self.recall = recall
        self.characters = CharacterCNN(alphabet, config.filters, generator)
        inputs = vector_size + config.filters + CASE_FEATURES
        self.lstm = make_lstm(inputs, config.lstm, generator)
        width = self.lstm.outputs
        self.pooling = Pooling(config.pool, width, config.attention, generator)
        row = torch.randn(1, width, generator=generator) * width**-0.5
        self.head_weight = nn.Parameter(row.repeat(classes, 1))
        self.head_bias = nn.Parameter(torch.zeros(classes))

    def adapted(self) -> tuple[str, ...]:
        """The basic LSTM and the head; Meta-LSTM, attention and character CNN are shared.

        A plain LSTM is the task's own as a whole.
        """
        return (*self.basic(), *self.head())

    def basic(self) -> tuple[str, ...]:
        """Names of the basic LSTM's parameters."""
        return tuple(n for n, _ in self.named_parameters() if n.startswith("lstm.basic_"))

    def head(self) -> tuple[str, ...]:
        """Names of the head's parameters."""
        return ("head_weight", "head_bias")

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
        """The cell's outputs at every token, (B, T, width); zero at padding."""
        config = self.config
        vectors = batch.vectors * config.vector_scale
        if generator is not None:
            vectors = dropout(vectors, config.word_dropout, generator, rows=True)
        letters = self.characters(batch.characters, plain=self.lstm.plain)
        features = torch.cat([vectors, letters, batch.case], dim=1)
        features = dropout(features, config.input_dropout, generator)
        found: Tensor = self.lstm(features, batch.index, batch.lengths, generator)
        return found

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

    def scores(self, batch: Batch, generator: torch.Generator | None = None) -> Tensor:
        """Unnormalised log-probabilities of the classes, (B, classes)."""
        return nn.functional.linear(self.hidden(batch, generator), self.head_weight, self.head_bias)

    def forward(self, batch: Batch, generator: torch.Generator | None = None) -> Tensor:
        """Mean negative log-likelihood of a text's class, in nats."""
        return nn.functional.cross_entropy(self.scores(batch, generator), batch.labels)

    def scores_with(self, params: Mapping[str, Tensor], batch: Batch) -> Tensor:
        """:meth:`scores` under ``params`` in place of this classifier's parameters."""
        return self._under(params, "scores", batch)

    def hidden_with(
        self, params: Mapping[str, Tensor], batch: Batch, generator: torch.Generator | None = None
    ) -> Tensor:
        """:meth:`hidden` under ``params`` in place of this classifier's parameters."""
        return self._under(params, "hidden", batch, generator)

    def figure(self, params: Params, batch: Batch) -> float:
        """Accuracy on ``batch`` under ``params``, 0-100."""
        right, total = self.counts(params, batch)
        return 100 * right / total

    @torch.no_grad()
    def counts(self, params: Params, batch: Batch) -> tuple[int, int]:
        """(right, all) texts of ``batch`` under ``params``."""
        best = self.scores_with(params, batch).argmax(dim=1)
        return int((best == batch.labels).sum()), len(batch)

    def from_support(
        self, params: Params, batches: Iterable[Batch], scale: Tensor,
        generator: torch.Generator | None = None,
    ) -> Params:  # fmt: skip
        """See :meth:`~fewshot_metalstm.meta.learner.Learner.from_support`.

        Distances to prototypes as a linear head, up to a term that all classes share (Snell et
        al. 2017, section 2.4). With a width of d, and u = s / d::

            -s |h - p|^2 / d = (2 u p) . h - u |p|^2 - u |h|^2
        """
        classes = len(params["head_weight"])
        sums = torch.zeros_like(params["head_weight"])
        counts = torch.zeros_like(params["head_bias"])
        for batch in batches:
            if batch.classes != classes:
                raise ValueError(f"a head for {classes} classes cannot be made of {batch.classes}")
            hidden = self.hidden_with(params, batch, generator)
            sums = sums.index_add(0, batch.labels, hidden)
            counts = counts.index_add(0, batch.labels, torch.ones_like(hidden[:, 0]))
        if bool((counts == 0).any()):
            number = int((counts == 0).nonzero()[0])
            raise UserError(
                f"class {number + 1} of {classes} has no text in the support, and so no "
                "prototype; give at least one of each class"
            )
        means = sums / counts.unsqueeze(1)
        weight = 2 * scale * means / means.shape[1]
        return {**params, "head_weight": weight, "head_bias": -scale * means.square().mean(1)}

    def _under(self, params: Mapping[str, Tensor], method: str, *given: Any) -> Tensor:
        """What a method gives under ``params`` in place of this classifier's parameters."""
        named = {f"classifier.{name}": value for name, value in params.items()}
        result: Tensor = functional_call(_Call(self, method), named, given)
        return result


class _Call(nn.Module):
    """A method of a classifier as a forward pass, for ``functional_call``."""

    def __init__(self, classifier: Classifier, method: str) -> None:
        super().__init__()
        self.classifier = classifier
        self.method = method

    def forward(self, *given: Any) -> Any:
        return getattr(self.classifier, self.method)(*given)
