"""The heads of the source tasks of joint training, and choosing one as the start for a target.

Multi-task training has a head for each task. Fine-tuning to a target begins from the one that
fits best already: the lowest loss on the whole support, without noise. Each entity type of a task
is a head of its own here (with the task's ``O`` row and transitions), and each type of a target
chooses by the loss of that type alone.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.kinds.tagging.tagger.encoding import Batch, WordTable, token_batches
from fewshot_metalstm.kinds.tagging.tagger.learner import Tagger
from fewshot_metalstm.kinds.tagging.tagger.memory import forget, places, type_losses
from fewshot_metalstm.meta.learner import Params

ANY = "any type"  # the place of a memory that is of no source task
TOKENS = 4096  # padded tokens of a batch of the support


@dataclass(frozen=True)
class SourceHead:
    """The head of one entity type of a task; ``params`` has the shapes of a tagger of one type."""

    task: str
    type: str
    params: Params

    @property
    def name(self) -> str:
        """Such as ``BC2GM/Gene``; of the head for any type, :data:`ANY`."""
        return f"{self.task}/{self.type}" if self.type else self.task


def source_names(types: Mapping[str, Sequence[str]]) -> tuple[tuple[str, str], ...]:
    """Task and type of every head of some tasks, in the order of :func:`source_heads`."""
    return tuple((task, name) for task in sorted(types) for name in types[task])


def source_heads(
    heads: Mapping[str, Params], types: Mapping[str, Sequence[str]]
) -> tuple[SourceHead, ...]:
    """The tasks' heads taken apart by type, sorted by task.

    Args:
        heads: of joint training, by task.
        types: of each task, in the order of its head's rows.
    """
    return tuple(
        SourceHead(task, name, {
            n: (value[i : i + 1] if n.startswith("head_type") else value).detach().clone()
            for n, value in heads[task].items() if n.startswith("head_")
        })
        for task in sorted(heads) for i, name in enumerate(types[task])
    )  # fmt: skip


def head_tensors(heads: Sequence[SourceHead]) -> dict[str, Tensor]:
    """Heads as tensors in half precision, named by number; :func:`read_heads` reads them."""
    return {
        f"{i}.{name}": value.detach().cpu().half().contiguous()
        for i, head in enumerate(heads)
        for name, value in head.params.items()
    }


def read_heads(
    names: Sequence[Sequence[str]], tensors: Mapping[str, Tensor], learner: Tagger
) -> tuple[SourceHead, ...]:
    """The heads of :func:`head_tensors`.

    Args:
        names: task and type of each.
        learner: a tagger of one type, whose head's shapes they must have.

    Raises:
        ValueError: more or fewer heads than names, or heads of another shape.
    """
    wanted = {n: p.shape for n, p in learner.named_parameters() if n in learner.head()}
    expected = {f"{i}.{n}": shape for i in range(len(names)) for n, shape in wanted.items()}
    if {n: t.shape for n, t in tensors.items()} != expected:
        raise ValueError("heads that do not fit the tagger")
    return tuple(
        SourceHead(task, name, {n: tensors[f"{i}.{n}"].float() for n in wanted})
        for i, (task, name) in enumerate(names)
    )


def choose_heads(
    learner: Tagger, heads: Sequence[SourceHead], table: WordTable, support: Sequence[Sentence],
    types: Sequence[str],
) -> tuple[SourceHead, ...]:  # fmt: skip
    """The head with the lowest loss on the support, for each of ``types``; the first of equals."""
    batches = support_batches(learner, table, support, types)
    losses = support_losses(learner, heads, batches).tolist()
    return tuple(heads[row.index(min(row))] for row in losses)


def support_batches(
    learner: Tagger, table: WordTable, support: Sequence[Sentence], types: Sequence[str]
) -> Iterator[Batch]:
    """The support in batches of like length; :class:`UserError` if it is empty."""
    if not support:
        raise UserError("the support is empty; give at least one annotated sentence")
    encoded = table.encode(support, types)
    device = next(learner.parameters()).device
    for chosen in token_batches(encoded, TOKENS):
        yield table.batch(encoded.take(chosen)).to(device)


@torch.no_grad()
def support_losses(
    learner: Tagger, heads: Sequence[SourceHead], batches: Iterable[Batch]
) -> Tensor:
    """The loss of every type under every head, (types, heads), summed over sentences, in nats.

    A type's loss is that of the sentences with all other mentions taken for ``O``.
    """
    total: Tensor | None = None
    for batch in batches:
        found = type_losses(learner, [head.params for head in heads], batch).double()
        total = found if total is None else total + found
    if total is None:
        raise ValueError("a support without sentences has no loss")
    return total


def start_from(learner: Tagger, chosen: Sequence[SourceHead]) -> Tagger:
    """A copy of ``learner`` with a head for as many types as heads were chosen.

    What the types share (the row of ``O``, the transitions) is the mean of the chosen, each type
    counting once, as in :meth:`Tagger.merge_heads`.
    """
    head = {}
    for name in learner.head():
        values = [each.params[name] for each in chosen]
        typed = name.startswith("head_type")
        head[name] = torch.cat(values) if typed else torch.stack(values).mean(dim=0)
    return with_head(learner, head)


def with_head(learner: Tagger, params: Mapping[str, Tensor]) -> Tagger:
    """A copy of ``learner`` with the head in ``params``, which needs no memory any more."""
    start = copy.deepcopy(learner)
    forget(start)
    for name in learner.head():
        device = getattr(learner, name).device
        setattr(start, name, nn.Parameter(params[name].detach().clone().to(device)))
    return start


def remembered(learner: Tagger, sources: Sequence[Sequence[str]]) -> tuple[SourceHead, ...]:
    """The memory of a learner as source heads, the one for any type (:data:`ANY`) as the last.

    Args:
        sources: task and type of every other place.
    """
    names = [*((task, name) for task, name in sources), (ANY, "")]
    heads = places(learner)
    return tuple(SourceHead(*name, head) for name, head in zip(names, heads, strict=True))
