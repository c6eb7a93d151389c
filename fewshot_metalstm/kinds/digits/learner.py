"""The reader of digits as a learner: an LSTM over the rows of an image, and a linear head."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.digits import stacked
from fewshot_metalstm.kinds.digits.encoding import Batch
from fewshot_metalstm.kinds.digits.reader import SIDE
from fewshot_metalstm.kinds.digits.settings import MEAN, ReaderConfig, check_reader
from fewshot_metalstm.meta.learner import Learner, Params
from fewshot_metalstm.nn.noise import dropout
from fewshot_metalstm.nn.recurrent import make_lstm


class DigitReader(Learner):
    """Class scores from a bidirectional recurrent layer that reads an image row by row.

    The rows of an image are the words of a sentence of 28 words, read downwards and upwards. The
    head is one row of weights and one bias a class. A task with n classes starts from n copies of
    one meta-learned row (:meth:`initial`), so one checkpoint serves any classes. All classes are
    then equally likely, but their gradients differ, as their images do.

    Args:
        config: sizes and noise.
        generator: of the fresh weights.
        classes: rows of the head; 1 for a reader that is meta-trained.
    """

    def __init__(self, config: ReaderConfig, generator: torch.Generator, classes: int = 1) -> None:
        super().__init__()
        check_reader(config)
        self.config = config
        self.lstm = make_lstm(SIDE, config.lstm, generator)
        width = self.lstm.outputs
        row = torch.randn(1, width, generator=generator) * width**-0.5
        self.head_weight = nn.Parameter(row.repeat(classes, 1))
        self.head_bias = nn.Parameter(torch.zeros(classes))

    def adapted(self) -> tuple[str, ...]:
        """The head and the layer's own weights; what generates or scales those is shared.

        A cell that has nothing of the kind is the task's own as a whole.
        """
        return (*self.basic(), *self.head())

    def basic(self) -> tuple[str, ...]:
        """Names of the basic LSTM's parameters."""
        return tuple(n for n, _ in self.named_parameters() if n.startswith("lstm.basic_"))

    def head(self) -> tuple[str, ...]:
        """Names of the head's parameters."""
        return ("head_weight", "head_bias")

    def initial(self, batch: Batch) -> Params:
        """This reader's parameters, with the head's one row copied for each class."""
        params: Params = dict(self.named_parameters())
        rows = len(self.head_weight)
        if batch.classes != rows:
            if rows != 1:
                raise ValueError(f"a head for {rows} classes cannot serve {batch.classes}")
            params["head_weight"] = self.head_weight.expand(batch.classes, -1)
            params["head_bias"] = self.head_bias.expand(batch.classes)
        return params

    def merge_heads(self, heads: Sequence[Params]) -> Params:
        """The mean of the heads' rows, every class of every task counting once."""
        return {n: torch.cat([head[n] for head in heads]).mean(0, keepdim=True)
                for n in self.head()}  # fmt: skip

    def hidden(self, batch: Batch, generator: torch.Generator | None = None) -> Tensor:
        """What stands for an image and the head scores, (B, 2 * hidden)."""
        images, steps = batch.rows.shape[:2]
        rows = dropout(batch.rows.flatten(0, 1), self.config.input_dropout, generator)
        index = torch.arange(images * steps, device=rows.device).view(images, steps)
        lengths = torch.full((images,), steps, device=rows.device)
        pooled = self.pooled(self.lstm(rows, index, lengths, generator))
        return dropout(pooled, self.config.output_dropout, generator)

    def pooled(self, states: Tensor) -> Tensor:
        """From the states of each row, (B, T, 2 * hidden), to one vector an image.

        Their mean, or the last state of each direction: the second one ends at the first row.
        """
        if self.config.pool == MEAN:
            return states.mean(dim=1)
        ahead, back = states.chunk(2, dim=2)
        return torch.cat([ahead[:, -1], back[:, 0]], dim=1)

    def scores(self, batch: Batch, generator: torch.Generator | None = None) -> Tensor:
        """Unnormalised log-probabilities of the classes, (B, classes)."""
        return nn.functional.linear(self.hidden(batch, generator), self.head_weight, self.head_bias)

    def forward(self, batch: Batch, generator: torch.Generator | None = None) -> Tensor:
        """Mean negative log-likelihood of an image's class, in nats."""
        return nn.functional.cross_entropy(self.scores(batch, generator), batch.labels)

    def scores_with(self, params: Mapping[str, Tensor], batch: Batch) -> Tensor:
        """:meth:`scores` under ``params`` in place of this reader's parameters."""
        return self._under(params, "scores", batch)

    def hidden_with(
        self, params: Mapping[str, Tensor], batch: Batch, generator: torch.Generator | None = None
    ) -> Tensor:
        """:meth:`hidden` under ``params`` in place of this reader's parameters."""
        return self._under(params, "hidden", batch, generator)

    def figure(self, params: Params, batch: Batch) -> float:
        """Accuracy on ``batch`` under ``params``, 0-100."""
        right, total = self.counts(params, batch)
        return 100 * right / total

    @torch.no_grad()
    def counts(self, params: Params, batch: Batch) -> tuple[int, int]:
        """(right, all) images of ``batch`` under ``params``."""
        best = self.scores_with(params, batch).argmax(dim=1)
        return int((best == batch.labels).sum()), len(batch)

    def from_support(
        self, params: Params, batches: Iterable[Batch], scale: Tensor,
        generator: torch.Generator | None = None,
    ) -> Params:  # fmt: skip
        """See :meth:`~fewshot_metalstm.meta.learner.Learner.from_support`.

        The squared distance to a prototype is linear in the representation but for a term that all
        classes share, so that the head is the ordinary one (Snell et al. 2017, section 2.4). With
        a width of d, and u = s / d::

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
                f"class {number + 1} of {classes} has no image in the support, and so no "
                "prototype; give at least one of each class"
            )
        means = sums / counts.unsqueeze(1)
        weight = 2 * scale * means / means.shape[1]
        return {**params, "head_weight": weight, "head_bias": -scale * means.square().mean(1)}

    def stack(
        self, batches: Sequence[Batch], generators: Sequence[torch.Generator] | None = None
    ) -> stacked.Stacked:
        """See :meth:`~fewshot_metalstm.meta.learner.Learner.stack`."""
        return stacked.stack(self, batches, generators)

    def stacked_losses(self, params: Mapping[str, Tensor], given: stacked.Stacked) -> Tensor:
        """See :meth:`~fewshot_metalstm.meta.learner.Learner.stacked_losses`."""
        return stacked.losses(self, params, given)

    def _under(self, params: Mapping[str, Tensor], method: str, *given: Any) -> Tensor:
        """What a method gives under ``params`` in place of this reader's parameters."""
        named = {f"reader.{name}": value for name, value in params.items()}
        result: Tensor = functional_call(_Call(self, method), named, given)
        return result


class _Call(nn.Module):
    """A method of a reader as a forward pass, for ``functional_call``."""

    def __init__(self, reader: DigitReader, method: str) -> None:
        super().__init__()
        self.reader = reader
        self.method = method

    def forward(self, *given: Any) -> Any:
        return getattr(self.reader, self.method)(*given)
