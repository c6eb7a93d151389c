"""A frozen encoder of Hugging Face: what it gives the words of a sentence.

That is the mean of its last four layers over a word's subwords. (Devlin et al., "BERT:
Pre-training of Deep Bidirectional Transformers for Language Understanding", NAACL 2019, 5.3,
compare ways to take features of layers.) A sentence longer than the encoder can read is read in
windows, each alone.
"""

from __future__ import annotations

import json
from functools import cached_property

import torch
from torch import Tensor

from fewshot_metalstm.data.digests import sha256
from fewshot_metalstm.encoders.features import FrozenEncoder, Tokens, means
from fewshot_metalstm.encoders.hugging_face import digests, find_encoder, load_bare
from fewshot_metalstm.encoders.subwords import Subwords, Window
from fewshot_metalstm.errors import at

LAYERS = 4


class HuggingFaceEncoder(FrozenEncoder):
    """An encoder in a folder as ``save_pretrained`` writes it."""

    @cached_property
    def _model(self) -> tuple[object, Subwords]:
        encoder = load_bare(self.folder)
        return encoder.model, Subwords(encoder.tokenizer, encoder.longest)

    def read(self, tokens: Tokens) -> Tensor:
        """See :class:`FrozenEncoder`."""
        _, subwords = self._model
        return torch.cat([self._window(w, subwords) for w in subwords.windows(tokens)])

    def _window(self, window: Window, subwords: Subwords) -> Tensor:
        model, _ = self._model
        batch = subwords.batch([window])
        states = model(  # type: ignore[operator]
            input_ids=batch.ids, attention_mask=batch.mask, output_hidden_states=True
        ).hidden_states[1:]  # the first are the embeddings
        mean = torch.stack(states[-LAYERS:]).mean(0)[0, window.firsts[0] : window.end]
        starts = torch.tensor([*window.firsts, window.end]) - window.firsts[0]
        return means(mean, starts.diff())


def open_encoder(given: str, setting: str) -> HuggingFaceEncoder:
    """The encoder in a folder, or of a name that the local cache has.

    Args:
        setting: that ``given`` is the value of, for messages.

    Raises:
        UserError: transformers is not installed, there is none, or it does not say its size.
    """
    folder = find_encoder(given, setting)
    place = folder / "config.json"
    try:
        config = json.loads(place.read_text(encoding="utf-8"))
        size = config["hidden_size"] if "hidden_size" in config else config["dim"]
        if not isinstance(size, int) or size < 1:
            raise ValueError
    except (OSError, ValueError, LookupError, TypeError):
        raise at(
            place, None, "does not say hidden_size", "give the folder of a Hugging Face encoder"
        ) from None
    whole = sha256(json.dumps(digests(folder), sort_keys=True).encode())
    return HuggingFaceEncoder(folder, whole, size)
