"""Reading texts with an adapted classifier: probabilities, and which tokens weigh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from fewshot_metalstm.kinds.classification.encoding import Encoded, by_length
from fewshot_metalstm.kinds.classification.model import CLASSIFIER, ClassifierModel, load_model
from fewshot_metalstm.kinds.classification.text import ends, tokenise

WINDOW = 1024  # texts that are read at once


@dataclass(frozen=True)
class Reading:
    """What a text was taken for.

    ``probabilities`` are those of the classes, 0 to 1, in their order. ``tokens`` are the bounds
    of the tokens that were read, and ``weights`` their shares of what stands for the text, which
    sum up to 1; both are empty for a text without a word, whose class is nothing but a guess.
    """

    classes: tuple[str, ...]
    probabilities: tuple[float, ...]
    tokens: tuple[tuple[int, int], ...] = ()
    weights: tuple[float, ...] = ()
    cut: bool = False

    @property
    def name(self) -> str:
        """The class with the greatest probability, the first of equals."""
        return self.classes[self.probabilities.index(self.probability)]

    @property
    def probability(self) -> float:
        """That of the class it was taken for."""
        return max(self.probabilities)

    @property
    def uncertainty(self) -> float:
        """1 minus the probability of the class it was taken for."""
        return 1 - self.probability


class Predictor:
    """A classifier that is loaded and reads texts."""

    def __init__(self, folder: Path, device: torch.device) -> None:
        self.model: ClassifierModel = load_model(folder, CLASSIFIER)
        self.model.learner.to(device)
        self.device = device
        self._table = self.model.table()

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that it tells apart."""
        return self.model.classes

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """What each text is taken for, in order."""
        found: list[Reading] = []
        for first in range(0, len(texts), WINDOW):
            found += self._window(texts[first : first + WINDOW])
        return found

    @torch.no_grad()
    def states(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """What stands for each text, (texts, width); each has to have a word."""
        learner = self.model.learner
        found = np.zeros((len(texts), learner.lstm.outputs), np.float32)
        for first in range(0, len(texts), WINDOW):
            encoded = self._encode(texts[first : first + WINDOW])
            for places in by_length(encoded):
                batch = self._table.batch(encoded.take(places)).to(self.device)
                hidden = learner.hidden(batch).float().cpu().numpy()
                found[[first + i for i in places]] = hidden
        return found

    def _encode(self, texts: Sequence[str]) -> Encoded:
        return self._table.encode(texts, [0] * len(texts), len(self.classes))

    @torch.no_grad()
    def _window(self, texts: Sequence[str]) -> list[Reading]:
        bounds = [tokenise(text) for text in texts]
        some = [i for i, each in enumerate(bounds) if each]
        even = (1 / len(self.classes),) * len(self.classes)
        found = [Reading(self.classes, even)] * len(texts)
        if not some:
            return found
        encoded = self._encode([texts[i] for i in some])
        longest = self.model.learner.config.longest
        for places in by_length(encoded):
            batch = self._table.batch(encoded.take(places)).to(self.device)
            scores, weights = self.model.learner.weighed(batch)
            chances = scores.float().softmax(1).cpu().tolist()
            shares = weights.float().cpu().tolist()
            for place, chance, share in zip(places, chances, shares, strict=True):
                every = bounds[some[place]]
                read = tuple(ends(every, longest))
                found[some[place]] = Reading(
                    self.classes, tuple(chance), read, tuple(share[: len(read)]),
                    len(every) > longest,
                )  # fmt: skip
        return found


def cut_note(readings: Sequence[Reading], longest: int) -> str:
    """How many texts were not read whole, in words; empty where all were."""
    number = sum(reading.cut for reading in readings)
    if not number:
        return ""
    return (
        f"{number} of {len(readings)} texts have more than {longest} tokens: of these so many "
        "were read, from both ends"
    )
