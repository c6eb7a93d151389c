"""Which runner is used."""

from __future__ import annotations

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.jobs import choose as module
from fewshot_metalstm.jobs.choose import choose, make_runner
from fewshot_metalstm.jobs.pool import PoolRunner
from fewshot_metalstm.jobs.ray_actors import RayRunner


def test_auto_takes_ray_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "has_ray", lambda: True)
    assert (choose("auto"), choose("pool"), choose("ray")) == ("ray", "pool", "ray")
    assert choose("auto", cuda=True) == "pool"
    assert make_runner("auto", 3) == RayRunner(3)
    with pytest.raises(UserError, match="add --device cpu"):
        choose("ray", cuda=True)
    monkeypatch.setattr(module, "has_ray", lambda: False)
    assert choose("auto") == "pool"
    assert make_runner("auto", 3) == PoolRunner(3)
    assert make_runner("pool", 3, cuda=True) == PoolRunner(1)
    with pytest.raises(UserError, match=r"pip install 'fewshot-metalstm\[ray\]'"):
        choose("ray")
