"""What every recurrent layer is: both directions, lengths, and the same call.

A layer reads sentences of words (or images of rows) and writes a state for each::

    layer(words, index, lengths) -> (B, T, 2 * hidden)

Both directions run side by side with weights of their own: parameters carry a leading dimension of
size 2, and the second direction reads each sentence back to front within its own length. Sentences
are packed step by step (:class:`~fewshot_metalstm.nn.layer.Layout`), so that padding is never read
and nothing is computed for a sentence that has ended.

Where what comes later must not be seen, as in a language model, both halves of a layer read from
the first word on (``ahead``): two layers side by side, each with a state of its own.

Parameters whose names begin with ``basic_`` are the task's own, those with ``meta_`` are shared by
all tasks, and those with ``stats_`` are no weights but averages over what was trained on.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor, nn

from fewshot_metalstm.nn.cell_config import UNIFORM, MetaLSTMConfig, check_cell
from fewshot_metalstm.nn.cells import META_LSTM, find
from fewshot_metalstm.nn.layer import Layout
from fewshot_metalstm.nn.noise import scaled


class Recurrent(ABC, nn.Module):
    """A bidirectional recurrent layer.

    Attributes:
        inputs: features of a word.
        hidden: outputs of each direction.
        plain: True: nothing but plain torch, and no shape that depends on a length, as
            ``torch.func.vmap`` asks for.
        outputs_first: whether weights are stored as (direction, outputs, inputs), and not the
            other way, as they mostly are.
        ahead: True: both halves read forwards, and no state has seen a later word.
    """

    outputs_first = False

    def __init__(self, inputs: int, config: MetaLSTMConfig) -> None:
        super().__init__()
        check_cell(config)
        self.inputs = inputs
        self.config = config
        self.plain = False
        self.ahead = False
        self.hidden = hidden_of(type(self), inputs, config)

    @classmethod
    @abstractmethod
    def size(cls, inputs: int, hidden: int, config: MetaLSTMConfig) -> int:
        """How many parameters one with so many outputs has, in both directions."""

    @abstractmethod
    def over(
        self, words: Tensor, layout: Layout, keep: Tensor | None = None, *, plain: bool = False,
        training: bool = False,
    ) -> Tensor:  # fmt: skip
        """Read packed sentences.

        Args:
            words: features of the distinct words, (U, inputs).
            layout: where they stand.
            keep: factors of recurrent dropout, as :meth:`keep` draws them.
            plain: in plain torch.
            training: take statistics from the batch, and move the averages, if there are any.

        Returns:
            (B, T, 2 * hidden): outputs; zero where no row writes.
        """

    def forward(
        self, words: Tensor, index: Tensor, lengths: Tensor,
        generator: torch.Generator | None = None,
    ) -> Tensor:  # fmt: skip
        """Run both directions.

        Args:
            words: features of the distinct words, (U, inputs).
            index: which word stands where, (B, T) of int64 in [0, U); padding may hold any.
            lengths: tokens of each sentence, (B,) of int64 in [1, T].
            generator: of the noise (recurrent dropout), which is there in training alone.

        Returns:
            (B, T, 2 * hidden): forward and backward outputs; zero at padding.
        """
        batch, steps = index.shape
        inside = None
        if self.plain or int(lengths.min()) < steps:
            inside = torch.arange(steps, device=index.device) < lengths.unsqueeze(1)
            # What stands in the padding is the sentence's own first word, and a word that stands
            # nowhere else is nought, so that not even NaN there gets into a gradient.
            index = torch.where(inside, index, index[:, :1])
            read = words.new_zeros(len(words)).index_fill(0, index.flatten(), 1.0) > 0
            words = torch.where(read.unsqueeze(1), words, 0.0)
        layout = layout_of(index, lengths, padding=self.plain, ahead=self.ahead)
        keep = self.keep((batch, steps), generator, words)
        outputs = self.over(words, layout, keep, plain=self.plain, training=generator is not None)
        return outputs * inside.unsqueeze(-1) if self.plain and inside is not None else outputs

    def keep(
        self, shape: tuple[int, int], generator: torch.Generator | None, like: Tensor
    ) -> Tensor | None:
        """The factors of recurrent dropout for sentences of ``shape`` (B, T), if there is any.

        Returns:
            (B, T, 2 * hidden) or None.
        """
        rate = self.config.recurrent_dropout
        if generator is None or rate <= 0:
            return None
        return scaled((*shape, self.outputs), rate, generator, like)

    @property
    def outputs(self) -> int:
        """Length of an output, both directions."""
        return 2 * self.hidden

    def weight(self, *shape: int, std: float, generator: torch.Generator) -> nn.Parameter:
        """A weight with fresh values: normal, or as ``config.start`` says uniform."""
        if self.config.start == UNIFORM:
            bound = self.hidden**-0.5
            return nn.Parameter((2 * torch.rand(*shape, generator=generator) - 1) * bound)
        return nn.Parameter(torch.randn(*shape, generator=generator) * std)


def make_lstm(inputs: int, config: MetaLSTMConfig, generator: torch.Generator) -> Recurrent:
    """The layer that a config names, with fresh weights; :class:`UserError` if there is none."""
    made: Recurrent = find(config.kind).load()(inputs, config, generator)
    return made


def hidden_of(cell: type[Recurrent], inputs: int, config: MetaLSTMConfig) -> int:
    """Outputs, each direction, of a cell of that config.

    With ``config.match`` as many as give it about the size of the Meta-LSTM of the config.
    """
    if not config.match or config.kind == META_LSTM:
        return config.hidden
    generated: type[Recurrent] = find(META_LSTM).load()
    wanted = generated.size(inputs, config.hidden, config)
    return nearest(lambda hidden: cell.size(inputs, hidden, config), wanted)


def stack_outputs(inputs: int, config: MetaLSTMConfig, layers: int) -> int:
    """Length of an output of the last of some layers, each reading the one below."""
    for _ in range(layers):
        inputs = 2 * hidden_of(find(config.kind).load(), inputs, config)
    return inputs


def nearest(size: Callable[[int], int], wanted: int) -> int:
    """The number, at least 1, whose ``size`` is next to ``wanted``; ``size`` grows."""
    high = 1
    while size(high) < wanted:
        high *= 2
    low = 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if size(middle) <= wanted else (low, middle)
    return min((low, high), key=lambda k: abs(size(k) - wanted))


def layout_of(
    index: Tensor, lengths: Tensor, *, padding: bool = False, ahead: bool = False
) -> Layout:
    """How sentences (B, T) are read, step by step, in both directions.

    Args:
        padding: go through the padding too, so that no shape depends on a length.
        ahead: read forwards in both halves.
    """
    batch, steps = index.shape
    sentence, first, back, sizes = (padded if padding else packed)(lengths, steps)
    second = first if ahead else back
    position = torch.stack([first, second], dim=1) + steps * sentence.unsqueeze(1)  # (N, 2)
    places = 2 * position + torch.arange(2, device=index.device)
    return Layout(index.flatten()[position], places, sizes, batch, steps)


Packing = tuple[Tensor, Tensor, Tensor, list[int]]


def packed(lengths: Tensor, steps: int) -> Packing:
    """Tokens in the order of the steps, the longest sentence first, without padding.

    Returns:
        For every row, (N,): its sentence, the position that the first direction reads and the one
        that the second reads, back to front within the sentence; and the rows of each step.
    """
    longest = torch.argsort(lengths, descending=True, stable=True)
    inside = torch.arange(steps, device=lengths.device).unsqueeze(1) < lengths[longest]
    ahead, column = inside.nonzero(as_tuple=True)  # step by step
    sentence = longest[column]
    sizes = [size for size in inside.sum(1).tolist() if size > 0]
    return sentence, ahead, lengths[sentence] - 1 - ahead, sizes


def padded(lengths: Tensor, steps: int) -> Packing:
    """As :func:`packed`, with every sentence going on to the last step in its own row.

    No size depends on a value here, which ``torch.func.vmap`` asks for. In the padding the second
    direction reads what is there, so that every position is read once.
    """
    batch = lengths.shape[0]
    ahead = torch.arange(steps, device=lengths.device).repeat_interleave(batch)
    sentence = torch.arange(batch, device=lengths.device).repeat(steps)
    back = lengths.repeat(steps) - 1 - ahead
    return sentence, ahead, torch.where(back >= 0, back, ahead), [batch] * steps
