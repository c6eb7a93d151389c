"""An encoder that needs no package: features are random numbers, fixed by word and neighbours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from fewshot_metalstm.data.digests import sha256
from fewshot_metalstm.encoders.features import Features, FrozenEncoder, Tokens
from fewshot_metalstm.encoders.reference import EncoderReference

SIZE = 6
REFERENCE = EncoderReference("models/fake", sha256(b"fake"), SIZE)


class FakeEncoder(FrozenEncoder):
    """Counts the sentences that it reads."""

    def __init__(self) -> None:
        self.sha256, self.size = REFERENCE.sha256, SIZE
        self.reads = 0

    def __reduce__(self) -> tuple[object, ...]:
        """See the base class."""
        return type(self), ()

    def read(self, tokens: Tokens) -> Tensor:
        """See the base class."""
        raise AssertionError("features are made up")

    def features(self, sentences: Sequence[Tokens]) -> list[Features]:
        """See the base class."""
        self.reads += len(sentences)
        return [features_of(tokens) for tokens in sentences]


def features_of(tokens: Tokens) -> Features:
    """Those of a sentence."""
    rows = [np.zeros((0, SIZE))]
    for i in range(len(tokens)):
        near = "\0".join(tokens[max(0, i - 1) : i + 2])
        seed = int(sha256(near.encode())[:8], 16)
        rows.append(np.random.default_rng(seed).normal(size=(1, SIZE)))
    return np.concatenate(rows).astype(np.float16)
