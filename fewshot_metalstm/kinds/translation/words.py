"""Words in their sentences as a translator's encoder reads them, in both directions (CoVe).

A word has the mean of the encoder's last states over its subwords. What is translated ends with a
mark, and so does what is read here.

Source: McCann, Bradbury, Xiong, Socher, "Learned in Translation: Contextualized Word Vectors",
NeurIPS 2017.
"""

from __future__ import annotations

from functools import cached_property
from itertools import chain
from pathlib import Path

import torch
from torch import Tensor

from fewshot_metalstm.data.model_folder import built_of
from fewshot_metalstm.encoders.features import FrozenEncoder, Tokens, means
from fewshot_metalstm.kinds.stored import settings_in
from fewshot_metalstm.kinds.translation.encoding import sentences
from fewshot_metalstm.kinds.translation.model import TranslationModel, load_prepared, read_config
from fewshot_metalstm.kinds.translation.settings import TranslatorConfig
from fewshot_metalstm.nn.recurrent import stack_outputs


class TranslatorWords(FrozenEncoder):
    """A translator that is read for the states of its encoder."""

    @cached_property
    def _model(self) -> TranslationModel:
        model = load_prepared(self.folder)
        model.learner.eval().requires_grad_(False)
        return model

    def read(self, tokens: Tokens) -> Tensor:
        """See :class:`FrozenEncoder`.

        No subword reaches over a space, so that words can be cut one by one.
        """
        model = self._model
        subwords = model.subwords.numbers([token or " " for token in tokens])
        whole = sentences([[*chain(*subwords), model.subwords.end]])
        states = model.learner.encode(whole).states[0, :-1]
        return means(states, torch.tensor([len(each) for each in subwords]))


def word_encoder(folder: Path, sha256: str) -> TranslatorWords:
    """See :meth:`.Kind.word_encoder`."""
    stored = read_config(folder)["translator"]
    with built_of(folder):
        config = settings_in(TranslatorConfig, stored, folder)
        size = stack_outputs(config.embedding, config.lstm, config.layers)
    return TranslatorWords(folder, sha256, size)
