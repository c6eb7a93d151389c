"""Few-shot tagging with a meta-learned Meta-LSTM."""

from __future__ import annotations

from fewshot_metalstm.version import __version__

TYPE_CHECKING = False  # as type checkers know it, without typing's import at a command's start

if TYPE_CHECKING:
    from typing import Any

    from fewshot_metalstm.api import Mention as Mention
    from fewshot_metalstm.api import Tagger as Tagger

__all__ = ["Mention", "Tagger", "__version__"]


def __getattr__(name: str) -> Any:
    """``Tagger`` and ``Mention``, which bring torch along, when they are asked for."""
    if name in ("Mention", "Tagger"):
        from fewshot_metalstm import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
