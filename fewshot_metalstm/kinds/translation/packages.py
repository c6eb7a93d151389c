"""What translation needs beside the package itself, imported when it is used."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from fewshot_metalstm.errors import UserError

INSTALL = "pip install 'fewshot-metalstm[translation]'"


def tokenizers() -> ModuleType:
    """The library of subwords; a :class:`UserError` that says what to install without it."""
    return _imported("tokenizers", "cutting words into subwords")


def sacrebleu_metrics() -> ModuleType:
    """The metrics of sacrebleu; a :class:`UserError` that says what to install without it."""
    return _imported("sacrebleu.metrics", "scoring translations")


def _imported(module: str, purpose: str) -> ModuleType:
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise UserError(f"{purpose} needs the package {package}; {INSTALL}") from error
