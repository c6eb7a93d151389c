"""The figure of text classifiers: accuracy."""

from __future__ import annotations

from fewshot_metalstm.figure import Figure

FIGURE = Figure(
    "accuracy", "accuracy", "accuracy", "percent", "higher", counted="texts", group="class"
)
