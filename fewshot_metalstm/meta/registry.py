"""The meta-learners by name: those of this package, and those that others register.

This is the one list of them. Settings, presets, the command line and adaptation read it, and it
imports no torch. A meta-learner of this package is a file beside this one and an entry of
:data:`BUILT_IN`. Another package registers its own under the entry-point group :data:`GROUP`: the
name is that of the meta-learner, and the object is its
:class:`~fewshot_metalstm.meta.entry.AlgorithmEntry`, or a class that has one as its attribute
``entry``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from importlib.metadata import EntryPoint
from types import MappingProxyType

from fewshot_metalstm import entry_points
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.meta.engines import ENGINES
from fewshot_metalstm.meta.entry import INNER, AlgorithmEntry

GROUP = "fewshot_metalstm.algorithms"
WHAT = "algorithm"
JOINT = "joint"  # the one whose checkpoints keep the head of every source task

_META = "fewshot_metalstm.meta"
_ALL = tuple(ENGINES)


def _by_name(entries: Iterable[AlgorithmEntry]) -> Mapping[str, AlgorithmEntry]:
    return MappingProxyType({entry.name: entry for entry in entries})


def _joint(name: str, about: str, tune: str = "all") -> AlgorithmEntry:
    """Joint training alone; of its meta-learner only the inner loop of meta-validation is used."""
    return AlgorithmEntry(
        name, about, f"{_META}.fomaml:FirstOrderMAML", orders=(), inner="descent",
        needs_steps=False, outer=False, tune=tune, refusal="has no outer gradient",
    )  # fmt: skip


BUILT_IN: Mapping[str, AlgorithmEntry] = _by_name([
    AlgorithmEntry(
        "fomaml", "first-order MAML: a start to adapt from, by the gradient after adaptation",
        f"{_META}.fomaml:FirstOrderMAML", orders=(1,), inner="descent", needs_steps=False,
        refusal="is of first order",
    ),
    AlgorithmEntry(
        "maml", "MAML: the outer gradient runs through the inner steps",
        f"{_META}.engines:maml", engines=_ALL, inner="descent", needs_steps=False,
    ),
    AlgorithmEntry(
        "anil", "ANIL: MAML whose inner loop tunes the head alone",
        f"{_META}.anil:from_config", engines=_ALL, inner="descent", needs_steps=False,
    ),
    AlgorithmEntry(
        "reptile", "Reptile: the start moves towards where training on each task leads",
        f"{_META}.reptile:Reptile", orders=(1,),
        presets=("inner.lr=1e-3",),  # Adam's: every parameter moves by about as much in a step
    ),
    AlgorithmEntry(
        "meta-sgd", "Meta-SGD: a start, and an inner rate for every coordinate",
        f"{_META}.metasgd:MetaSGD", tune="basic",
    ),
    AlgorithmEntry(
        "maml++", "MAML++: a start, and an inner rate for every tensor and step",
        f"{_META}.mamlpp:MAMLPlusPlus", tune="basic",
    ),
    AlgorithmEntry(
        "lstm", "the LSTM meta-learner of Ravi and Larochelle: a start, and the update rule",
        f"{_META}.ravi:LearnedOptimiser", orders=(1,), tune="basic",
        presets=("outer.clip=0.25",),  # the paper's
        refusal="takes no second derivatives",
    ),
    AlgorithmEntry(
        "protonet", "prototypical networks: a head made of the support, without a gradient step",
        f"{_META}.protonet:ProtoNet", orders=(1,), inner="none", tune="prototypes",
    ),
    _joint(JOINT, "multi-task training alone, for the gradients that meta-training would take"),
    _joint("nnshot", "trained as joint, to tag by nearest neighbours", "nnshot"),
    _joint(
        "structshot", "trained as joint, to tag by neighbours and the source tasks' transitions",
        "structshot",
    ),
])  # fmt: skip


def others() -> Mapping[str, EntryPoint]:
    """The entry points of other packages, by name; see :func:`.entry_points.registered`."""
    return entry_points.registered(GROUP, WHAT, BUILT_IN)


def names() -> tuple[str, ...]:
    """All names, without importing what other packages register.

    Raises:
        UserError: two packages register the same name, or one a name of :data:`BUILT_IN`.
    """
    return (*BUILT_IN, *others())


def lookup(name: str) -> AlgorithmEntry | None:
    """The entry of that name, or None; :class:`UserError` if its package is broken."""
    if name in BUILT_IN:
        return BUILT_IN[name]
    point = others().get(name)
    return None if point is None else _loaded(point)


def find(name: str) -> AlgorithmEntry:
    """The entry of that name; :class:`UserError` if there is none, or its package is broken."""
    entry = lookup(name)
    if entry is None:
        raise UserError(f"algorithm {name!r} is unknown; use {' or '.join(names())}")
    return entry


def entries() -> tuple[AlgorithmEntry, ...]:
    """All entries; imports what other packages register.

    Raises :class:`UserError` for a broken package.
    """
    return tuple(find(name) for name in names())


def jointly(name: object) -> bool:
    """Whether that algorithm is joint training alone; False for an unknown one."""
    entry = lookup(name) if isinstance(name, str) else None
    return entry is not None and not entry.outer


def presets(name: str) -> tuple[str, ...]:
    """Settings that an algorithm wants other than the defaults; none for an unknown one."""
    entry = lookup(name)
    return () if entry is None else entry.presets


def usual_tune(name: str) -> str:
    """What is tuned of an algorithm's checkpoints if nothing is asked for; ``all`` if unknown."""
    entry = lookup(name)
    return AlgorithmEntry.tune if entry is None else entry.tune


@cache
def _loaded(point: EntryPoint) -> AlgorithmEntry:
    """What an entry point of :data:`GROUP` says, checked."""
    made = entry_points.load(point, WHAT)
    entry = made if isinstance(made, AlgorithmEntry) else getattr(made, "entry", None)
    if not isinstance(entry, AlgorithmEntry):
        problem = "it is neither an AlgorithmEntry nor a class with one as its `entry`"
    elif entry.name != point.name:
        problem = f"its entry says that its name is {entry.name!r}"
    elif not entry.factory and entry is made:
        problem = "its entry has no factory"
    elif not entry.factory and not callable(getattr(made, "from_config", None)):
        problem = "it has no from_config, which makes it of the settings"
    elif entry.inner not in INNER:
        problem = f"its inner is {entry.inner!r}, which is none of {', '.join(INNER)}"
    elif not set(entry.orders) <= {1, 2} or not set(entry.engines) <= set(ENGINES):
        problem = f"it has the orders {entry.orders} and the engines {entry.engines}"
    else:
        return replace(
            entry, factory=entry.factory or made.from_config,
            package=entry_points.package_of(point),
        )  # fmt: skip
    raise entry_points.broken(point, WHAT, problem)
