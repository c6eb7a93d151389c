"""Which encoder a tagger needs: a name and a digest are kept with it, never its weights."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fewshot_metalstm.data.digests import sha256
from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds.tagging.encoders.features import FrozenEncoder
from fewshot_metalstm.kinds.tagging.encoders.hugging_face import (
    digests,
    find_encoder,
    transformers_package,
)

SETTING = "vectors.encoder"
VARIABLE = "FEWSHOT_METALSTM_ENCODER"
"""Environment variable: the folder, or cached name, of the encoder, where it has moved."""


@dataclass(frozen=True)
class EncoderReference:
    """An encoder that a tagger was trained with.

    ``name`` is the folder or name that it was given by, ``sha256`` that of its weights,
    configuration and tokenizer, ``size`` the numbers that it gives a word.
    """

    name: str
    sha256: str
    size: int

    def opened(self) -> FrozenEncoder:
        """The encoder, on this machine.

        Raises:
            UserError: transformers is not installed, the encoder is not here, or is another.
        """
        given = os.environ.get(VARIABLE)
        cure = f"give the folder of that encoder by {VARIABLE}=FOLDER"
        wanted = f"{self.name} with SHA-256 {self.sha256[:16]}"
        transformers_package(SETTING)
        try:
            folder = find_encoder(given or self.name, VARIABLE if given else SETTING)
        except UserError:
            if given:
                raise
            raise UserError(
                f"the tagger needs the encoder {wanted}, which is not here; {cure}"
            ) from None
        found = _digest(folder)
        if found != self.sha256:
            raise at(
                folder, None, f"is another encoder (SHA-256 {found[:16]}) than {wanted}, which the "
                "tagger was trained with", cure,
            )  # fmt: skip
        return FrozenEncoder(folder, self.sha256, self.size)


def refer(given: str) -> EncoderReference:
    """A reference to the encoder that the setting names.

    Raises:
        UserError: transformers is not installed, there is none, or it does not say its size.
    """
    folder = find_encoder(given, SETTING)
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
    return EncoderReference(given, _digest(folder), size)


def read_reference(stored: Mapping[str, Any]) -> EncoderReference:
    """The reference that a model's ``config.json`` has; ValueError or LookupError if none."""
    return EncoderReference(str(stored["name"]), str(stored["sha256"]), int(stored["size"]))


def _digest(folder: Path) -> str:
    """One digest of all the files that make an encoder."""
    return sha256(json.dumps(digests(folder), sort_keys=True).encode())
