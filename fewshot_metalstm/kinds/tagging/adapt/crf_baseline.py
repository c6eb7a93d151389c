"""A linear-chain CRF on hand-made features: the baseline that knows nothing but the support.

Training is CRFsuite's L-BFGS with an elastic net, a function of the sentences alone. Tagging is
the best *legal* IOBES path, as for every other tagger here: CRFsuite's own decoder knows no such
rule, and a baseline should not lose mentions by it.

Source: Okazaki, "CRFsuite: a fast implementation of Conditional Random Fields", 2007; Lafferty,
McCallum, Pereira, "Conditional Random Fields", ICML 2001.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fewshot_metalstm import ranges
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.adapt.hand_features import features
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.ranges import AtLeast1, NotNegative

Floats = npt.NDArray[np.float64]
_INSTALL = "pip install 'fewshot-metalstm[baselines]'"


@dataclass(frozen=True)
class CrfConfig:
    """The linear-chain CRF on hand-made features."""

    c1: NotNegative = 0.1  # weight of the L1 norm
    c2: NotNegative = 0.1  # weight of the squared L2 norm
    iterations: AtLeast1 = 200  # of L-BFGS, at most
    min_count: NotNegative = 0.0  # features seen less often are left out


@dataclass(frozen=True)
class LinearChain:
    """A trained CRF: labels, the weights of features and of transitions.

    ``weights`` maps a feature to (labels,), ``transitions`` is (labels, labels) from row to
    column; illegal ones are -inf, as are ``start`` and ``end`` (labels,) where they may not be.
    """

    labels: tuple[str, ...]
    weights: dict[str, Floats]
    transitions: Floats
    start: Floats
    end: Floats

    def tag(self, tokens: Sequence[str]) -> tuple[str, ...]:
        """The legal tags with the highest score (Viterbi); the first of equals."""
        if not tokens:
            return ()
        rows = np.zeros((len(tokens), len(self.labels)))
        for i, names in enumerate(features(tokens)):
            for name in names:
                weight = self.weights.get(name)
                if weight is not None:
                    rows[i] += weight
        score = self.start + rows[0]
        back = []
        for row in rows[1:]:
            reached = score[:, None] + self.transitions
            back.append(reached.argmax(axis=0))
            score = reached.max(axis=0) + row
        best = int((score + self.end).argmax())
        path = [best]
        for pointer in reversed(back):
            best = int(pointer[best])
            path.append(best)
        return tuple(self.labels[i] for i in reversed(path))


def train_crf(sentences: Sequence[Sentence], config: CrfConfig) -> LinearChain:
    """Train on annotated sentences.

    Raises:
        UserError: no sentence, settings that cannot be, or CRFsuite is not installed.
    """
    check_crf(config)
    filled = [s for s in sentences if s.tokens]
    if not filled:
        raise UserError("the support is empty; give at least one annotated sentence")
    crfsuite = _crfsuite()
    trainer = crfsuite.Trainer(algorithm="lbfgs", verbose=False)
    trainer.set_params({
        "c1": config.c1, "c2": config.c2, "max_iterations": config.iterations,
        "feature.minfreq": config.min_count,
        # Weights for pairs and features that the support does not hold, too: few shots hold few.
        "feature.possible_transitions": True, "feature.possible_states": False,
    })  # fmt: skip
    for sentence in filled:
        trainer.append(features(sentence.tokens), list(sentence.tags))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        trainer.train(str(path))
        tagger = crfsuite.Tagger()
        tagger.open(str(path))
        try:
            return _read(tagger)
        finally:
            tagger.close()


def check_crf(config: CrfConfig) -> None:
    """Refuse settings that mean nothing, and a CRFsuite that is not there, in one line."""
    ranges.check(config, "crf")
    _crfsuite()


def _read(tagger: Any) -> LinearChain:
    """The weights of a trained model."""
    info = tagger.info()
    labels = tuple(sorted({*tagger.labels(), "O"}))  # with O there is always a legal path
    place = {label: i for i, label in enumerate(labels)}
    weights: dict[str, Floats] = {}
    for (name, label), weight in info.state_features.items():
        row = weights.get(name)
        if row is None:
            row = weights[name] = np.zeros(len(labels))
        row[place[label]] = weight
    transitions = np.zeros((len(labels), len(labels)))
    for (before, after), weight in info.transitions.items():
        transitions[place[before], place[after]] = weight
    start, end = np.zeros(len(labels)), np.zeros(len(labels))
    for i, label in enumerate(labels):
        start[i] = 0.0 if legal("O", label) else -np.inf
        end[i] = 0.0 if legal(label, "O") else -np.inf
        for j, after in enumerate(labels):
            if not legal(label, after):
                transitions[i, j] = -np.inf
    return LinearChain(labels, weights, transitions, start, end)


def legal(before: str, after: str) -> bool:
    """Whether IOBES tags may follow each other; at a sentence's ends stands ``O``."""
    if before[0] in "BI":
        return after[0] in "IE" and before[2:] == after[2:]
    return after[0] in "OBS"


def tag_all(chain: LinearChain, sentences: Iterable[Sequence[str]]) -> list[tuple[str, ...]]:
    """The tags of many sentences given as tokens."""
    return [chain.tag(tokens) for tokens in sentences]


def _crfsuite() -> Any:
    try:
        import pycrfsuite
    except ImportError:
        raise UserError(
            f"the baseline crf needs python-crfsuite, which is not installed; {_INSTALL}"
        ) from None
    return pycrfsuite
