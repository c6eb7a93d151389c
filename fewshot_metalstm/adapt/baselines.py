"""Baselines that other packages add to a kind of task.

A package registers one with an entry point of the group ``fewshot_metalstm.baselines``: its name is
what ``--baseline`` and ``--methods`` call it, its object a :class:`Baseline`. Every table then has
it beside the kind's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from fewshot_metalstm import entry_points
from fewshot_metalstm.adapt.work import Method

GROUP = "fewshot_metalstm.baselines"
_WHAT = "baseline"


@dataclass(frozen=True)
class Baseline:
    """A way to get a model from a support, for one kind of task.

    Attributes:
        kind: the name of the kind, such as ``tagging``.
        method: its settings and what does a cell; its ``run`` gets the kind's cell and target.
    """

    kind: str
    method: Method


def with_others(kind: str, own: Mapping[str, Method]) -> Mapping[str, Method]:
    """The baselines of a kind by name: its ``own``, then those of other packages.

    Raises:
        UserError: a package that is broken, or registers a name that is taken.
    """
    every = dict(own)
    for name, point in entry_points.registered(GROUP, _WHAT, own).items():
        loaded = entry_points.load(point, _WHAT)
        if not isinstance(loaded, Baseline):
            problem = f"it is no Baseline but of the type {type(loaded).__name__}"
            raise entry_points.broken(point, _WHAT, problem)
        if loaded.kind == kind:
            every[name] = loaded.method
    return MappingProxyType(every)
