"""A model of any kind in its folder: weights without pickle, what they were made of, and digests.

``model.safetensors`` holds the weights, ``config.json`` the format version, the kind of task, what
kind of model it is, its sizes, where it came from, and the SHA-256 of every other file. What else
there is, and how a network is made of it, is the kind's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from fewshot_metalstm.config import from_mapping
from fewshot_metalstm.data import model_folder
from fewshot_metalstm.data.digests import sha256
from fewshot_metalstm.data.model_folder import (
    CONFIG,
    FORMAT,
    built_of,
    check_files,
    write_config,
)
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.exchange import put_in_place
from fewshot_metalstm.meta.algorithm import OWN
from fewshot_metalstm.meta.prepared import Prepare, prepare_as_recorded
from fewshot_metalstm.nn.bounded import Bounded
from fewshot_metalstm.tensors import write_tensors
from fewshot_metalstm.version import __version__
from fewshot_metalstm.writing import beside

CHECKPOINT = "checkpoint"
COMPRESSED_VERSION = 2  # of what `compress` writes; of most kinds it is the newest that is read
WEIGHTS = "model.safetensors"
_ROOM = 2**20  # numbers that building a network may take beside its weights

L = TypeVar("L", bound=nn.Module)
M = TypeVar("M")
S = TypeVar("S")


@dataclass(frozen=True)
class FolderFormat(Generic[M]):
    """How models of a kind are read from their folders.

    Attributes:
        task_kind: the kind of task.
        product: what an adapted model is called.
        fields: those of ``config.json`` that are the kind's own, with their types.
        build: makes the model of a folder and its config, whose files are whole; with what is
            called with the learner and ``about`` where there are weights of ``inner``. A
            ``ValueError`` says that they do not fit.
        beside: the names of the files beside the weights, by the config.
        version: the newest that is read.
    """

    task_kind: str
    product: str
    fields: Mapping[str, type]
    build: Callable[[Path, Mapping[str, Any], Prepare | None], M]
    beside: Callable[[Mapping[str, Any]], Iterable[str]] = lambda _: ()
    version: int = COMPRESSED_VERSION

    def read_config(self, folder: Path, role: str | None = None) -> dict[str, Any]:
        """Read and check a model's ``config.json`` only; errors as for :meth:`load`."""
        return model_folder.read_config(
            folder, role, kind=self.task_kind, version=self.version,
            needed={"kind": str, **self.fields, "about": dict, "sha256": dict},
            roles={CHECKPOINT: "give a checkpoint that meta-train wrote",
                   self.product: f"give a {self.product.replace('-', ' ')} that adapt wrote"},
        )  # fmt: skip

    def load(self, folder: Path, role: str | None = None, prepare: Prepare | None = None) -> M:
        """Read a model.

        Args:
            folder: where it is.
            role: ``checkpoint`` or the product; None for either.
            prepare: called with the learner and ``about`` where there are weights of ``inner``.

        Raises:
            UserError: no model there, written by something else or by a newer version, damaged, or
                of another role.
        """
        config = self.read_config(folder, role)
        check_files(folder, [WEIGHTS, *self.beside(config)], config["sha256"])
        with built_of(folder):
            if config["kind"] not in (CHECKPOINT, self.product):
                raise ValueError(f"a model cannot be a {config['kind']}")
            return self.build(folder, config, prepare)

    def load_prepared(self, folder: Path, role: str | None = None) -> M:
        """:meth:`load`, with what the checkpoint's own meta-learner has learned."""
        return self.load(folder, role, prepare_as_recorded)


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
