"""What a kind says of its models so that MLflow can log and serve them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow.models import ModelSignature


def _nothing(model: Path) -> Sequence[str]:
    del model
    return ()


@dataclass(frozen=True)
class Serving:
    """How MLflow loads and serves an adapted model of a kind.

    Attributes:
        script: the file that MLflow copies into what it logs, and runs there.
        artifact: the name by which the script finds the model's folder.
        signature: columns that go in and come out.
        example: a table to try it with, by column.
        limits: what a request may hold, by the name of the limit; 0 for no bound.
        needs: packages that loading and predicting import.
        uses: packages that they import where they are installed.
        model_needs: what one model needs besides, such as an encoder's package, by its folder.
    """

    script: Path
    artifact: str
    signature: ModelSignature
    example: Mapping[str, Sequence[object]]
    limits: Mapping[str, int] = field(default_factory=dict)
    needs: tuple[str, ...] = ("mlflow", "numpy", "PyYAML", "safetensors", "torch")
    uses: tuple[str, ...] = ("numba",)
    model_needs: Callable[[Path], Sequence[str]] = _nothing
