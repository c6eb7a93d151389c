"""What a setting may be, declared beside its field and checked before anything is done with it.

A range is part of a field's type::

    @dataclass(frozen=True)
    class InnerConfig:
        steps: AtLeast0 = 5  # gradient steps on the support
        optimiser: Annotated[str, one_of("adam", "sgd")] = "adam"
        rates: Annotated[tuple[float, ...], Range(least=0)] = ()  # of each of them

Type checkers see ``int``, ``str`` and so on. A number that is not finite is outside of every range,
whether a field declares one or not. :mod:`fewshot_metalstm.config` checks what comes from files and
the command line; :func:`check` does so for a config that a program has built.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import reprlib
import typing
from collections.abc import Hashable, Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Any

from fewshot_metalstm.errors import UserError

LARGEST = 10**9  # of integers whose range names no greatest one; what counts by 32 bits holds it
LARGEST_SEED = 2**63 - 1


@dataclasses.dataclass(frozen=True)
class Range:
    """What a setting may be; of a list, what each of its entries may be. ``None`` always may.

    Attributes:
        least: of a number, itself included.
        most: of a number, itself included.
        above: of a number, itself left out.
        below: of a number, itself left out.
        choices: of a text.
        older: further texts that files of earlier versions may have; they are not shown.
    """

    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None
    choices: tuple[str, ...] = ()
    older: tuple[str, ...] = ()

    def words(self) -> str:
        """What may be, in words: ``at least 1``, ``0 to below 1``, ``adam or sgd``."""
        if self.choices:
            *others, last = self.choices
            return f"{', '.join(others)} or {last}" if others else last
        ends = (self.least, self.most, self.above, self.below)
        least, most, above, below = (None if end is None else shown(end) for end in ends)
        if least is not None and (most is not None or below is not None):
            return f"{least} to {most}" if most is not None else f"{least} to below {below}"
        low = f"at least {least}" if least is not None else above and f"more than {above}"
        high = f"at most {most}" if most is not None else below and f"below {below}"
        return ", ".join(part for part in (low, high) if part) or "a finite number"

    @property
    def open(self) -> bool:
        """Whether it has a least number and no largest, so that inf could seem to be inside."""
        least = self.least is not None or self.above is not None
        return least and self.most is None and self.below is None

    def holds(self, value: Any) -> bool:
        """Whether ``value``, which is of the field's type, is inside."""
        if isinstance(value, str):
            return not self.choices or value in self.choices or value in self.older
        if value is None or isinstance(value, bool):
            return True
        if isinstance(value, float) and not math.isfinite(value):
            return False
        return not (
            (self.least is not None and value < self.least)
            or (self.most is not None and value > self.most)
            or (self.above is not None and value <= self.above)
            or (self.below is not None and value >= self.below)
            or (isinstance(value, int) and self.most is None and value > LARGEST)
        )

    def fault(self, name: str, value: Any) -> str | None:
        """One line on ``value`` of the setting ``name``, with what is allowed; None if it may be.

        Args:
            value: of the field's type.
        """
        for each in value if isinstance(value, (list, tuple)) else (value,):
            if self.holds(each):
                continue
            if isinstance(each, str):
                return f"{name} {shown(each)} is unknown; use {self.words()}"
            words = self.words()
            if isinstance(each, int) and self.most is None and each > LARGEST:
                words = f"at most {LARGEST}"
            if isinstance(each, float) and math.isinf(each) and self.open:
                words = f"a finite number, {words}"
            verb = "holds" if isinstance(value, (list, tuple)) else "is"
            return f"{name} {verb} {shown(each)}; use {words}"
        return None


FINITE = Range()

AtLeast0 = Annotated[int, Range(least=0)]
AtLeast1 = Annotated[int, Range(least=1)]
Seed = Annotated[int, Range(least=0, most=LARGEST_SEED)]
Finite = Annotated[float, FINITE]
Positive = Annotated[float, Range(above=0)]
NotNegative = Annotated[float, Range(least=0)]
Share = Annotated[float, Range(least=0, most=1)]
ShareBelow1 = Annotated[float, Range(least=0, below=1)]


def one_of(*choices: str) -> Range:
    """The range of a text that is one of several."""
    return Range(choices=choices)


def ranges_of(kind: type[Any]) -> Mapping[str, Range]:
    """The range of each field of a dataclass that has one, by the field's name.

    A field of type ``float`` that declares none has :data:`FINITE`.
    """
    return _ranges_of(typing.cast(Hashable, kind))


@functools.cache
def _ranges_of(kind: Hashable) -> Mapping[str, Range]:
    found: dict[str, Range] = {}
    for name, hint in typing.get_type_hints(kind, include_extras=True).items():
        own = [part for part in getattr(hint, "__metadata__", ()) if isinstance(part, Range)]
        if own:
            found[name] = own[0]
        elif float in (hint, *typing.get_args(hint)):
            found[name] = FINITE
    return MappingProxyType(found)


def check(config: Any, section: str = "") -> None:
    """Raise :class:`UserError` for the first setting of ``config`` that is outside of its range.

    Args:
        config: an instance of a dataclass of settings.
        section: what its settings' names begin with, such as ``adapt``.
    """
    for fault in _faults(config, f"{section}." if section else ""):
        raise UserError(fault)


def _faults(config: Any, prefix: str) -> Iterator[str]:
    ranges = ranges_of(type(config))
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            yield from _faults(value, f"{prefix}{field.name}.")
        elif field.name in ranges:
            fault = ranges[field.name].fault(f"{prefix}{field.name}", value)
            if fault is not None:
                yield fault


def shown(value: Any) -> str:
    """A value for a message: in one line, and cut where it is long."""
    if isinstance(value, float):
        return f"{value:.15g}"
    short = reprlib.Repr()
    short.maxstring = short.maxother = 200
    try:
        return short.repr(value)
    except ValueError:  # an integer of more digits than Python writes out
        return "a number of thousands of digits"
