"""Words in their sentences as a language model reads them: contextual string embeddings.

A sentence is read from its beginning with one space between two words. A word has the last layer's
state behind its last character, before the space that follows: it knows the word's letters and all
that stands before them, and nothing of what comes later, as the model reads forwards.

Source: Akbik, Blythe, Vollgraf, "Contextual String Embeddings for Sequence Labeling", COLING 2018,
of which this is the forward half.
"""

from __future__ import annotations

from functools import cached_property
from itertools import accumulate
from pathlib import Path

import torch
from torch import Tensor

from fewshot_metalstm.data.model_folder import built_of
from fewshot_metalstm.encoders.features import FrozenEncoder, Tokens
from fewshot_metalstm.kinds.language_model.encoding import START, Batch
from fewshot_metalstm.kinds.language_model.learner import LanguageModel
from fewshot_metalstm.kinds.language_model.model import load_prepared, read_config
from fewshot_metalstm.kinds.language_model.settings import ModelConfig
from fewshot_metalstm.kinds.stored import settings_in
from fewshot_metalstm.nn.recurrent import stack_outputs


class LanguageModelWords(FrozenEncoder):
    """A language model that is read for its states."""

    @cached_property
    def _learner(self) -> LanguageModel:
        learner = load_prepared(self.folder).learner
        learner.eval().requires_grad_(False)
        return learner

    def read(self, tokens: Tokens) -> Tensor:
        """See :class:`FrozenEncoder`."""
        words = [token.encode("utf-8", "surrogatepass") for token in tokens]
        symbols = torch.tensor([[START, *b" ".join(words)]])
        nothing = torch.zeros_like(symbols)  # no byte is predicted
        batch = Batch(symbols, nothing, nothing, torch.tensor([symbols.shape[1]]), 0)
        ends = [end - 1 for end in accumulate(len(word) + 1 for word in words)]
        return self._learner.states(batch)[0, ends]


def word_encoder(folder: Path, sha256: str) -> LanguageModelWords:
    """See :meth:`.Kind.word_encoder`."""
    stored = read_config(folder)["model"]
    with built_of(folder):
        config = settings_in(ModelConfig, stored, folder)
        size = stack_outputs(config.embedding, config.lstm, config.layers)
    return LanguageModelWords(folder, sha256, size)
