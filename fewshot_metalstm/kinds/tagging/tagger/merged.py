"""Several taggers as one, whose scores are the mean of theirs, weighted or not.

Two Meta-LSTMs side by side are one of twice the sizes: whatever is multiplied with states (of the
Meta-LSTM, of the basic LSTM, and z between them) stands in blocks, with zeros between, since
neither tagger reads the other. The same holds for the filters of the character CNN, and for what
is made of the features of a frozen encoder. A head that
halves each block's rows then gives the mean of both emissions, and the CRF the mean of both
transitions. Three stand in three blocks, with a third of each head, and so on; where they count
unlike, so do their heads.
So what was adapted in several ways is saved, read and used like any tagger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.tagger.encoding import CASE_FEATURES
from fewshot_metalstm.kinds.tagging.tagger.network import TaggerConfig, context_inputs
from fewshot_metalstm.meta.learner import Params
from fewshot_metalstm.nn.cells import META_LSTM
from fewshot_metalstm.nn.sharing import OF_LAYERS

_GATES = 4
# What is multiplied with a word's features, where a tagger has it.
_READ = ("lstm.meta_x", "lstm.basic_qx", "lstm.basic_wx")


def beyond_meta_lstm(config: TaggerConfig) -> str:
    """What in a tagger of these sizes cannot be put together with another; empty if nothing."""
    kind = config.lstm.kind
    return (
        kind if kind != META_LSTM
        else "attention behind it" if config.attention
        else f"layers that tasks share ({config.sharing})" if config.sharing in OF_LAYERS
        else ""
    )  # fmt: skip


def merged_config(config: TaggerConfig, count: int) -> TaggerConfig:
    """The sizes of ``count`` taggers of these sizes as one.

    Raises:
        UserError: its layer is more than one Meta-LSTM, or none.
    """
    lstm, other = config.lstm, beyond_meta_lstm(config)
    if other:
        raise UserError(
            f"a recipe that averages taggers is for those with a Meta-LSTM alone, not {other}; "
            "use --set recipe=none, or another recipe"
        )
    return replace(
        config, filters=count * config.filters, character_size=count * config.character_size,
        context_size=(count if config.context else 1) * config.context_size,
        lstm=replace(
            lstm, hidden=count * lstm.hidden, meta=count * lstm.meta, z=count * lstm.z
        ),
    )  # fmt: skip


def merged(
    parts: Sequence[Mapping[str, Tensor]], config: TaggerConfig, weights: Sequence[float] = ()
) -> Params:
    """The parameters of a tagger whose scores are the mean of those of several.

    Args:
        parts: the parameters of each of these taggers, with heads for the same types.
        config: the sizes of each.
        weights: how much each counts, in relation to the others; all alike if there are none.
    """
    weights = weights or [1.0] * len(parts)
    sizes = _Sizes(parts[0], config, [weight / sum(weights) for weight in weights])
    return {
        name: sizes.merged(name, [params[name].detach() for params in parts]) for name in parts[0]
    }


def together(configs: Sequence[TaggerConfig]) -> TaggerConfig:
    """The sizes that several taggers have once all read what one of them reads."""
    return next((config for config in configs if config.context), configs[0])


def widened(params: Mapping[str, Tensor], config: TaggerConfig, vectors: int,
            whole: TaggerConfig) -> Params:  # fmt: skip
    """The parameters of a tagger as one that reads more, and makes nothing of it.

    Args:
        config: its sizes.
        vectors: numbers of a word's vector that the other reads, of which this one reads the first.
        whole: the sizes of the other: these, and perhaps an encoder's features.

    Returns:
        the same parameters, with rows of zeros for the rest of the vector and for the features.
    """
    mapped = context_inputs(whole) - context_inputs(config)
    found = {name: value.detach() for name, value in params.items()}
    for name in (name for name in _READ if name in found):
        value = found[name]
        others = config.filters + CASE_FEATURES + context_inputs(config)
        own = value.shape[-2] - others
        blank = value.new_zeros(*value.shape[:-2], 1, value.shape[-1])
        parts = value[..., :own, :], blank.expand(*value.shape[:-2], vectors - own, -1)
        behind = blank.expand(*value.shape[:-2], mapped, -1)
        found[name] = torch.cat([*parts, value[..., own:, :], behind], -2)
    if mapped:
        found["context_weight"] = found["lstm.meta_x"].new_zeros(whole.context, mapped)
    return found


class _Sizes:
    """Where the rows and columns of each of several taggers stand when they are one."""

    def __init__(
        self, params: Mapping[str, Tensor], config: TaggerConfig, shares: Sequence[float]
    ) -> None:
        lstm, filters = config.lstm, config.filters
        self.shares = shares
        self.count = count = len(shares)
        self.hidden, self.meta, self.z = lstm.hidden, lstm.meta, lstm.z
        self.letters, self.filters = config.character_size, filters
        self.context = context_inputs(config)
        whole = params["lstm.meta_x"].shape[1]
        parts = whole - filters - CASE_FEATURES - self.context, filters, CASE_FEATURES, self.context
        # Vectors and case are read by all; filters, and what an encoder gives, each has its own.
        self.inputs: _Places = [], whole + (count - 1) * (filters + self.context)
        for i in range(count):
            begin, rows = 0, []
            for size, shared in zip(parts, (True, False) * 2, strict=True):
                rows.append(torch.arange(size) + begin + (0 if shared else i * size))
                begin += size if shared else count * size
            self.inputs[0].append(torch.cat(rows))

    def merged(self, name: str, values: Sequence[Tensor]) -> Tensor:
        """The tensors of this name as one."""
        states = {
            size: self._blocks(getattr(self, size))
            for size in ("hidden", "meta", "z", "letters", "filters")
        }
        gates = {
            size: self._blocks(getattr(self, size), _GATES) for size in ("hidden", "meta", "z")
        }
        rows_of_inputs = self.inputs
        every: dict[str, tuple[_Places | None, _Places | None]] = {
            "lstm.meta_x": (rows_of_inputs, gates["meta"]),
            "lstm.meta_h": (states["hidden"], gates["meta"]),
            "lstm.meta_g": (states["meta"], gates["meta"]),
            "lstm.meta_b": (None, gates["meta"]),
            "lstm.meta_z": (states["meta"], states["z"]),
            "lstm.basic_qx": (rows_of_inputs, gates["z"]),
            "lstm.basic_qh": (states["hidden"], gates["z"]),
            "lstm.basic_p": (states["z"], states["hidden"]),
            "lstm.basic_bz": (states["z"], gates["hidden"]),
            "lstm.basic_wx": (rows_of_inputs, gates["hidden"]),
            "lstm.basic_wh": (states["hidden"], gates["hidden"]),
            "lstm.basic_b": (None, gates["hidden"]),
            "characters.embedding": (None, states["letters"]),
            "characters.bias": (None, states["filters"]),
            "context_weight": (None, self._blocks(self.context)),
            # Both directions stand one behind the other in what the head reads.
            "head_outside": (None, self._blocks(self.hidden, 2)),
            "head_type": (None, self._blocks(self.hidden, 2)),
        }
        if name.startswith("head_"):
            values = [value * share for value, share in zip(values, self.shares, strict=True)]
        if name in every:
            return _placed(values, *every[name])
        if name == "characters.weight":
            width = values[0].shape[0] // self.letters
            by_place = [value.view(width, self.letters, self.filters) for value in values]
            return _placed(by_place, states["letters"], states["filters"]).flatten(0, 1)
        return torch.stack(list(values)).sum(0)  # the head's biases and transitions

    def _blocks(self, size: int, times: int = 1) -> _Places:
        """Of ``times`` groups of ``size`` numbers, each becomes one of ``count`` times as many."""
        numbers = torch.arange(times)[:, None] * self.count * size + torch.arange(size)
        places = [(numbers + i * size).flatten() for i in range(self.count)]
        return places, self.count * size * times


_Places = tuple[list[Tensor], int]  # where the numbers of each stand, and of how many


def _placed(values: Sequence[Tensor], rows: _Places | None, columns: _Places | None) -> Tensor:
    """Tensors put into one of zeros, by the places of their last two dimensions."""
    shape = list(values[0].shape)
    for dimension, places in ((-2, rows), (-1, columns)):
        if places is not None:
            shape[dimension] = places[1]
    result = values[0].new_zeros(shape)
    for i, value in enumerate(values):
        column = columns[0][i] if columns is not None else torch.arange(shape[-1])
        if rows is None:
            result[..., column] = value
        else:
            result[..., rows[0][i][:, None], column] = value
    return result
