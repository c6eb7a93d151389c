"""What the meta-learning core sees: a learner with a loss, and episodes of batches.

Nothing here or beside it knows what a batch holds. A tagger is one learner; a classifier, a
language model or a regressor is another.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from fewshot_metalstm.errors import UserError

Params = dict[str, Tensor]


@dataclass(frozen=True)
class Episode:
    """Batches of one task: the support to adapt on and the query to be judged by."""

    support: Any
    query: Any
    name: str  # task and episode, for messages


class Learner(ABC, nn.Module):  # ABC first: higher derives from both in this order
    """A model with a loss. Its parameters fall into groups that adaptation may tune."""

    @abstractmethod
    def forward(self, batch: Any, generator: torch.Generator | None = None) -> Tensor:
        """Mean loss of ``batch``, a scalar. Noise (dropout) only if a generator is given."""

    @abstractmethod
    def adapted(self) -> tuple[str, ...]:
        """Names of the parameters that an inner loop adapts; the rest is shared by all tasks."""

    def head(self) -> tuple[str, ...]:
        """Names of the parameters that map states to labels; a task's own in joint training."""
        return ()

    def private(self) -> tuple[str, ...]:
        """Names of the parameters of which joint training keeps one set for each task.

        They are those of the head, and those of a part of the model that tasks do not share.
        """
        return self.head()

    def merge_private(self, sets: Sequence[Params]) -> Params:
        """One set of what is private from those of several tasks, for a task not met yet.

        Heads are merged as :meth:`merge_heads` says; of all else it is the mean.
        """
        head = self.head()
        others = [name for name in self.private() if name not in head]
        means = {n: torch.stack([own[n] for own in sets]).mean(dim=0) for n in others}
        return means | self.merge_heads(sets)

    def features(self) -> tuple[str, ...]:
        """Names of parameters that map features of something frozen; usually there are none."""
        return ()

    def initial(self, batch: Any) -> Params:
        """The parameters that a task starts from, as functions of this learner's own.

        By default they are this learner's parameters. A learner whose head depends on the task
        (more labels, say) builds it here, differentiably.
        """
        del batch
        return dict(self.named_parameters())

    def figure(self, params: Params, batch: Any) -> float:
        """A figure that a user understands, such as F1, for progress; NaN if there is none."""
        del params, batch
        return float("nan")

    def merge_heads(self, heads: Sequence[Params]) -> Params:
        """One head from those of several tasks: the start for a task not met yet.

        By default the mean; a learner whose heads differ in shape says here what it means.
        """
        return {n: torch.stack([head[n] for head in heads]).mean(dim=0) for n in self.head()}

    def from_support(
        self, params: Params, batches: Iterable[Any], scale: Tensor,
        generator: torch.Generator | None = None,
    ) -> Params:  # fmt: skip
        """The parameters with a head made of a support as it is read, without a gradient step.

        A class is scored by how near an item's representation is to the class's prototype, the
        mean representation of its items: by ``-scale`` times the mean square of their
        coordinates' differences. It is differentiable by ``params`` and ``scale``.

        Args:
            params: what :meth:`initial` gave; the representations are those under them.
            batches: the support, whole or in pieces.
            scale: positive, a scalar.
            generator: of the noise (dropout); None for none.

        Raises:
            UserError: this learner has no classes, or no head that distances fit in.
        """
        del params, batches, scale, generator
        raise UserError(
            f"{type(self).__name__} makes no head of prototypes, which protonet needs; "
            "use another --algorithm"
        )

    def loss(
        self, params: Mapping[str, Tensor], batch: Any, generator: torch.Generator | None = None
    ) -> Tensor:
        """The loss of ``batch`` under ``params`` in place of this learner's parameters."""
        result: Tensor = functional_call(self, dict(params), (batch, generator))
        return result

    def under(self, params: Mapping[str, Tensor], method: str, *given: Any) -> Any:
        """What a method gives under ``params`` in place of this learner's parameters."""
        named = {f"learner.{name}": value for name, value in params.items()}
        return functional_call(_Call(self, method), named, given)

    def stack(
        self, batches: Sequence[Any], generators: Sequence[torch.Generator] | None = None
    ) -> Any:
        """Several batches as one object that :meth:`stacked_losses` takes.

        They are padded to one shape, such that padding changes no loss. With generators, one a
        batch, it holds the noise that :meth:`forward` would draw from them.

        Raises:
            UserError: this learner has no such form.
        """
        del batches, generators
        raise UserError(
            f"{type(self).__name__} cannot stack batches, which the engine func needs; "
            "use --engine higher or --engine learn2learn"
        )

    def stacked_losses(self, params: Mapping[str, Tensor], stacked: Any) -> Tensor:
        """The loss of each batch of :meth:`stack`, (tasks,), each under parameters of its own.

        Args:
            params: every parameter with a leading dimension of tasks. A parameter whose shape
                depends on the task (:meth:`initial`) is padded at its ends with zeros, to which
                the losses must give no gradient.
        """
        del params, stacked
        raise NotImplementedError("a learner that can stack batches has to have stacked losses")

    def stacked_slopes(self, params: Params, direction: Params, stacked: Any) -> Tensor:
        """The derivative of each of :meth:`stacked_losses` along a direction, (tasks,).

        Differentiable once, by ``params``. A learner may have a quicker way than this one, which
        differentiates the losses twice.

        Args:
            params: as for the losses; all need a gradient.
            direction: of the parameters that are adapted, without a graph.
        """
        losses = self.stacked_losses(params, stacked)
        gradients = torch.autograd.grad(
            losses.sum(), [params[name] for name in direction], create_graph=True,
            materialize_grads=True,
        )  # fmt: skip
        pairs = zip(direction.values(), gradients, strict=True)
        return torch.stack([(d * g).reshape(len(d), -1).sum(1) for d, g in pairs]).sum(0)


class _Call(nn.Module):
    """A method of a learner as a forward pass, for ``functional_call``."""

    def __init__(self, learner: Learner, method: str) -> None:
        super().__init__()
        self.learner = learner
        self.method = method

    def forward(self, *given: Any) -> Any:
        return getattr(self.learner, self.method)(*given)
