"""LSTM layers that are partly shared by all tasks and partly a task's own, in two arrangements.

With ``x_t`` the features of a word, ``s`` for the LSTM that is shared, ``k`` for that of task k::

    parallel:  h^s_t = LSTM(x_t, h^s_{t-1}; theta_s)
               h^k_t = LSTM(x_t, h^k_{t-1}; theta_k) ;             output [h^s_t; h^k_t]
    stacked:   h^s_t = LSTM(x_t, h^s_{t-1}; theta_s)
               h^k_t = LSTM([x_t; h^s_t], h^k_{t-1}; theta_k) ;    output h^k_t

Both run in both directions; in the stacked one the task's LSTM reads both directions of the shared
one at every word. The LSTM is that of :mod:`fewshot_metalstm.nn.plain_lstm`. Shared weights are
named ``meta_``, those of a task ``basic_``, as in every layer.

Source: Chen, Qiu, Liu, Huang, "Meta Multi-Task Learning for Sequence Modeling", AAAI 2018 (arXiv
1802.08969), the stacked and the parallel shared-private sharing scheme (SSP, PSP).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fewshot_metalstm.nn.cell_config import MetaLSTMConfig
from fewshot_metalstm.nn.fastest import fastest
from fewshot_metalstm.nn.layer import Form, Layout, layer_plain
from fewshot_metalstm.nn.plain_lstm import parameters_of, plain_parameters, weights_of
from fewshot_metalstm.nn.recurrent import Recurrent, make_lstm, nearest
from fewshot_metalstm.nn.sharing import OF_LAYERS, STACKED


class SharedPrivate(Recurrent):
    """What both arrangements have: an LSTM that is shared, and one that is the task's own.

    Of ``config``, ``hidden`` are the outputs each direction; with ``match`` they are as many as
    give the layer the size of the Meta-LSTM of ``config``.
    """

    def __init__(self, inputs: int, config: MetaLSTMConfig, generator: torch.Generator) -> None:
        super().__init__(inputs, config)
        wanted = parameters_of(inputs, config)
        self.hidden = config.hidden
        if config.match:
            self.hidden = nearest(lambda h: self.size(inputs, h, config), wanted)
        self.form: Form | None = None  # None: the fastest one here
        shared, own = self.widths(self.hidden)

        def normal(*shape: int, reads: int) -> nn.Parameter:
            std = config.scale_static * reads**-0.5
            return nn.Parameter(torch.randn(*shape, generator=generator) * std)

        def lstm(reads: int, h: int) -> tuple[nn.Parameter, nn.Parameter, nn.Parameter]:
            bias = torch.zeros(2, 1, 4 * h)
            bias[..., 3 * h :] = config.forget_bias
            return (
                normal(2, reads, 4 * h, reads=reads + h), normal(2, h, 4 * h, reads=reads + h),
                nn.Parameter(bias),
            )  # fmt: skip

        self.meta_wx, self.meta_wh, self.meta_b = lstm(inputs, shared)
        self.basic_wx, self.basic_wh, self.basic_b = lstm(self.reads(inputs, shared), own)

    @classmethod
    def widths(cls, hidden: int) -> tuple[int, int]:
        """Outputs, each direction, of the shared LSTM and of the task's own."""
        raise NotImplementedError

    @classmethod
    def reads(cls, inputs: int, shared: int) -> int:
        """Features that the task's own LSTM reads."""
        raise NotImplementedError

    @classmethod
    def size(cls, inputs: int, hidden: int, config: MetaLSTMConfig) -> int:
        """See :class:`Recurrent`."""
        del config
        shared, own = cls.widths(hidden)
        return plain_parameters(inputs, shared) + plain_parameters(cls.reads(inputs, shared), own)

    def _shared(self, words: Tensor, layout: Layout, form: Form) -> Tensor:
        """States of the shared LSTM, (B, T, 2 * its outputs)."""
        return form(words, weights_of(self.meta_wx, self.meta_wh, self.meta_b), layout, 0.0)

    def _own(self, words: Tensor, layout: Layout, form: Form) -> Tensor:
        """States of the task's own LSTM, (B, T, 2 * its outputs)."""
        return form(words, weights_of(self.basic_wx, self.basic_wh, self.basic_b), layout, 0.0)

    def _form(self, words: Tensor, plain: bool) -> Form:
        return layer_plain if plain else self.form or fastest(words)


class ParallelSharedPrivate(SharedPrivate):
    """Both LSTMs read the words, half of the outputs each."""

    @classmethod
    def widths(cls, hidden: int) -> tuple[int, int]:
        """See :class:`SharedPrivate`."""
        shared = max(1, hidden // 2)
        return shared, max(1, hidden - shared)

    @classmethod
    def reads(cls, inputs: int, shared: int) -> int:
        """See :class:`SharedPrivate`."""
        del shared
        return inputs

    def __init__(self, inputs: int, config: MetaLSTMConfig, generator: torch.Generator) -> None:
        super().__init__(inputs, config, generator)
        self.hidden = sum(self.widths(self.hidden))  # of one output both LSTMs have one

    def over(
        self, words: Tensor, layout: Layout, keep: Tensor | None = None, *, plain: bool = False,
        training: bool = False,
    ) -> Tensor:  # fmt: skip
        """See :class:`Recurrent`; of each direction the shared states come first."""
        del keep, training
        form = self._form(words, plain)
        ways = (self._shared(words, layout, form), self._own(words, layout, form))
        directions = [each.view(*each.shape[:2], 2, -1) for each in ways]
        return torch.cat(directions, dim=3).flatten(2)


class StackedSharedPrivate(SharedPrivate):
    """The task's own LSTM reads the words and the states of the shared one."""

    @classmethod
    def widths(cls, hidden: int) -> tuple[int, int]:
        """See :class:`SharedPrivate`."""
        return hidden, hidden

    @classmethod
    def reads(cls, inputs: int, shared: int) -> int:
        """See :class:`SharedPrivate`."""
        return inputs + 2 * shared

    def over(
        self, words: Tensor, layout: Layout, keep: Tensor | None = None, *, plain: bool = False,
        training: bool = False,
    ) -> Tensor:  # fmt: skip
        """See :class:`Recurrent`."""
        del keep, training
        form = self._form(words, plain)
        shared = self._shared(words, layout, form)
        # From here on no two tokens are alike: every position is a word of its own.
        positions = layout.places // 2
        everywhere = words.new_zeros(layout.batch * layout.steps, words.shape[1])
        everywhere = everywhere.index_copy(0, positions[:, 0], words[layout.rows[:, 0]])
        tokens = torch.cat([everywhere, shared.flatten(0, 1)], dim=1)
        upper = Layout(positions, layout.places, layout.sizes, layout.batch, layout.steps)
        return self._own(tokens, upper, form)


def make_layer(
    inputs: int, config: MetaLSTMConfig, sharing: str, generator: torch.Generator
) -> Recurrent:
    """The layer of a learner whose tasks share it in this way, with fresh weights.

    Raises:
        UserError: ``config`` names a cell that there is not.
    """
    if sharing not in OF_LAYERS:
        return make_lstm(inputs, config, generator)
    made = StackedSharedPrivate if sharing == STACKED else ParallelSharedPrivate
    return made(inputs, config, generator)
