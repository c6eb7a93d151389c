"""The optimisers of ``train`` by name, as settings and the command line know them.

This is the one list of them, and it imports no torch. Each is a class of :mod:`torch.optim`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pkgutil import resolve_name
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fewshot_metalstm.errors import UserError

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class OptimiserEntry:
    """An optimiser: a line about it, its class, and the learning rate that it usually takes."""

    about: str
    target: str  # "module:attribute"
    lr: float
    momentum: bool = False  # whether it takes the setting train.momentum
    triggered: bool = False  # whether its weights are averaged once devel no longer gets better


OPTIMISERS: Mapping[str, OptimiserEntry] = MappingProxyType({
    "sgd": OptimiserEntry("gradient descent with momentum", "torch.optim:SGD", 0.05, True),
    "adam": OptimiserEntry("Adam (Kingma and Ba 2015)", "torch.optim:Adam", 2e-3),
    "adamw": OptimiserEntry(
        "Adam whose weight decay is apart from the gradient (Loshchilov and Hutter 2019)",
        "torch.optim:AdamW", 2e-3,
    ),
    "nadam": OptimiserEntry(
        "Adam with Nesterov's momentum (Dozat 2016)", "torch.optim:NAdam", 2e-3
    ),
    "rmsprop": OptimiserEntry(
        "gradients over their root mean square (Hinton 2012)", "torch.optim:RMSprop", 1e-3
    ),
    "adagrad": OptimiserEntry(
        "rates that fall with what was moved (Duchi et al. 2011)", "torch.optim:Adagrad", 0.02
    ),
    "adadelta": OptimiserEntry(
        "rates from the last steps alone (Zeiler 2012)", "torch.optim:Adadelta", 1.0
    ),
    "nt-asgd": OptimiserEntry(
        "gradient descent at one rate, whose weights are averaged from when devel stops getting "
        "better (Merity et al. 2018)", "torch.optim:SGD", 0.2, triggered=True,
    ),
})  # fmt: skip


def find(name: str) -> OptimiserEntry:
    """The optimiser of that name; a :class:`UserError` if there is none."""
    entry = OPTIMISERS.get(name)
    if entry is None:
        raise UserError(f"train.optimiser {name!r} is unknown; use {', '.join(OPTIMISERS)}")
    return entry


def make(
    name: str, parameters: Iterable[Any], *, lr: float, momentum: float, weight_decay: float
) -> torch.optim.Optimizer:
    """The optimiser of that name for some parameters.

    Args:
        lr: learning rate.
        momentum: of those that take one (``sgd``).
        weight_decay: share of a weight that is taken from it a step, before the learning rate.

    Raises:
        UserError: there is none of that name.
    """
    entry = find(name)
    further = {"momentum": momentum} if entry.momentum else {}
    made: torch.optim.Optimizer = resolve_name(entry.target)(
        parameters, lr=lr, weight_decay=weight_decay, **further
    )
    return made
