"""The reader of digits as a learner: an LSTM over the rows of an image, and a linear head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from fewshot_metalstm.kinds.digits import stacked
from fewshot_metalstm.kinds.digits.encoding import Batch
from fewshot_metalstm.kinds.digits.reader import SIDE
from fewshot_metalstm.kinds.digits.settings import MEAN, ReaderConfig, check_reader
from fewshot_metalstm.meta.learner import Params
from fewshot_metalstm.meta.linear import LinearClassifier
from fewshot_metalstm.nn.noise import dropout
from fewshot_metalstm.nn.recurrent import make_lstm


class DigitReader(LinearClassifier):
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

    item = "image"

    def __init__(self, config: ReaderConfig, generator: torch.Generator, classes: int = 1) -> None:
        super().__init__()
        check_reader(config)
        self.config = config
        self.lstm = make_lstm(SIDE, config.lstm, generator)
        width = self.lstm.outputs
        row = torch.randn(1, width, generator=generator) * width**-0.5
        self.head_weight = nn.Parameter(row.repeat(classes, 1))
        self.head_bias = nn.Parameter(torch.zeros(classes))

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

    def stack(
        self, batches: Sequence[Batch], generators: Sequence[torch.Generator] | None = None
    ) -> stacked.Stacked:
        """See :meth:`~fewshot_metalstm.meta.learner.Learner.stack`."""
        return stacked.stack(self, batches, generators)

    def stacked_losses(self, params: Mapping[str, Tensor], given: stacked.Stacked) -> Tensor:
        """See :meth:`~fewshot_metalstm.meta.learner.Learner.stacked_losses`."""
        return stacked.losses(self, params, given)
