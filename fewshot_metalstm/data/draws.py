"""Files of frozen draws: what is the same in them whatever a support holds.

A draw is a support set, given as indices into a split of one target. A file holds every frozen
draw of its target and the digest of the split that they index, so that no change of a reader or
of NumPy can move a figure unnoticed. It is JSON with one line a draw.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

from fewshot_metalstm import declarations
from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.writing import write_text

FROZEN_DRAWS = (0, 1, 2, 3, 4)
FROZEN_SEED = 0
SPLIT = "train"
FORMAT = 1

T = TypeVar("T")
Supports = Mapping[tuple[int, int], object]  # by shots and number of the draw


class Named(Protocol):
    """A target, of any kind."""

    @property
    def name(self) -> str:
        """As its file is called."""


N = TypeVar("N", bound=Named)


def draws_file(target: str, folder: Path | None = None) -> Path:
    """Where the frozen draws of a target are, or would be."""
    return (folder or declarations.folder() / "draws") / f"{Path(target).name}.json"


def count_draws(target: str, folder: Path | None = None) -> int:
    """How many draws of a target are frozen; 0 where it has no file.

    Raises :class:`UserError` for a damaged file.
    """
    path = draws_file(target, folder)
    return read(path, lambda content: len(json.loads(content)["draws"])) if path.is_file() else 0


def settings(shots: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """(shots, draw) of every frozen draw, in the order of a file."""
    return tuple((k, number) for k in shots for number in FROZEN_DRAWS)


def text(head: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> str:
    """The content of a file: ``head`` with the format before it, then one line a row."""
    fields = {"format": FORMAT, **head}
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}," for key, value in fields.items()]
    body = ",\n    ".join(json.dumps(row, separators=(",", ":")) for row in rows)
    return "{\n" + "\n".join(lines) + '\n  "draws": [\n    ' + body + "\n  ]\n}\n"


def freeze(
    targets: Iterable[N], content: Callable[[N], str], folder: Path | None = None
) -> tuple[Path, ...]:
    """Write the frozen draws of some targets; each file is replaced in one step."""
    paths = []
    for target in targets:
        path = draws_file(target.name, folder)
        write_text(content(target), path)
        paths.append(path)
    return tuple(paths)


def check(
    targets: Iterable[N], frozen: Callable[[Path, N], Supports], drawn: Callable[[N], Supports],
    folder: Path | None = None,
) -> tuple[str, ...]:  # fmt: skip
    """Draw everything again and compare; one line a difference, empty when all agree.

    Args:
        frozen: the supports in a target's file, or a :class:`UserError` for a file that is
            damaged or was made on another split.
        drawn: the same supports, drawn afresh.
    """
    problems = []
    for target in targets:
        path = draws_file(target.name, folder)
        if not path.is_file():
            problems.append(f"{target.name}: there is no {path}")
            continue
        try:
            known = frozen(path, target)
        except UserError as error:
            problems.append(str(error))
            continue
        problems += [
            f"{target.name}: draw {number} at {shots} shots differs from {path}"
            for (shots, number), support in drawn(target).items()
            if known[shots, number] != support
        ]
    return tuple(problems)


def read(path: Path, parse: Callable[[str], T]) -> T:
    """What ``parse`` makes of the text of a file.

    Raises :class:`UserError` for a file that cannot be read, and for what :func:`fields` and
    ``parse`` raise: ValueError, KeyError or TypeError.
    """
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise at(
            path,
            None,
            f"is not a file of frozen draws ({reason})",
            "restore it, or write it again with `fewshot-metalstm tasks draws --write`",
        ) from error


def fields(content: str, size: str, shots: Iterable[int]) -> dict[str, Any]:
    """The fields of a file, its rows under ``draws``; ValueError for impossible ones.

    Args:
        content: the file's text.
        size: the field with the number of items of the split.
        shots: the K that there have to be draws of.
    """
    data: dict[str, Any] = json.loads(content)
    if data["format"] != FORMAT or data["split"] != SPLIT:
        raise ValueError(f"format {data['format']}, split {data['split']}")
    found = set()
    for row in data["draws"]:
        row["indices"] = indices = tuple(int(index) for index in row["indices"])
        if (
            indices != tuple(sorted(set(indices)))
            or not 0 <= indices[0] <= indices[-1] < data[size]
        ):
            raise ValueError(f"draw {row['draw']} at {row['shots']} shots has impossible indices")
        found.add((int(row["shots"]), int(row["draw"])))
    absent = [key for key in settings(shots) if key not in found]
    if absent:
        raise ValueError(f"draw {absent[0][1]} at {absent[0][0]} shots is missing")
    return data


def changed(path: Path, target: str, corpus: str) -> UserError:
    """The error for draws that were made on another split of ``target`` than the one at hand."""
    return at(
        path,
        None,
        f"was made on another {SPLIT} split of {target} than the one at hand",
        f"fetch the corpus again with `fewshot-metalstm data fetch {corpus}`, or rename "
        "a corpus of your own",
    )
