"""The tagger as a learner: how its network starts, is adapted and is scored on a task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from fewshot_metalstm.kinds.tagging.tagger import stacked
from fewshot_metalstm.kinds.tagging.tagger.encoding import Batch
from fewshot_metalstm.kinds.tagging.tagger.memory import blank, recalled
from fewshot_metalstm.kinds.tagging.tagger.network import TaggerConfig, TaggerNetwork
from fewshot_metalstm.kinds.tagging.tagger.prototypes import prototype_head
from fewshot_metalstm.kinds.tagging.tagger.scoring import f1, mention_counts
from fewshot_metalstm.meta.learner import Params
from fewshot_metalstm.nn.metalstm import MetaLSTM
from fewshot_metalstm.nn.plain_lstm import PlainLSTM
from fewshot_metalstm.nn.vectors import WordVectors
from fewshot_metalstm.seeds import torch_generator


def new_tagger(
    config: TaggerConfig, vectors: WordVectors, alphabet: tuple[str, ...], seed: int, types: int = 1
) -> Tagger:
    """A tagger with fresh weights, a function of ``seed`` alone."""
    generator = torch_generator(seed, "weights")
    return Tagger(vectors.size, len(alphabet) + 2, config, generator, types)


class Tagger(TaggerNetwork):
    """A network that meets tasks of any entity types.

    A task with n types starts from n copies of the head's four rows for a type (:meth:`initial`),
    so one meta-learned head serves any label set.
    """

    def __init__(
        self, vector_size: int, alphabet: int, config: TaggerConfig, generator: torch.Generator,
        types: int = 1,
    ) -> None:  # fmt: skip
        super().__init__(vector_size, alphabet, config, generator, types)
        if config.memory:
            blank(self, config.memory)

    def adapted(self) -> tuple[str, ...]:
        """The head and the layer's own weights; what generates or scales those is shared.

        So is the character CNN. A cell that has nothing of the kind is the task's own as a whole.
        """
        return (*self.basic(), *self.head())

    def initial(self, batch: Batch) -> Params:
        """This tagger's parameters, with the type's part of the head copied for each type.

        With a memory (:mod:`~fewshot_metalstm.kinds.tagging.tagger.memory`) the head is the one
        that each type recalls.
        """
        params: Params = dict(self.named_parameters())
        if self.config.memory:
            return params | recalled(self, params, batch)
        if batch.types != len(self.head_type):
            if len(self.head_type) != 1:
                raise ValueError(
                    f"a head for {len(self.head_type)} types cannot serve {batch.types}"
                )
            for name in ("head_type", "head_type_bias"):
                params[name] = params[name].expand(batch.types, *params[name].shape[1:])
        return params

    def figure(self, params: Params, batch: Batch) -> float:
        """F1 of decoding ``batch`` under ``params``, 0-100."""
        return f1(*self.counts(params, batch))

    def counts(self, params: Params, batch: Batch) -> tuple[int, int, int]:
        """(right, predicted, gold) mentions of decoding ``batch`` under ``params``."""
        predicted = self.decode_with({n: p.detach() for n, p in params.items()}, batch)
        rows = zip(batch.tags.tolist(), predicted, strict=True)
        return mention_counts([tags[: len(path)] for tags, path in rows], predicted)

    def merge_heads(self, heads: Sequence[Params]) -> Params:
        """The mean of the heads, every entity type of every task counting once."""
        merged = {}
        for name in self.head():
            values = [head[name] for head in heads]
            typed = name.startswith("head_type")
            stacked = torch.cat(values) if typed else torch.stack(values)
            merged[name] = stacked.mean(dim=0, keepdim=typed)
        return merged

    def from_support(
        self, params: Params, batches: Iterable[Batch], scale: Tensor,
        generator: torch.Generator | None = None,
    ) -> Params:  # fmt: skip
        """See :meth:`~fewshot_metalstm.meta.learner.Learner.from_support`."""
        return prototype_head(self, params, batches, scale, generator)

    def stack(
        self, batches: Sequence[Batch], generators: Sequence[torch.Generator] | None = None
    ) -> stacked.Stacked:
        """See :meth:`~fewshot_metalstm.meta.learner.Learner.stack`."""
        return stacked.stack(self, batches, generators)

    def stacked_losses(self, params: Mapping[str, Tensor], given: stacked.Stacked) -> Tensor:
        """See :meth:`~fewshot_metalstm.meta.learner.Learner.stacked_losses`."""
        return stacked.losses(self, params, given)

    def stacked_slopes(self, params: Params, direction: Params, given: stacked.Stacked) -> Tensor:
        """See :meth:`~fewshot_metalstm.meta.learner.Learner.stacked_slopes`."""
        if not isinstance(self.lstm, MetaLSTM | PlainLSTM):
            return super().stacked_slopes(params, direction, given)
        return stacked.slopes(self, params, direction, given)
