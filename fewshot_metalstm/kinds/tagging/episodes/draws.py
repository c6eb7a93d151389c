"""Draws: the support sets that every few-shot figure is computed on.

The draw of (target, K, number) is a pure function of a seed, the target's name, K and the
number, on the target's train split as it is. For the official targets draws 0-4 are frozen in
files that name the digest of the split they index, so that no change of a reader or of NumPy can
move a figure unnoticed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from fewshot_metalstm.data import draws
from fewshot_metalstm.data.draws import FROZEN_DRAWS, FROZEN_SEED, SPLIT, draws_file
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.corpora.sentence import TokenLabels
from fewshot_metalstm.kinds.tagging.episodes.sampling import Support, TaskIndex
from fewshot_metalstm.kinds.tagging.episodes.task import Task
from fewshot_metalstm.seeds import numpy_generator

FROZEN_SHOTS = (5, 10, 20, 50, 100)
FROZEN_NEGATIVES = 1.0


@dataclass(frozen=True, slots=True)
class FrozenDraws:
    """The content of one file of frozen draws."""

    target: str
    types: tuple[str, ...]
    sha256: str
    sentences: int
    supports: Mapping[tuple[int, int], Support]


def draw(
    target: Task,
    shots: int,
    number: int,
    *,
    seed: int = FROZEN_SEED,
    negatives: float = FROZEN_NEGATIVES,
) -> Support:
    """Draw the support of (target, shots, number) afresh from the target's train split.

    Raises :class:`UserError` when the target has no train split or it holds no mention.
    """
    return _drawn(_index(target), target.name, shots, number, seed, _negatives(target, negatives))


def load_draw(
    target: Task,
    shots: int,
    draw: int,
    *,
    seed: int = FROZEN_SEED,
    negatives: float = FROZEN_NEGATIVES,
    folder: Path | None = None,
) -> Support:
    """The support of (target, shots, draw): the frozen one where there is one, else drawn.

    Indices are into ``target.split("train")``. Both ways are the same function; the frozen file
    is believed only for the very split that it was made on. Raises :class:`UserError` when the
    split's digest differs from the file's, or the file is damaged.
    """
    path = draws_file(target.name, folder)
    frozen_setting = (seed, negatives) == (FROZEN_SEED, FROZEN_NEGATIVES)
    if frozen_setting and shots in FROZEN_SHOTS and draw in FROZEN_DRAWS and path.is_file():
        return _frozen(path, target)[shots, draw]
    return _drawn(_index(target), target.name, shots, draw, seed, _negatives(target, negatives))


def whole(target: Task) -> Support:
    """The whole train split as a support.

    Raises :class:`UserError` when the target has no train split or it holds no mention.
    """
    index = _index(target)
    counts = dict(zip(target.types, index.counts.sum(axis=0).tolist(), strict=True))
    return Support(tuple(range(len(index.counts))), counts, bearing=len(index.bearing))


def freeze(targets: Iterable[Task], folder: Path | None = None) -> tuple[Path, ...]:
    """See :func:`fewshot_metalstm.data.draws.freeze`."""
    return draws.freeze(targets, frozen_text, folder)


def check(targets: Iterable[Task], folder: Path | None = None) -> tuple[str, ...]:
    """See :func:`fewshot_metalstm.data.draws.check`."""
    return draws.check(targets, _frozen, _draw_all, folder)


def frozen_text(target: Task) -> str:
    """The file of a target's frozen draws: JSON with one line a draw."""
    head = {
        "target": target.name,
        "types": list(target.types),
        "split": SPLIT,
        "sha256": target.corpus.digests[SPLIT],
        "sentences": len(target.corpus.splits[SPLIT]),
        "seed": FROZEN_SEED,
        "negatives": FROZEN_NEGATIVES,
    }
    rows = (
        {
            "shots": shots,
            "draw": number,
            "counts": dict(support.counts),
            "bearing": support.bearing,
            "indices": list(support.indices),
        }
        for (shots, number), support in _draw_all(target).items()
    )
    return draws.text(head, rows)


def read_frozen(path: Path) -> FrozenDraws:
    """Read a file of frozen draws; raises :class:`UserError` for a damaged one."""
    return draws.read(path, _parse)


@lru_cache(maxsize=16)
def _parse(text: str) -> FrozenDraws:
    data = draws.fields(text, "sentences", FROZEN_SHOTS)
    types = tuple(data["types"])
    supports = {}
    for row in data["draws"]:
        bearing = int(row["bearing"])
        supports[int(row["shots"]), int(row["draw"])] = Support(
            indices=row["indices"],
            counts={name: int(row["counts"][name]) for name in types},
            shots=int(row["shots"]),
            bearing=bearing,
            negatives_wanted=int(FROZEN_NEGATIVES * bearing + 0.5),
        )
    return FrozenDraws(data["target"], types, data["sha256"], data["sentences"], supports)


def _frozen(path: Path, target: Task) -> Mapping[tuple[int, int], Support]:
    """The supports of a target's file, which is believed only for the split it was made on."""
    frozen = read_frozen(path)
    _same_split(path, frozen, target)
    return frozen.supports


def _same_split(path: Path, frozen: FrozenDraws, target: Task) -> None:
    sentences = target.corpus.splits.get(SPLIT, ())
    if target.corpus.digests.get(SPLIT) != frozen.sha256 or len(sentences) != frozen.sentences:
        raise draws.changed(path, target.name, target.name)


def _draw_all(target: Task) -> dict[tuple[int, int], Support]:
    index = _index(target)
    return {
        (shots, number): _drawn(index, target.name, shots, number, FROZEN_SEED, FROZEN_NEGATIVES)
        for shots, number in draws.settings(FROZEN_SHOTS)
    }


def _index(target: Task) -> TaskIndex:
    sentences = target.corpus.splits.get(SPLIT)
    if not sentences:
        raise UserError(f"target {target.name} has no {SPLIT} split to draw from; add one")
    index = TaskIndex.from_sentences(sentences, target.types)
    if len(index.bearing) == 0:
        raise UserError(
            f"the {SPLIT} split of target {target.name} holds no mention; annotate some first"
        )
    return index


def _negatives(target: Task, wanted: float) -> float:
    """How many mention-free sentences are wanted: none where every token has a label."""
    return 0.0 if isinstance(target.types, TokenLabels) else wanted


def _drawn(
    index: TaskIndex, name: str, shots: int, number: int, seed: int, negatives: float
) -> Support:
    rng = numpy_generator(seed, "draw", name, shots, number)
    return index.support(shots, rng, negatives=negatives)
