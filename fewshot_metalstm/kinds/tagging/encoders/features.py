"""Features of words in their sentences, from a frozen encoder.

A word's features are the mean of the encoder's last four layers over its subwords, scaled to a root
mean square of 1, as word vectors are. (Devlin et al., "BERT: Pre-training of Deep Bidirectional
Transformers for Language Understanding", NAACL 2019, 5.3, compare ways to take features of layers.)

Every window of a sentence is read alone, so that features depend on the sentence and on nothing
that happens to be read beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from fewshot_metalstm.kinds.tagging.encoders.hugging_face import load_bare
from fewshot_metalstm.kinds.tagging.encoders.subwords import Subwords, Window

LAYERS = 4
REMEMBERED = 2048  # sentences: a support is read several times, and is seldom larger
Features = npt.NDArray[np.float16]  # (words of a sentence, size)
Tokens = Sequence[str]


class FeatureSource(Protocol):
    """What gives features of sentences."""

    size: int

    def learn(self, sentences: Sequence[Tokens]) -> None:
        """Make ready for sentences that will be asked for, perhaps many times."""

    def features(self, sentences: Sequence[Tokens]) -> list[Features]:
        """The features of each sentence, given as tokens."""


class FrozenEncoder:
    """An encoder that is read and never tuned; loaded when it is first needed.

    It remembers the last sentences that it read.

    Args:
        folder: as :func:`~fewshot_metalstm.kinds.tagging.encoders.hugging_face.find_encoder`
            gives it.
        sha256: its digest, under which features may be kept.
        size: numbers that it gives a word.
    """

    def __init__(self, folder: Path, sha256: str, size: int) -> None:
        self.folder, self.sha256, self.size = folder, sha256, size
        self._remembered: dict[tuple[str, ...], Features] = {}

    def __reduce__(self) -> tuple[object, ...]:
        """Another process loads the encoder itself, if it needs it."""
        return type(self), (self.folder, self.sha256, self.size)

    @cached_property
    def _model(self) -> tuple[object, Subwords]:
        encoder = load_bare(self.folder)
        return encoder.model, Subwords(encoder.tokenizer, encoder.longest)

    def learn(self, sentences: Sequence[Tokens]) -> None:
        """Nothing: sentences are read when their features are asked for."""

    def features(self, sentences: Sequence[Tokens]) -> list[Features]:
        """See :class:`FeatureSource`; in half precision.

        Raises:
            UserError: transformers cannot load the encoder.
        """
        found = []
        for tokens in sentences:
            key = tuple(tokens)
            features = self._remembered.get(key)
            if features is None:
                features = self._remembered[key] = self._read(key)
                if len(self._remembered) > REMEMBERED:
                    del self._remembered[next(iter(self._remembered))]
            found.append(features)
        return found

    @torch.no_grad()
    def _read(self, tokens: tuple[str, ...]) -> Features:
        _, subwords = self._model
        windows = subwords.windows(tokens)
        rows = [self._window(window, subwords) for window in windows]
        return np.concatenate([np.zeros((0, self.size), np.float16), *rows])

    def _window(self, window: Window, subwords: Subwords) -> Features:
        model, _ = self._model
        batch = subwords.batch([window])
        states = model(  # type: ignore[operator]
            input_ids=batch.ids, attention_mask=batch.mask, output_hidden_states=True
        ).hidden_states[1:]  # the first are the embeddings
        mean = torch.stack(states[-LAYERS:]).mean(0)[0, window.firsts[0] : window.end]
        starts = torch.tensor([*window.firsts, window.end]) - window.firsts[0]
        pieces = starts.diff()
        word = torch.repeat_interleave(torch.arange(len(pieces)), pieces)
        words = mean.new_zeros(len(pieces), mean.shape[1]).index_add_(0, word, mean)
        words /= pieces[:, None]
        scale = words.square().mean(1, keepdim=True).sqrt().clamp_min(1e-6)
        features: Features = (words / scale).half().numpy()
        return features
