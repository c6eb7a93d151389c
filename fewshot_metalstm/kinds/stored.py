"""A model of any kind in its folder: weights without pickle, what they were made of, and digests.

``model.safetensors`` holds the weights, ``config.json`` the format version, the kind of task, what
kind of model it is, its sizes, where it came from, and the SHA-256 of every other file. What else
there is, and how a network is made of it, is the kind's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from fewshot_metalstm.config import from_mapping
from fewshot_metalstm.data.digests import sha256
from fewshot_metalstm.data.model_folder import CONFIG, FORMAT, write_config
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.exchange import put_in_place
from fewshot_metalstm.meta.algorithm import OWN
from fewshot_metalstm.meta.prepared import Prepare
from fewshot_metalstm.nn.bounded import Bounded
from fewshot_metalstm.tensors import write_tensors
from fewshot_metalstm.version import __version__
from fewshot_metalstm.writing import beside

CHECKPOINT = "checkpoint"
WEIGHTS = "model.safetensors"
_ROOM = 2**20  # numbers that building a network may take beside its weights

L = TypeVar("L", bound=nn.Module)
S = TypeVar("S")


def write_model(
    folder: Path, weights: Mapping[str, Tensor], head: Mapping[str, Any], about: Mapping[str, Any],
    *, version: int, further: Callable[[Path], Iterable[str]] | None = None,
) -> None:  # fmt: skip
    """Write a model to ``folder``, whole or not at all; an older model there is replaced.

    Args:
        weights: all that ``model.safetensors`` holds.
        head: the fields of ``config.json`` that are the kind's own, ``task_kind`` first.
        about: where it came from.
        version: of the format.
        further: writes what else there is into the folder that it is given; the files' names.

    Raises:
        UserError: other files are there, or the place cannot be written to.
    """
    with beside(folder, put_in_place) as new:
        new.mkdir(0o755)
        write_tensors(weights, new / WEIGHTS)
        names = [WEIGHTS, *(further(new) if further is not None else ())]
        config = {
            "format": FORMAT,
            "format_version": version,
            "written_by": __version__,
            **head,
            "about": dict(about),
            "sha256": {name: sha256((new / name).read_bytes()) for name in names},
        }
        write_config(config, new)


def weights_of(learner: nn.Module) -> dict[str, Tensor]:
    """The parameters of a network, as a file holds them."""
    return {n: p.detach().cpu().contiguous() for n, p in learner.named_parameters()}


def with_values(network: L, params: Mapping[str, Tensor]) -> L:
    """``network`` with those of ``params`` that are its own, such as adaptation gives."""
    with torch.no_grad():
        for name, value in network.named_parameters():
            value.copy_(params[name])
    return network


def settings_in(form: type[S], stored: Mapping[str, Any], folder: Path) -> S:
    """Settings out of the ``config.json`` of ``folder``; ValueError for what cannot be."""
    try:
        return from_mapping(form, stored, str(folder / CONFIG))
    except UserError as problem:
        raise ValueError(str(problem)) from problem


def loaded_with(
    make: Callable[[], L], tensors: Mapping[str, Tensor], about: Mapping[str, Any],
    prepare: Prepare | None,
) -> L:  # fmt: skip
    """A network with the weights of a file, which takes no more memory than these need.

    Args:
        make: makes it, of the sizes that stand beside the weights.
        prepare: called with it and ``about`` where its meta-learner has learned weights beside it.

    Raises:
        ValueError, RuntimeError: sizes and weights do not fit.
    """
    with Bounded(sum(tensor.numel() for tensor in tensors.values()) + _ROOM):
        network = make()
        if prepare is not None and any(name.startswith(f"{OWN}.") for name in tensors):
            prepare(network, about)  # type: ignore[arg-type]
    network.load_state_dict(tensors)
    return network
