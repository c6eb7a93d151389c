"""The state of a run between two steps, so that it can go on as if never interrupted.

One ``safetensors`` file holds the learner's parameters, what the optimiser remembers and a small
JSON record; it is written beside and renamed, so that a crash leaves the one before it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fewshot_metalstm.errors import at
from fewshot_metalstm.tensors import write_tensors
from fewshot_metalstm.writing import beside


@dataclass(frozen=True)
class State:
    """Tensors by name and a record of plain values."""

    tensors: Mapping[str, Tensor]
    record: Mapping[str, Any]


def save_state(state: State, path: Path) -> None:
    """Write ``state`` to ``path``, whole or not at all."""
    tensors = {n: t.detach().cpu().clone().contiguous() for n, t in state.tensors.items()}
    with beside(path) as part:
        record = json.dumps(dict(state.record))
        write_tensors(tensors, part, {"record": record, "sha256": _digest(tensors, record)})


def load_state(path: Path) -> State:
    """Read a state; a :class:`UserError` if it is absent or damaged."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            told = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            # Earlier versions wrote no digest.
            if told.get("sha256", "") not in ("", _digest(tensors, told["record"])):
                raise ValueError("the digest differs")
            return State(tensors, json.loads(told["record"]))
    except FileNotFoundError:
        raise at(path, None, "there is no saved state to resume", "leave out --resume") from None
    except (SafetensorError, KeyError, ValueError, OSError):
        raise at(path, None, "the saved state is damaged", "start anew without --resume") from None


def _digest(tensors: Mapping[str, Tensor], record: str) -> str:
    """SHA-256 of a state: its record, and each tensor's name, form and bytes."""
    found = hashlib.sha256(record.encode())
    for name in sorted(tensors):
        value = tensors[name].contiguous()
        found.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        found.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()


def optimiser_tensors(
    optimiser: torch.optim.Optimizer, prefix: str = "optimiser"
) -> dict[str, Tensor]:
    """What an optimiser remembers of each parameter, by name; its settings are not in it."""
    state = optimiser.state_dict()["state"]
    return {
        f"{prefix}.{number}.{name}": value
        for number, memory in state.items()
        for name, value in memory.items()
        if isinstance(value, Tensor)
    }


def restore_optimiser(
    optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor], prefix: str = "optimiser"
) -> None:
    """Give an optimiser of the same form what :func:`optimiser_tensors` took."""
    state: dict[int, dict[str, Tensor]] = {}
    for full, value in tensors.items():
        if full.startswith(f"{prefix}."):
            number, name = full[len(prefix) + 1 :].split(".", 1)
            state.setdefault(int(number), {})[name] = value
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})
    # What is no moment of a parameter (NAdam's product) has a type of its own, which torch changes.
    every = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    for place, memory in state.items():
        for name, value in memory.items():
            if optimiser.state[every[place]][name].dtype != value.dtype:
                optimiser.state[every[place]][name] = value.clone()
