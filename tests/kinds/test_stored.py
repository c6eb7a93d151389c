"""Models of any kind in a folder: what is written, and what a network takes of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from fewshot_metalstm.data.digests import sha256
from fewshot_metalstm.data.model_folder import check_files, read_config
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.stored import (
    WEIGHTS,
    loaded_with,
    settings_in,
    weights_of,
    with_values,
    write_model,
)


@dataclass(frozen=True)
class Sizes:
    """Of a network."""

    width: int = 3


def write(folder: Path, network: torch.nn.Module, more: str = "") -> dict[str, Any]:
    def further(new: Path) -> list[str]:
        (new / "more.txt").write_text(more)
        return ["more.txt"]

    head = {"task_kind": "none", "kind": "thing", "sizes": {"width": 3}}
    write_model(folder, weights_of(network), head, {"seed": 3}, version=1,
                further=further if more else None)  # fmt: skip
    config: dict[str, Any] = json.loads((folder / "config.json").read_text())
    return config


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    network = torch.nn.Linear(3, 2)
    config = write(tmp_path / "m", network, "words")
    assert list(config)[:6] == [
        "format", "format_version", "written_by", "task_kind", "kind", "sizes"
    ]  # fmt: skip
    assert config["sha256"] == {
        name: sha256((tmp_path / "m" / name).read_bytes()) for name in (WEIGHTS, "more.txt")
    }
    known = read_config(tmp_path / "m", "thing", kind="none", version=1, needed={}, roles={})
    check_files(tmp_path / "m", config["sha256"], config["sha256"])
    assert known["about"] == {"seed": 3}
    tensors = load_file(tmp_path / "m" / WEIGHTS)
    again = loaded_with(lambda: torch.nn.Linear(3, 2), tensors, known["about"], None)
    assert torch.equal(again.weight, network.weight)
    with pytest.raises(RuntimeError):
        loaded_with(lambda: torch.nn.Linear(4, 2), tensors, {}, None)


def test_a_newer_one_replaces_it_and_other_files_stay(tmp_path: Path) -> None:
    first = write(tmp_path / "m", torch.nn.Linear(3, 2), "words")
    assert write(tmp_path / "m", torch.nn.Linear(3, 2)) != first
    assert not (tmp_path / "m" / "more.txt").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(UserError):
        write(tmp_path / "mine", torch.nn.Linear(3, 2))
    assert (tmp_path / "mine" / "notes.txt").read_text() == "mine"


def test_a_meta_learners_own_weights_are_prepared_for() -> None:
    called: list[object] = []

    def prepare(network: Any, about: object) -> None:
        called.append(about)
        network.inner = torch.nn.ParameterDict({"rate": torch.nn.Parameter(torch.zeros(1))})

    plain = {"weight": torch.ones(2, 3), "bias": torch.ones(2)}
    loaded_with(lambda: torch.nn.Linear(3, 2), plain, "a", prepare)  # type: ignore[arg-type]
    assert called == []
    own = {**plain, "inner.rate": torch.ones(1)}
    made: Any = loaded_with(lambda: torch.nn.Linear(3, 2), own, "b", prepare)  # type: ignore[arg-type]
    assert called == ["b"]
    assert made.inner["rate"].item() == 1


def test_values_are_taken_by_name_and_further_ones_left() -> None:
    params = {
        "weight": torch.full((2, 3), 5.0),
        "bias": torch.zeros(2),
        "inner.rate": torch.ones(1),
    }
    network = with_values(torch.nn.Linear(3, 2), params)
    assert torch.equal(network.weight, params["weight"])
    assert dict(network.named_parameters()).keys() == {"weight", "bias"}


def test_settings_that_cannot_be(tmp_path: Path) -> None:
    assert settings_in(Sizes, {"width": 5}, tmp_path) == Sizes(5)
    with pytest.raises(ValueError, match="height"):
        settings_in(Sizes, {"height": 5}, tmp_path)
