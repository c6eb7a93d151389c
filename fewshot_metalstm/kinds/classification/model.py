"""A text classifier in a folder: weights, config and vocabulary. No pickle.

``model.safetensors`` holds the weights and the word vectors (half precision, or a byte a number
with one scale a row), ``vocabulary.json`` the words and the alphabet, ``config.json`` the format
version, the kind of task, what kind of model it is, the classifier's config, its classes, where it
came from, the name and digest of the frozen encoder that it reads with, if it does, and the SHA-256
of the others. A meta-learned checkpoint and a classifier adapted to
classes are the same kind of folder. What a meta-learner learned beside the start (tensors
``inner.*``) is in a checkpoint and not in an adapted classifier.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from fewshot_metalstm.compress.stored import read_tensors
from fewshot_metalstm.config import as_mapping
from fewshot_metalstm.encoders.kept import source_of
from fewshot_metalstm.encoders.reference import EncoderReference, read_reference
from fewshot_metalstm.encoders.training import with_encoder
from fewshot_metalstm.kinds.classification.encoding import TextTable
from fewshot_metalstm.kinds.classification.learner import Classifier
from fewshot_metalstm.kinds.classification.settings import ClassifierConfig
from fewshot_metalstm.kinds.classification.tasks import KIND
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
from fewshot_metalstm.meta.learner import Params
from fewshot_metalstm.meta.prepared import Prepare
from fewshot_metalstm.nn.sharing import NONE
from fewshot_metalstm.nn.vector_files import (
    about_vectors,
    take_vectors,
    vector_tensors,
    vocabulary_of,
)
from fewshot_metalstm.nn.vectors import WordVectors
from fewshot_metalstm.seeds import torch_generator

FORMAT_VERSION = 1
PIECES_VERSION = 3  # of a model whose word vectors have pieces; it is the newest that is read
CLASSIFIER = "classifier"
_VOCABULARY = "vocabulary.json"


@dataclass(frozen=True)
class ClassifierModel:
    """A classifier with all that it needs to read text.

    ``kind`` is ``checkpoint`` (meta-learned) or ``classifier`` (adapted to ``classes``). The
    ``classes`` of a checkpoint are those that all of its tasks shared, one row of its head each;
    none where it has one row for any class. ``about`` says where it came from, ``encoder`` is the
    frozen one that it reads texts with, if any.
    """

    learner: Classifier
    vectors: WordVectors
    alphabet: tuple[str, ...]
    classes: tuple[str, ...] = ()
    kind: str = CHECKPOINT
    about: Mapping[str, Any] = field(default_factory=dict)
    encoder: EncoderReference | None = None

    def table(self, *, keep: bool = False) -> TextTable:
        """A fresh table of words, which grows with the words it meets.

        Args:
            keep: the features of the encoder, if there is one, on disk: where texts are read in
                more than one run.

        Raises:
            UserError: the encoder is not on this machine, or is another.
        """
        context = source_of(self.encoder, keep=keep)
        return TextTable(self.vectors, self.alphabet, self.learner.config.longest, context)


def new_classifier(
    config: ClassifierConfig, vectors: WordVectors, alphabet: Sequence[str], seed: int,
    classes: int = 1, *, recall: bool = False,
) -> Classifier:  # fmt: skip
    """A classifier with fresh weights, a function of ``seed`` alone."""
    generator = torch_generator(seed, "weights")
    return Classifier(vectors.size, len(alphabet) + 2, config, generator, classes, recall)


def new_checkpoint(
    config: ClassifierConfig, vectors: WordVectors, alphabet: Sequence[str],
    classes: Sequence[str], seed: int, encoder: EncoderReference | None = None,
) -> ClassifierModel:  # fmt: skip
    """A checkpoint to be trained; ``classes`` are those that all tasks share, or none."""
    shared, config = tuple(classes), with_encoder(config, encoder)
    learner = new_classifier(
        config, vectors, alphabet, seed, max(1, len(shared)), recall=bool(shared)
    )
    return ClassifierModel(learner, vectors, tuple(alphabet), shared, encoder=encoder)


def adapted_model(
    model: ClassifierModel, params: Params, classes: Sequence[str], about: Mapping[str, Any]
) -> ClassifierModel:
    """A classifier of its own from adapted parameters: it needs nothing of ``model`` any more."""
    learner = adapted_classifier(model, params)
    return replace(model, learner=learner, classes=tuple(classes), kind=CLASSIFIER, about=about)


def adapted_classifier(model: ClassifierModel, params: Params) -> Classifier:
    """A learner of its own with ``params``, and nothing of ``inner``."""
    rows = len(params["head_weight"])
    fresh = new_classifier(model.learner.config, model.vectors, model.alphabet, 0, rows)
    return with_values(fresh, params)


def save_model(model: ClassifierModel, folder: Path) -> None:
    """Write ``model`` to ``folder``, whole or not at all; an older model there is replaced.

    Raises :class:`UserError` if other files are there, or the place cannot be written to.
    """
    head = {
        "task_kind": KIND,
        "kind": model.kind,
        "classes": list(model.classes),
        "classifier": _sizes(model.learner.config),
        "vectors": about_vectors(model.vectors),
        **({} if model.encoder is None else {"encoder": asdict(model.encoder)}),
    }
    weights = weights_of(model.learner) | vector_tensors(model.vectors)
    write_model(
        folder, weights, head, model.about,
        version=FORMAT_VERSION if model.vectors.pieces is None else PIECES_VERSION,
        further=lambda new: _write_vocabulary(model, new),
    )  # fmt: skip


def _sizes(config: ClassifierConfig) -> dict[str, Any]:
    """The settings of a classifier; what older versions do not know is left out where it is off."""
    off = {"sharing": NONE, "heads": 0}
    if not config.context:
        usual = as_mapping(config)
        off |= {name: usual[name] for name in ("context", "context_size", "context_dropout")}
    return {k: v for k, v in as_mapping(config).items() if k not in off or v != off[k]}


def _build(folder: Path, config: Mapping[str, Any], prepare: Prepare | None) -> ClassifierModel:
    tensors = read_tensors(folder / WEIGHTS)
    vocabulary = json.loads((folder / _VOCABULARY).read_text(encoding="utf-8"))
    vectors = take_vectors(tensors, vocabulary, config["vectors"])
    alphabet = tuple(vocabulary["alphabet"])
    settings = settings_in(ClassifierConfig, config["classifier"], folder)
    classes = tuple(config["classes"])
    rows = tensors["head_weight"].shape[0]
    if not all(isinstance(name, str) for name in classes):
        raise ValueError("classes that cannot be")
    if rows != max(1, len(classes)) or (config["kind"] == CLASSIFIER and len(classes) < 2):
        raise ValueError(f"{rows} rows of the head for the classes {classes}")
    encoder = read_reference(config["encoder"]) if "encoder" in config else None
    if settings.context != (0 if encoder is None else encoder.size):
        raise ValueError("classifier and encoder do not fit")
    recall = config["kind"] == CHECKPOINT and bool(classes)
    learner = loaded_with(
        lambda: new_classifier(settings, vectors, alphabet, 0, rows, recall=recall),
        tensors, config["about"], prepare,
    )  # fmt: skip
    return ClassifierModel(
        learner, vectors, alphabet, classes, config["kind"], config["about"], encoder
    )


def _write_vocabulary(model: ClassifierModel, folder: Path) -> list[str]:
    """Write the words and characters that it knows; the file's name."""
    known = {**vocabulary_of(model.vectors), "alphabet": model.alphabet}
    text = json.dumps(known, ensure_ascii=False, indent=1) + "\n"
    (folder / _VOCABULARY).write_text(text, encoding="utf-8")
    return [_VOCABULARY]


_FORMAT = FolderFormat(
    KIND, CLASSIFIER, {"classes": list, "classifier": dict, "vectors": dict}, _build,
    lambda _: (_VOCABULARY,), PIECES_VERSION,
)  # fmt: skip
read_config = _FORMAT.read_config
# With what its meta-learner has learned, always.
load_model = load_prepared = _FORMAT.load_prepared
