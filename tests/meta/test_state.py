"""Saved state: whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch
import torch

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.meta.state import (
    State,
    load_state,
    optimiser_tensors,
    restore_optimiser,
    save_state,
)
from tests.meta.toys import Regressor, Sines, flat_parameters

BATCH = Sines().episode(0, 0).support
RECORD = {"done": 3, "best": float("nan"), "config": "a: é\nb: 1\n"}


def write(path: Path) -> State:
    state = State({"w": torch.randn(2, 3, dtype=torch.float64), "n": torch.tensor(7)}, RECORD)
    save_state(state, path)
    return state


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "new" / "state.safetensors"
    state = write(path)
    read = load_state(path)
    assert set(read.tensors) == {"w", "n"}
    for name, value in state.tensors.items():
        assert torch.equal(read.tensors[name], value)
        assert read.tensors[name].dtype == value.dtype
    assert repr(dict(read.record)) == repr(RECORD)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_tensors_that_share_memory_are_saved(tmp_path: Path) -> None:
    base = torch.arange(6.0)
    tensors = {"a": base[:3], "b": base[3:], "c": base.view(2, 3).t()}
    save_state(State(tensors, {}), tmp_path / "s")
    read = load_state(tmp_path / "s").tensors
    assert all(torch.equal(read[n], t) for n, t in tensors.items())


def test_a_save_that_fails_leaves_the_state_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state"
    write(path)
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(safetensors.torch, "save_file", full)
    with pytest.raises(UserError, match="no space left on device"):
        write(path)
    assert path.read_bytes() == before


def test_absent(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no saved state to resume; leave out --resume"):
        load_state(tmp_path / "state")


@pytest.mark.parametrize("damage", ["cut", "empty", "noise", "foreign", "folder", "record"])
def test_damaged_is_one_line(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "state"
    write(path)
    content = path.read_bytes()
    if damage == "cut":
        path.write_bytes(content[:-4])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "noise":
        path.write_bytes(bytes(range(256)))
    elif damage == "foreign":
        safetensors.torch.save_file({"w": torch.ones(1)}, path)
    elif damage == "record":
        safetensors.torch.save_file({"w": torch.ones(1)}, path, {"record": "{"})
    else:
        path.unlink()
        path.mkdir()
    with pytest.raises(UserError, match=r"state: .*damaged; start anew") as caught:
        load_state(path)
    assert "\n" not in str(caught.value)


def test_optimiser_goes_on_as_if_never_interrupted() -> None:
    def step(learner: Regressor, optimiser: torch.optim.Optimizer) -> None:
        optimiser.zero_grad()
        learner(BATCH).backward()
        optimiser.step()

    first = Regressor()
    adam = torch.optim.Adam(first.parameters(), lr=0.1)
    step(first, adam)
    second = Regressor()
    second.load_state_dict(first.state_dict())
    other = torch.optim.Adam(second.parameters(), lr=0.1)
    tensors = {name: t.clone() for name, t in optimiser_tensors(adam).items()}
    restore_optimiser(other, {**tensors, "learner.w": torch.ones(1)})
    for _ in range(3):
        step(first, adam)
        step(second, other)
    assert torch.equal(flat_parameters(first), flat_parameters(second))
    plain = Regressor()
    assert not optimiser_tensors(torch.optim.Adam(plain.parameters()))


def test_a_byte_that_changed_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "state"
    save_state(State({"a": torch.arange(8.0), "n": torch.tensor(3)}, {"done": 4}), path)
    content = path.read_bytes()
    for place in range(8, len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        try:
            read = load_state(path)
        except UserError:
            continue
        # Only the name of the digest, or a blank.
        assert read.record == {"done": 4}
        assert torch.equal(read.tensors["a"], torch.arange(8.0))
        assert int(read.tensors["n"]) == 3
    path.write_bytes(content)
    assert load_state(path).record == {"done": 4}


def test_a_state_of_an_earlier_version_has_no_digest(tmp_path: Path) -> None:
    path = tmp_path / "state"
    safetensors.torch.save_file({"a": torch.ones(2)}, path, {"record": '{"done": 4}'})
    assert load_state(path).record == {"done": 4}
