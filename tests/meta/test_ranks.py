"""Several ranks: the numbers of one, to the last bit, and what happens when one of them ends."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import torch

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.meta.join import joined
from fewshot_metalstm.meta.ranks import Ranks, mean_in_order
from fewshot_metalstm.meta.torch_ranks import TorchRanks
from tests.meta.ranked import finish, launch, train

# One launch at a time.
pytestmark = pytest.mark.xdist_group("ranks")


def run(size: int, file: Path, what: str = "", workers: int = 1) -> tuple[list[int], list[str]]:
    return finish(launch(size, file, what, workers))


@pytest.mark.slow
@pytest.mark.parametrize(("size", "workers"), [(2, 2), (4, 1)])
def test_any_number_of_ranks_gives_what_one_gives(tmp_path: Path, size: int, workers: int) -> None:
    """Two do not divide the three episodes, one of four has none; float64, NaN among them."""
    codes, errors = run(size, tmp_path / "result", workers=workers)
    assert (codes, errors) == ([0] * size, [""] * size)
    parameters, records, figures = torch.load(tmp_path / "result", weights_only=False)
    alone = train(Ranks())
    assert parameters.dtype == torch.float64
    assert torch.equal(parameters, alone[0])
    assert records == alone[1]
    assert figures == alone[2]
    assert "skipped=('sine/1/2',)" in records
    assert len(set(figures)) == 4, "step 3 has no finite episode, the others change something"


@pytest.mark.slow
def test_a_killed_rank_is_named_by_rank_0(tmp_path: Path) -> None:
    codes, errors = run(3, tmp_path / "result", "killed")
    assert codes == [2, -signal.SIGKILL, 1]
    assert errors[0].startswith("error: rank 1 (")
    assert errors[0].endswith(") ended or does not answer\n")
    assert errors[0].count("\n") == 1
    assert errors[2] == ""


@pytest.mark.slow
def test_when_rank_0_is_killed_the_next_one_says_so(tmp_path: Path) -> None:
    codes, errors = run(3, tmp_path / "result", "leader killed")
    assert codes == [-signal.SIGKILL, 2, 1]
    # torch has its own to say of a store that is gone; torchrun keeps the store apart from rank 0.
    (line,) = (line for line in errors[1].splitlines() if line.startswith("error: "))
    assert line.startswith("error: rank 0 (")
    assert line.endswith(") ended or does not answer; start all ranks again with --resume")
    assert "error: " not in errors[2]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("refused", "): corpus X: not here; fetch it\n"),
        ("fault", "): failed: ArithmeticError: a fault of our own\n"),
        ("differs", ") differs from rank 0 in beta/train: digest 1, not digest 0; give every host "
         "the same versions and the same data\n"),
    ],
)  # fmt: skip
def test_an_error_on_one_rank_ends_all_and_rank_0_tells(
    tmp_path: Path, what: str, expected: str
) -> None:
    codes, errors = run(2, tmp_path / "result", what)
    assert codes == [2, 1]
    assert errors[0].startswith("error: rank 1 (")
    assert errors[0].endswith(expected)
    assert errors[0].count("\n") == 1
    # A fault of our own keeps its traceback, where it happened.
    assert ("Traceback" in errors[1]) == (what == "fault")
    assert errors[1] == "" or what == "fault"


def test_one_rank_is_a_run_as_ever_without_torch_distributed() -> None:
    for environment in ({}, {"RANK": "0", "WORLD_SIZE": "1"}, {"WORLD_SIZE": "4"}):
        with joined(environment) as ranks:
            assert type(ranks) is Ranks
            assert ranks.first
            assert ranks.share(lambda: 3) == [3]
            assert ranks.together(lambda: "x") == "x"
            assert not torch.distributed.is_initialized()


def test_ranks_without_a_meeting_place_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"RANK": "1", "WORLD_SIZE": "2"}
    for name in ("MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(
        UserError, match=r"do not find each other .*MASTER_ADDR.* torchrun"
    ) as raised:
        joined(given).__enter__()
    assert "\n" not in str(raised.value)


def test_every_rank_of_a_host_needs_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    ranks = object.__new__(TorchRanks)  # without a process group
    ranks.local, ranks._local_rank = 2, 1
    monkeypatch.setattr(ranks, "share", lambda work: [work()])
    with pytest.raises(UserError, match=r"1 GPUs for 2 ranks; .* --device cpu"):
        ranks.use("auto")


def test_the_ranks_of_a_host_share_its_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fewshot_metalstm.meta.ranks.cores", lambda: 8)
    ranks = Ranks()
    assert ranks.cores() == 8
    ranks.local = 3
    assert ranks.cores() == 2
    ranks.local = 16
    assert ranks.cores() == 1


def test_the_mean_adds_rows_in_their_order() -> None:
    rows = torch.tensor([[1e16, 1.0], [1.0, 2.0], [-1e16, 3.0]], dtype=torch.float64)
    assert mean_in_order(rows, [0, 1, 2])[0] == 0
    assert mean_in_order(rows, [0, 2])[1] == 2
    before = rows.clone()
    assert mean_in_order(rows, [1]).tolist() == [1, 2]
    assert torch.equal(rows, before)
