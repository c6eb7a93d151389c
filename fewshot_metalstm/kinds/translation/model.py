"""A translator in a folder: weights, subwords and config. No pickle.

``model.safetensors`` holds the weights, ``subwords.json`` the subwords as the library
``tokenizers`` stores them, ``config.json`` the format version, the kind of task, what kind of model
it is, its sizes, where it came from, and the SHA-256 of the other files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fewshot_metalstm.compress.stored import read_tensors
from fewshot_metalstm.config import as_mapping
from fewshot_metalstm.kinds.stored import (
    CHECKPOINT,
    WEIGHTS,
    FolderFormat,
    loaded_with,
    settings_in,
    weights_of,
    with_values,
    write_model,
)
from fewshot_metalstm.kinds.translation.learner import Translator
from fewshot_metalstm.kinds.translation.pairs import KIND
from fewshot_metalstm.kinds.translation.settings import TranslatorConfig
from fewshot_metalstm.kinds.translation.subwords import Subwords
from fewshot_metalstm.meta.learner import Params
from fewshot_metalstm.meta.prepared import Prepare
from fewshot_metalstm.seeds import torch_generator

FORMAT_VERSION = 1
PRODUCT = "translator"
_SUBWORDS = "subwords.json"


@dataclass(frozen=True)
class TranslationModel:
    """A translator, its subwords, and where it came from.

    ``kind`` is ``checkpoint`` (meta-learned) or ``translator`` (adapted). ``about`` says where it
    came from: suite, target, seeds, digests, figures.
    """

    learner: Translator
    subwords: Subwords
    kind: str = CHECKPOINT
    about: Mapping[str, Any] = field(default_factory=dict)


def new_translator(config: TranslatorConfig, subwords: int, seed: int) -> Translator:
    """A translator with fresh weights, a function of ``seed`` alone."""
    return Translator(config, subwords, torch_generator(seed, "weights"))


def adapted_translator(learner: Translator, params: Params) -> Translator:
    """A translator of its own with ``params``, such as adaptation gives, without ``inner``."""
    return with_values(fresh_like(learner, 0), params)


def fresh_like(learner: Translator, seed: int) -> Translator:
    """A translator with fresh weights and the sizes of another."""
    return new_translator(learner.config, learner.start, seed)


def save_model(model: TranslationModel, folder: Path) -> None:
    """Write ``model`` to ``folder``, whole or not at all; an older model there is replaced.

    Raises :class:`UserError` if other files are there, or the place cannot be written to.
    """

    def write_subwords(place: Path) -> Sequence[str]:
        (place / _SUBWORDS).write_text(model.subwords.stored, encoding="utf-8")
        return (_SUBWORDS,)

    head = {
        "task_kind": KIND, "kind": model.kind, "translator": as_mapping(model.learner.config),
    }  # fmt: skip
    write_model(
        folder, weights_of(model.learner), head, model.about, version=FORMAT_VERSION,
        further=write_subwords,
    )  # fmt: skip


def _build(folder: Path, config: Mapping[str, Any], prepare: Prepare | None) -> TranslationModel:
    tensors = read_tensors(folder / WEIGHTS)
    subwords = Subwords((folder / _SUBWORDS).read_text(encoding="utf-8"))
    settings = settings_in(TranslatorConfig, config["translator"], folder)
    learner = loaded_with(
        lambda: new_translator(settings, len(subwords), 0), tensors, config["about"], prepare
    )
    return TranslationModel(learner, subwords, config["kind"], config["about"])


_FORMAT = FolderFormat(KIND, PRODUCT, {"translator": dict}, _build, lambda _: (_SUBWORDS,))
load_model, load_prepared, read_config = _FORMAT.load, _FORMAT.load_prepared, _FORMAT.read_config
