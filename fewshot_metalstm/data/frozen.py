"""Frozen draws of kinds whose support is indices into a split and nothing more.

A kind says what tells a target's split from others, how a support is drawn afresh, and how many
indices it has; the files, and when they are believed, are the same for all
(:mod:`fewshot_metalstm.data.draws`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, TypeVar

from fewshot_metalstm.data import draws
from fewshot_metalstm.data.draws import FROZEN_DRAWS, FROZEN_SEED, Named, draws_file

Indices = tuple[int, ...]
"""Indices into a target's train split, ascending."""

Rows = tuple[tuple[int, int, Indices], ...]  # shots, number of the draw, indices
N = TypeVar("N", bound=Named)


@dataclass(frozen=True)
class FrozenDraws(Generic[N]):
    """How the draws of a kind are frozen.

    Attributes:
        counted: what a split's items are; the field of a file that says how many there are.
        shots: the K that draws are frozen for.
        facts: what tells a target's split from others, as fields of its file: among them ``split``,
            ``sha256`` and ``counted``.
        draw: draws the support of (target, shots, number) afresh, with the frozen seed.
        size: how many indices K shots are, of a file with such fields.
        corpus: what ``data fetch`` calls the target's data.
    """

    counted: str
    shots: tuple[int, ...]
    facts: Callable[[N], Mapping[str, Any]]
    draw: Callable[[N, int, int], Indices]
    size: Callable[[Mapping[str, Any], int], int]
    corpus: Callable[[N], str]

    def found(
        self, target: N, shots: int, number: int, seed: int, folder: Path | None = None
    ) -> Indices | None:
        """The frozen support of (target, shots, number), or None where none is frozen.

        Raises:
            UserError: the split's digest differs from the file's, or the file is damaged.
        """
        path = draws_file(target.name, folder)
        frozen = seed == FROZEN_SEED and shots in self.shots and number in FROZEN_DRAWS
        if not frozen or not path.is_file():
            return None
        return self.of(path, target)[shots, number]

    def of(self, path: Path, target: N) -> Mapping[tuple[int, int], Indices]:
        """The supports of a file, which is believed only for the split that it was made on."""
        data, supports = self.read(path)
        facts = self.facts(target)
        if {name: data.get(name) for name in facts} != facts:
            raise draws.changed(path, target.name, self.corpus(target))
        return supports

    def read(self, path: Path) -> tuple[Mapping[str, Any], Mapping[tuple[int, int], Indices]]:
        """The fields of a file and its supports; raises :class:`UserError` for a damaged one."""
        return draws.read(path, self._parse)

    def freeze(self, targets: Iterable[N], folder: Path | None = None) -> tuple[Path, ...]:
        """See :func:`fewshot_metalstm.data.draws.freeze`."""
        return draws.freeze(targets, self.text, folder)

    def check(self, targets: Iterable[N], folder: Path | None = None) -> tuple[str, ...]:
        """See :func:`fewshot_metalstm.data.draws.check`."""
        return draws.check(targets, self.of, self._drawn, folder)

    def text(self, target: N) -> str:
        """The file of a target's frozen draws: JSON with one line a draw."""
        rows = (
            {"shots": shots, "draw": number, "indices": list(indices)}
            for (shots, number), indices in self._drawn(target).items()
        )
        head = {"target": target.name, **self.facts(target), "seed": FROZEN_SEED}
        return draws.text(head, rows)

    def _drawn(self, target: N) -> dict[tuple[int, int], Indices]:
        return {
            (shots, number): self.draw(target, shots, number)
            for shots, number in draws.settings(self.shots)
        }

    def _parse(self, text: str) -> tuple[Mapping[str, Any], Mapping[tuple[int, int], Indices]]:
        data, rows = _fields(text, self.counted, self.shots)
        for shots, number, indices in rows:
            if len(indices) != self.size(data, shots):
                raise ValueError(
                    f"draw {number} at {shots} shots has {len(indices)} {self.counted}"
                )
        return data, {(shots, number): indices for shots, number, indices in rows}


@lru_cache(maxsize=16)
def _fields(text: str, counted: str, shots: tuple[int, ...]) -> tuple[Mapping[str, Any], Rows]:
    data = draws.fields(text, counted, shots)
    rows = tuple((int(r["shots"]), int(r["draw"]), r["indices"]) for r in data["draws"])
    return data, rows
