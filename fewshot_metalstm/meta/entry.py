"""What the program knows of a meta-learner before it imports it: the form of an entry.

An entry is what the command line offers and what settings are checked against. It imports no
torch; the class or function that makes the meta-learner is named, and imported when one is made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Literal

from fewshot_metalstm.errors import UserError

if TYPE_CHECKING:
    from fewshot_metalstm.meta.algorithm import Algorithm
    from fewshot_metalstm.meta.config import TrainingConfig

Factory = Callable[["TrainingConfig"], "Algorithm"]
INNER = ("descent", "own", "none")


@dataclass(frozen=True)
class AlgorithmEntry:
    """A meta-learner: its name, what it can do, and what makes it."""

    name: str  # of --algorithm, and in checkpoints
    about: str  # one line for --list-algorithms
    # "module:attribute" of a class with a classmethod `from_config`, or of a function; or such a
    # function itself. It is called with the TrainingConfig. Empty in a class that says its own
    # entry: that class.
    factory: str | Factory = ""
    orders: tuple[int, ...] = (1, 2)  # that its outer gradient can have; empty: it has none
    engines: tuple[str, ...] = ()  # of --engine that take its second order; empty: it needs none
    # descent: gradient descent on the support, and --engine may be given. own: an inner loop of
    # its own, which no --engine takes. none: no inner loop.
    inner: Literal["descent", "own", "none"] = "own"
    needs_steps: bool = True  # whether its inner loop needs a step and a rate above 0
    outer: bool = True  # False: joint training alone, without an outer loop
    presets: tuple[str, ...] = ()  # settings that it wants other than the defaults: "inner.lr=1e-3"
    tune: str = "all"  # what `adapt --tune auto` stands for with its checkpoints
    refusal: str = "has no second order"  # what it says to --order 2, if it cannot have it
    package: str = ""  # that registers it; empty for this one

    def make(self, config: TrainingConfig) -> Algorithm:
        """The meta-learner with these settings, which are taken as checked.

        Raises :class:`UserError` if another package names a factory that is not there.
        """
        made: Any = self.factory
        if isinstance(made, str):
            try:
                made = resolve_name(made)
            except (ImportError, AttributeError) as problem:
                if not self.package:
                    raise
                raise UserError(
                    f"the package {self.package} names {self.factory} as the algorithm "
                    f"{self.name!r}, which cannot be imported ({problem}); update {self.package}, "
                    "or uninstall it"
                ) from problem
        algorithm: Algorithm = getattr(made, "from_config", made)(config)
        return algorithm
