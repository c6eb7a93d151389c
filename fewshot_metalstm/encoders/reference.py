"""Which encoder a model needs: a name and a digest are kept with it, never its weights."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fewshot_metalstm.encoders.features import FrozenEncoder
from fewshot_metalstm.encoders.hugging_face import transformers_package
from fewshot_metalstm.encoders.hugging_face_features import open_encoder
from fewshot_metalstm.encoders.own import encoding_kinds, open_own
from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds import registry

SETTING = "vectors.encoder"
VARIABLE = "FEWSHOT_METALSTM_ENCODER"
"""Environment variable: the folder, or cached name, of the encoder, where it has moved."""


@dataclass(frozen=True)
class EncoderReference:
    """An encoder that a model was trained with.

    ``name`` is the folder or name that it was given by, ``sha256`` that of its weights,
    configuration and tokenizer, ``size`` the numbers that it gives a word, ``kind`` the kind of a
    model of this package, and empty for an encoder of Hugging Face.
    """

    name: str
    sha256: str
    size: int
    kind: str = ""

    @property
    def packages(self) -> tuple[str, ...]:
        """What reading with it needs, beside this package and what that needs."""
        if not self.kind:
            return ("transformers",)
        return registry.kind(self.kind).packages

    def opened(self) -> FrozenEncoder:
        """The encoder, on this machine.

        Raises:
            UserError: the encoder is not here, is another, or needs transformers, which is not
                installed.
        """
        given = os.environ.get(VARIABLE, "")
        cure = f"give the folder of that encoder by {VARIABLE}=FOLDER"
        wanted = f"{self.name} with SHA-256 {self.sha256[:16]}"
        found = self._found(given, cure)
        if found is None:
            raise UserError(f"the model needs the encoder {wanted}, which is not here; {cure}")
        if found.sha256 != self.sha256:
            raise at(
                found.folder, None, f"is another encoder (SHA-256 {found.sha256[:16]}) than "
                f"{wanted}, which the model was trained with", cure,
            )  # fmt: skip
        return found

    def _found(self, given: str, cure: str) -> FrozenEncoder | None:
        """What is where the user says, or where it was; None if nothing is where it was."""
        own = open_own(given or self.name)
        if own is not None:
            return own[0]
        if self.kind:
            if given:
                raise UserError(
                    f"{VARIABLE}={given}: no model of the kind {self.kind} is there; {cure}"
                )
            return None
        transformers_package(SETTING)
        try:
            return open_encoder(given or self.name, VARIABLE if given else SETTING)
        except UserError:
            if given:
                raise
            return None


def refer(given: str) -> EncoderReference:
    """A reference to the encoder that the setting names.

    Raises:
        UserError: there is none, it does not say its size, its kind of model is no encoder, or it
            needs transformers, which is not installed.
    """
    own = open_own(given)
    if own is not None:
        found, kind = own
        return EncoderReference(given, found.sha256, found.size, kind)
    try:
        transformers_package(SETTING)
    except UserError as missing:
        kinds = " or ".join(encoding_kinds())
        raise UserError(
            f"{SETTING}={given}: no model of the kind {kinds} is there; {missing}"
        ) from None
    found = open_encoder(given, SETTING)
    return EncoderReference(given, found.sha256, found.size)


def read_reference(stored: Mapping[str, Any]) -> EncoderReference:
    """The reference that a model's ``config.json`` has; ValueError or LookupError if none."""
    return EncoderReference(
        str(stored["name"]), str(stored["sha256"]), int(stored["size"]),
        str(stored.get("kind", "")),
    )  # fmt: skip


def packages_of(config: Mapping[str, Any]) -> Sequence[str]:
    """What a model needs to read with its encoder, by its ``config.json``; nothing without one."""
    stored = config.get("encoder")
    return read_reference(stored).packages if stored else ()
