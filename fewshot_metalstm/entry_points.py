"""What other packages register with this one, through the entry points of their metadata.

A package that is installed beside this one, or that stands on ``PYTHONPATH`` with its metadata,
names an object of its own under a group, such as ``fewshot_metalstm.algorithms``. Names are known
without importing the package, which happens only once its object is needed.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fewshot_metalstm.errors import UserError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

HERE = "fewshot-metalstm"  # the distribution that this package is of


@cache
def installed(group: str) -> tuple[EntryPoint, ...]:
    """The entry points of a group, in the order of their names."""
    if not any(_may_register(group, place) for place in dict.fromkeys(sys.path)):
        return ()
    # Imported where it is needed: it takes a quarter of the time of `--help`.
    from importlib.metadata import entry_points

    return tuple(sorted(entry_points(group=group), key=lambda point: (point.name, point.value)))


def _may_register(group: str, place: str) -> bool:
    """Whether an entry of the module search path may hold entry points of a group.

    A folder may if the metadata of one of its packages names the group. What is no folder, such as
    an archive, may always.
    """
    folder = Path(place or ".")
    try:
        packages = [name for name in folder.iterdir() if name.suffix in {".dist-info", ".egg-info"}]
    except FileNotFoundError:
        return False
    except OSError:
        return True
    wanted = group.encode()
    for package in packages:
        try:
            if wanted in (package / "entry_points.txt").read_bytes():
                return True
        except OSError:  # most packages have none
            continue
    return False


def registered(group: str, what: str, own: Collection[str]) -> Mapping[str, EntryPoint]:
    """The entry points of a group, by name.

    Args:
        what: a name stands for, in the singular, for messages.
        own: names that this package has itself.

    Raises:
        UserError: two packages register the same name, or one registers one of ``own``.
    """
    found: dict[str, EntryPoint] = {}
    for point in installed(group):
        if point.name in own or point.name in found:
            other = HERE if point.name in own else package_of(found[point.name])
            raise UserError(
                f"the package {package_of(point)} registers the {what} {point.name!r}, which "
                f"{other} has too; uninstall {package_of(point)}, or rename it there"
            )
        found[point.name] = point
    return MappingProxyType(found)


def load(point: EntryPoint, what: str) -> Any:
    """The object of an entry point; :class:`UserError` if importing it fails."""
    try:
        return point.load()
    except Exception as problem:  # the package's code runs here, and may raise anything
        raise broken(point, what, f"{type(problem).__name__}: {problem}") from problem


def broken(point: EntryPoint, what: str, problem: str) -> UserError:
    """The line that names the package whose entry point is of no use, and why."""
    package = package_of(point)
    return UserError(
        f"the package {package} registers the {what} {point.name!r} as {point.value}, which cannot "
        f"be used ({' '.join(problem.split())}); update {package}, or uninstall it"
    )


def package_of(point: EntryPoint) -> str:
    """The name of the distribution that has an entry point."""
    return point.dist.name if point.dist is not None else "of unknown name"
