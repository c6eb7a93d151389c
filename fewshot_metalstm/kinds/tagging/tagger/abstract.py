"""Transitions between tags estimated on the source tasks, for a target with any types.

StructShot counts abstract transitions (``O`` to ``I`` of some type, ``I`` to ``I`` of the same
type or of another) in the annotation of the source tasks, spreads them evenly over the types of
the target, and takes their logarithms as scores for Viterbi. The paper tags in the IO scheme; the
transitions here are those of the CRF (:data:`~fewshot_metalstm.nn.transitions.TRANSITIONS`), which
are abstract in the same way, and know where a mention begins and ends. With n types at the target

    p(y' | y) = c(a) / (copies of a, from y)        a the abstract transition of y -> y', c its
                                                    count plus one; n copies of O>B and of O>S,
                                                    n - 1 of E>B! and S>B!, else one
    score(y -> y') = log( p(y' | y)^t / sum over legal y'' of p(y'' | y)^t )

and the temperature t flattens what would else outweigh distances. The end of a sentence scores 0,
as nothing is chosen there.

Source: Yang, Katiyar, "Simple and Effective Few-Shot Named Entity Recognition with Structured
Nearest Neighbor Learning", EMNLP 2020, section 3.3. That every
count is one more is ours: nothing legal is impossible.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise

import torch
from torch import Tensor

from fewshot_metalstm.kinds.tagging.episodes.task import Task
from fewshot_metalstm.nn.transitions import TRANSITIONS

_START = "start"


def count_transitions(tasks: Iterable[Task]) -> dict[str, int]:
    """How often the train splits of the tasks hold each abstract transition, by its name."""
    pairs: Counter[tuple[str, str]] = Counter()
    for task in tasks:
        for sentence in task.split("train"):
            pairs.update(pairwise((_START, *sentence.tags)))
    counts = dict.fromkeys((name for name in TRANSITIONS if not name.endswith(">end")), 0)
    for (before, after), number in pairs.items():
        counts[abstract(before, after)] += number
    return counts


def abstract(before: str, after: str) -> str:
    """The abstract transition from one IOBES tag (or ``start``) to the next, such as ``E>B!``."""
    kind = before if before == _START else before[0]
    name = f"{kind}>{after[0]}"
    if kind in "ES" and after[0] in "BS":
        name += "=" if before[2:] == after[2:] else "!"
    return name


def transition_scores(counts: Mapping[str, int], types: int, temperature: float) -> Tensor:
    """Scores of the abstract transitions for a target of ``types`` types, as the CRF takes them.

    Args:
        counts: of :func:`count_transitions`.
        temperature: the power of probabilities, above 0; 1 leaves them alone.

    Returns:
        (len(TRANSITIONS),), in nats.

    Raises:
        ValueError: counts of something else.
    """
    scores = torch.zeros(len(TRANSITIONS), dtype=torch.float64)
    place = {name: i for i, name in enumerate(TRANSITIONS)}
    moves: dict[str, list[str]] = {}
    for name in TRANSITIONS:
        if not name.endswith(">end"):
            moves.setdefault(name.split(">")[0], []).append(name)
    if set(counts) != {name for names in moves.values() for name in names}:
        raise ValueError("counts of other transitions than those of IOBES tags")
    for names in moves.values():
        copies = {name: _copies(name, types) for name in names}
        met = [name for name in names if copies[name]]
        total = sum(counts[name] + 1 for name in met)
        powers = {n: ((counts[n] + 1) / copies[n] / total) ** temperature for n in met}
        whole = sum(copies[name] * power for name, power in powers.items())
        for name, power in powers.items():
            scores[place[name]] = torch.tensor(power / whole, dtype=torch.float64).log()
    return scores.float()


def _copies(name: str, types: int) -> int:
    """Over how many transitions of a target with so many types an abstract one is spread."""
    before, after = name.split(">")
    if after.endswith("!"):
        return types - 1
    return types if before in ("O", _START) and after in ("B", "S") else 1
