"""What compressing did: the figures, the sizes and the matrices, as a person and a program read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fewshot_metalstm.compress.latency import Latency
from fewshot_metalstm.compress.retrain import Compressed
from fewshot_metalstm.compress.settings import CompressConfig
from fewshot_metalstm.config import as_mapping
from fewshot_metalstm.figure import Figure
from fewshot_metalstm.printable import in_markdown


@dataclass(frozen=True)
class MatrixRow:
    """One compressed matrix: its name, sizes, weights and packed columns."""

    name: str
    rows: int
    columns: int
    packed_columns: int
    weights: int  # that are not zero

    @property
    def utilisation(self) -> float:
        """Weights as a share of rows x packed columns."""
        return self.weights / (self.rows * self.packed_columns)

    def as_dict(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {**asdict(self), "utilisation": round(self.utilisation, 4)}


@dataclass(frozen=True)
class Account:
    """All that compressing a model found.

    ``before`` and ``after`` are the figure on the test split, None where there is none; ``rounded``
    that with states in 8 bits too. Bytes are those of :func:`.bytes_of`.
    """

    model: str
    output: str
    kind: str
    figure: Figure
    config: CompressConfig
    trained_on: str
    items: int
    made: Compressed
    tested_on: str
    before: float | None
    after: float | None
    rounded: float | None
    bytes_before: Mapping[str, int]
    bytes_after: Mapping[str, int]
    latency: Latency | None
    machine: str

    def rows(self) -> Sequence[MatrixRow]:
        """The compressed matrices in order."""
        found = []
        for name, stored in self.made.stored.items():
            several = len(stored.matrices) > 1
            for number, packed in enumerate(stored.matrices):
                called = f"{name}[{number}]" if several else name
                rows, columns = packed.shape
                found.append(MatrixRow(called, rows, columns, len(packed.groups), packed.weights))
        return found

    @property
    def columns(self) -> int:
        """Columns of all matrices."""
        return sum(row.columns for row in self.rows())

    @property
    def packed_columns(self) -> int:
        """Packed columns of all matrices."""
        return sum(row.packed_columns for row in self.rows())

    @property
    def weights(self) -> int:
        """Weights of all matrices that are not zero."""
        return sum(row.weights for row in self.rows())

    @property
    def places(self) -> int:
        """Places of all matrices, whether or not a weight is there."""
        return sum(row.rows * row.columns for row in self.rows())

    @property
    def utilisation(self) -> float:
        """Weights as a share of the places of all packed columns."""
        return self.weights / sum(row.rows * row.packed_columns for row in self.rows())

    def as_dict(self) -> dict[str, Any]:
        """As ``--json`` and ``report.json`` have it."""
        return {
            "model": self.model, "output": self.output, "kind": self.kind,
            "settings": as_mapping(self.config),
            "trained_on": self.trained_on or None, "items": self.items,
            "steps": self.made.steps,
            "tested_on": self.tested_on or None, **self.figure.as_dict(),
            "before": _number(self.before), "after": _number(self.after),
            "after_states_int8": _number(self.rounded),
            "weights": self.made.weights, "non_zero": self.weights,
            "pruned_by_magnitude": self.made.magnitude, "pruned_as_conflicts": self.made.packing,
            "columns": self.columns, "packed_columns": self.packed_columns,
            "utilisation": round(self.utilisation, 4),
            "bytes_before": dict(self.bytes_before), "bytes_after": dict(self.bytes_after),
            "latency": None if self.latency is None else {
                "batch": self.latency.batch,
                "dense_us": round(self.latency.dense, 1),
                "packed_us": round(self.latency.packed, 1),
            },
            "machine": self.machine,
            "matrices": [row.as_dict() for row in self.rows()],
        }  # fmt: skip

    def lines(self) -> list[tuple[str, str, str]]:
        """What there was before and what there is now, for a table: (what, before, after)."""
        label, shown = self.figure.label, self.figure.shown
        found = []
        if self.before is not None and self.after is not None:
            found.append((f"{label}, {self.tested_on}", shown(self.before), shown(self.after)))
        if self.rounded is not None and self.before is not None:
            what = f"{label}, states in 8 bits too"
            found.append((what, shown(self.before), shown(self.rounded)))
        found += [
            ("weights that are not zero", f"{self.made.weights:,}", f"{self.weights:,}"),
            ("columns, packed columns", f"{self.columns:,}", f"{self.packed_columns:,}"),
            ("used of all places, unpacked and packed", _percent(self.weights / self.places),
             _percent(self.utilisation)),
        ]  # fmt: skip
        for key, what in (("weights", "bytes of the weights"), ("vectors", "bytes of word vectors"),
                          ("all", "bytes of the folder")):  # fmt: skip
            if self.bytes_before[key]:
                pair = (f"{self.bytes_before[key]:,}", f"{self.bytes_after[key]:,}")
                found.append((what, *pair))
        if self.latency is not None:
            what = f"µs of all products, {self.latency.batch} tokens"
            pair = (f"{self.latency.dense:.0f}", f"{self.latency.packed:.0f}")
            found.append((what, *pair))
        return found

    def notes(self) -> list[str]:
        """What a reader has to know beside the table."""
        settings = self.config
        found = [
            f"Pruned by magnitude: {self.made.magnitude:,} weights of {self.made.weights:,} that "
            f"were not zero; as conflicts of packed columns: {self.made.packing:,}."
        ]
        if self.made.steps:
            found.append(
                f"Retrained on {self.trained_on} ({self.items} items), {self.made.steps} steps."
            )
        else:
            found.append(
                "Not retrained: pruning and packing alone. Give --train, the text that the model "
                "was adapted to, to make up for what was pruned."
            )
        if not self.tested_on:
            found.append("Not scored: give --test to see what it costs.")
        if settings.vectors:
            found.append(f"Word vectors are in product codes of {settings.vectors} bytes each.")
        if settings.int8:
            found.append("Weights are in 8 bits, with a step for each row; biases are not.")
        return found

    def markdown(self) -> str:
        """``report.md``."""
        settings = self.config
        bits = ", 8 bits" if settings.int8 else ""
        lines = [
            f"# {in_markdown(self.model)}, compressed", "",
            f"Sparsity {settings.sparsity:g}, groups of at most {settings.combining.columns} "
            f"columns with {settings.combining.conflicts:g} conflicts a row{bits}, seed "
            f"{settings.seed}; {self.machine}.", "",
            "| | before | after |", "|---|---|---|",
            *(f"| {in_markdown(what)} | {before} | {after} |"
              for what, before, after in self.lines()), "",
            *(f"{note}\n" for note in self.notes()),
            "![the largest matrix, and how it is packed](report.png)", "",
            "| matrix | rows | columns | packed columns | not zero | utilisation |",
            "|---|---|---|---|---|---|",
            *(f"| `{row.name}` | {row.rows} | {row.columns} | {row.packed_columns} "
              f"| {row.weights} | {_percent(row.utilisation)} |" for row in self.rows()),
        ]  # fmt: skip
        return "\n".join(lines) + "\n"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def _number(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
