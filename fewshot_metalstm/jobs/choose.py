"""Which runner a command uses."""

from __future__ import annotations

from importlib.util import find_spec

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.jobs.outcome import Runner
from fewshot_metalstm.jobs.pool import PoolRunner
from fewshot_metalstm.jobs.ray_actors import RayRunner
from fewshot_metalstm.machine import cores

AUTO, POOL, RAY = "auto", "pool", "ray"
RUNNERS = (AUTO, POOL, RAY)


def choose(name: str, *, cuda: bool = False) -> str:
    """``pool`` or ``ray`` for ``auto``, ``pool`` or ``ray``: auto takes Ray where it is installed.

    On a GPU auto takes the pool, whose single worker is this process: workers would share it.

    Raises:
        UserError: Ray was named and is not installed, or was named with a GPU.
    """
    if name == RAY and cuda:
        raise UserError("--runner ray computes on CPUs; add --device cpu or use --runner pool")
    if name == RAY and not has_ray():
        raise UserError(
            "--runner ray: Ray is not installed; pip install 'fewshot-metalstm[ray]', or use "
            "--runner pool"
        )
    if name == AUTO:
        return RAY if has_ray() and not cuda else POOL
    return name


def make_runner(name: str, workers: int, *, cuda: bool = False) -> Runner:
    """The runner that ``--runner`` and ``--workers`` (0: one a core) stand for."""
    if choose(name, cuda=cuda) == RAY:
        return RayRunner(workers)
    return PoolRunner(1 if cuda else workers or cores())


def has_ray() -> bool:
    """Whether Ray can be imported; it is not."""
    return find_spec("ray") is not None
