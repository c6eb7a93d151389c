"""Compressed weights in a file: the same parameter when read, and no more memory than is there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from fewshot_metalstm.compress.combining import CombiningConfig, combine
from fewshot_metalstm.compress.matrices import Layout, layouts
from fewshot_metalstm.compress.packed import pack
from fewshot_metalstm.compress.pruning import without_smallest
from fewshot_metalstm.compress.quantising import rounded
from fewshot_metalstm.compress.stored import Stored, read_tensors
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig
from fewshot_metalstm.nn.recurrent import make_lstm
from fewshot_metalstm.seeds import torch_generator
from fewshot_metalstm.tensors import write_tensors


def stored(layout: Layout, *, int8: bool, columns: int = 4) -> Stored:
    value = torch.randn(layout.shape, generator=torch.Generator().manual_seed(1))
    matrices = []
    for matrix in layout.split(value):
        kept = matrix * without_smallest(matrix, 0.6 if columns > 1 else 0.0)
        matrices.append(pack(kept, combine(kept != 0, CombiningConfig(columns, 0.5)))[0])
    return Stored(layout, tuple(matrices), int8)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("int8", [False, True])
@pytest.mark.parametrize("columns", [1, 4])
def test_what_is_read_is_what_was_compressed(
    tmp_path: Path, turned: bool, int8: bool, columns: int
) -> None:
    made = stored(Layout((2, 3, 11, 9), turned), int8=int8, columns=columns)
    other = torch.arange(5)
    write_tensors({**made.tensors("a.w"), "b": other}, tmp_path / "x.safetensors")
    read = read_tensors(tmp_path / "x.safetensors")
    assert list(read) == ["b", "a.w"]
    assert torch.equal(read["a.w"], made.value())
    assert read["a.w"].shape == (2, 3, 11, 9)
    assert torch.equal(read["b"], other)


def test_8_bits_are_those_that_retraining_saw() -> None:
    whole = stored(Layout((2, 9, 11)), int8=False).value()
    assert torch.allclose(stored(Layout((2, 9, 11)), int8=True).value(), rounded(whole, -2))


def test_it_takes_less_room(tmp_path: Path) -> None:
    made = stored(Layout((2, 64, 128)), int8=True, columns=8)
    write_tensors({"w": made.value()}, tmp_path / "dense.safetensors")
    write_tensors(made.tensors("w"), tmp_path / "packed.safetensors")
    sizes = [(tmp_path / f"{n}.safetensors").stat().st_size for n in ("dense", "packed")]
    assert sizes[1] < sizes[0] / 4


def huge(parts: dict[str, Tensor]) -> None:
    parts["w@shape"] = torch.tensor([2, 10**9, 9, 0])


def another_group(parts: dict[str, Tensor]) -> None:
    parts["w@groups"] = parts["w@groups"] + 1


def twice(parts: dict[str, Tensor]) -> None:
    parts["w@members"][1] = parts["w@members"][0]


def without(name: str) -> Callable[[dict[str, Tensor]], None]:
    def remove(parts: dict[str, Tensor]) -> None:
        del parts[name]

    return remove


@pytest.mark.parametrize("damage", [
    huge, another_group, twice, without("w@members"), without("w@values"), without("w@groups"),
])  # fmt: skip
def test_parts_that_do_not_fit_are_refused(
    tmp_path: Path, damage: Callable[[dict[str, Tensor]], None]
) -> None:
    parts = stored(Layout((2, 11, 9)), int8=True).tensors("w")
    damage(parts)
    write_tensors(parts, tmp_path / "x.safetensors")
    with pytest.raises((ValueError, LookupError)):
        read_tensors(tmp_path / "x.safetensors")


@pytest.mark.parametrize("kind", ["meta-lstm", "lstm", "hyper-lstm", "qrnn", "torch-lstm"])
def test_matrices_of_a_layer_have_outputs_as_rows(kind: str) -> None:
    """The layer's input weights have as many columns as it has inputs, whatever the cell."""
    config = MetaLSTMConfig(kind=kind, hidden=10, meta=8, z=8, match=False)
    layer = make_lstm(13, config, torch_generator(0, "weights"))
    found = layouts(torch.nn.ModuleDict({"lstm": layer}))
    inputs = {name: each for name, each in found.items() if name.endswith(("wx", "meta_x", "qx"))}
    assert inputs
    assert all(each.columns == 13 for each in inputs.values())
    assert all(name[-2:] != "_b" for name in found)
