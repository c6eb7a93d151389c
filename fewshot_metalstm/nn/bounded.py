"""No tensors over a size: for modules whose sizes come from a file that may say anything."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from torch.overrides import TorchFunctionMode


class Bounded(TorchFunctionMode):
    """Within this context PyTorch is given no sizes that together are more than ``limit`` numbers.

    Building a module and comparing it with its weights would find a size that does not fit, but
    only after the memory was taken. (On the device ``meta`` no memory is taken; but that imports a
    thousand modules, which costs more than loading a tagger.)

    Raises:
        ValueError: a call with larger sizes, before it is made.
    """

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # fmt: skip
        """Call ``func``, unless the whole numbers that it is given multiply to too many."""
        given = [*args, *(kwargs or {}).values()]
        if math.prod(n for each in given for n in _whole(each)) > self.limit:
            raise ValueError(f"a tensor of more than {self.limit} numbers")
        return func(*args, **(kwargs or {}))


def _whole(value: Any) -> Iterable[int]:
    if isinstance(value, int):
        return (value,)
    return (n for n in value if isinstance(n, int)) if isinstance(value, tuple | list) else ()
