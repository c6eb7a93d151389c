"""A tagger in a folder: weights, config, vocabulary and tag sets. No pickle.

``model.safetensors`` holds the tagger's weights and the word vectors (half precision, or a byte a
number with one scale a row, which is format version 2), ``vocabulary.json`` the words and the
alphabet, ``config.json`` the format version, what kind of model it is, its config, its entity
types, where it came from, and the SHA-256 of the others. A tagger of one label a token says so
(``scheme``), and one with sentinels names its corpus (``sentinel``); both are format version 3.
A meta-learned checkpoint and an adapted tagger are the same kind of folder; that of joint training
alone has ``heads.safetensors`` besides, the heads of its source tasks (half precision), a tagger
by nearest neighbours ``neighbours.safetensors``, the hidden states of its support. A checkpoint
has digests of the sentences that it learned from, ``sentences.bin`` (see
:mod:`fewshot_metalstm.kinds.tagging.tagger.learned_sentences`). What a meta-learner learned beside
the start (tensors ``inner.*``) is in a checkpoint and not in a tagger.
A checkpoint with an adaptation policy has ``policy.json`` (:mod:`fewshot_metalstm.adapt.policy`).
One that reads text with a frozen encoder has its name and digest in ``config.json``, which is then
of format version 3, and none of its weights (see
:mod:`fewshot_metalstm.encoders.reference`). One whose word vectors have the pieces of an encoder
beside them is of format version 5, and one with further starts
(:mod:`fewshot_metalstm.kinds.tagging.tagger.starts`) of version 6, with ``starts.safetensors``.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fewshot_metalstm.adapt import policy as policies
from fewshot_metalstm.adapt.policy import Policy, load_policy
from fewshot_metalstm.compress.stored import read_tensors
from fewshot_metalstm.config import from_mapping
from fewshot_metalstm.data import model_folder
from fewshot_metalstm.data.digests import sha256
from fewshot_metalstm.data.model_folder import FORMAT, built_of, check_files, write_config
from fewshot_metalstm.declarations import DEFAULT_KIND
from fewshot_metalstm.encoders.kept import source_of
from fewshot_metalstm.encoders.reference import EncoderReference, read_reference
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.exchange import put_in_place
from fewshot_metalstm.kinds.tagging.corpora.schemes import TOKEN
from fewshot_metalstm.kinds.tagging.corpora.sentence import TokenLabels, like
from fewshot_metalstm.kinds.tagging.tagger import learned_sentences
from fewshot_metalstm.kinds.tagging.tagger.encoding import WordTable, labels
from fewshot_metalstm.kinds.tagging.tagger.heads import SourceHead, head_tensors, read_heads
from fewshot_metalstm.kinds.tagging.tagger.learner import Tagger
from fewshot_metalstm.kinds.tagging.tagger.learner import new_tagger as new_tagger
from fewshot_metalstm.kinds.tagging.tagger.lexicon import Lexicon, read_lexicon
from fewshot_metalstm.kinds.tagging.tagger.neighbours import read_neighbours
from fewshot_metalstm.kinds.tagging.tagger.network import NEWER, TaggerConfig, stored_sizes
from fewshot_metalstm.kinds.tagging.tagger.starts import (
    ROOM,
    FurtherStart,
    about_starts,
    read_starts,
    start_tensors,
    weight_tensors,
)
from fewshot_metalstm.meta.algorithm import OWN
from fewshot_metalstm.meta.learner import Params
from fewshot_metalstm.nn.bounded import Bounded
from fewshot_metalstm.nn.vector_files import (
    about_vectors,
    quantised,
    take_vectors,
    vector_tensors,
    vocabulary_of,
)
from fewshot_metalstm.nn.vectors import WordVectors
from fewshot_metalstm.tensors import write_tensors
from fewshot_metalstm.version import __version__
from fewshot_metalstm.writing import beside

PIECES_VERSION = 5  # of a model whose word vectors have pieces; 4 is of what `compress` wrote
STARTS_VERSION = 6  # of a checkpoint with several starts
FORMAT_VERSION = STARTS_VERSION  # the newest that is read; what an older one can read says so
CHECKPOINT, TAGGER = "checkpoint", "tagger"
_FILES = ("model.safetensors", "vocabulary.json")
_HEADS = "heads.safetensors"
_NEIGHBOURS = "neighbours.safetensors"
_STARTS = "starts.safetensors"


@dataclass(frozen=True)
class TaggerModel:
    """A tagger with all that it needs to read text.

    ``kind`` is ``checkpoint`` (meta-learned, one head for any type) or ``tagger`` (adapted to
    ``types``). ``about`` says where it came from: suite, target, seeds, digests, figures.
    ``heads`` are those of the source tasks, of joint training alone; ``lexicon`` holds the
    mentions of the support that a tagger was adapted to; ``sentences`` are digests of those that a
    checkpoint learned from, empty where they are not known; ``policy`` says how a checkpoint is
    best adapted to a support; ``encoder`` is the frozen one that it reads text with, if any.
    ``further`` are a checkpoint's starts beside ``learner`` and ``heads``, which are its first.
    """

    learner: Tagger
    vectors: WordVectors
    alphabet: tuple[str, ...]
    types: tuple[str, ...] = ()
    kind: str = CHECKPOINT
    about: Mapping[str, Any] = field(default_factory=dict)
    heads: tuple[SourceHead, ...] = ()
    lexicon: Lexicon = field(default_factory=Lexicon)
    sentences: bytes = b""
    policy: Policy | None = None
    encoder: EncoderReference | None = None
    further: tuple[FurtherStart, ...] = ()

    @property
    def read_with(self) -> EncoderReference | None:
        """The encoder that one of the starts reads with, if one does; they share it."""
        every = (self.encoder, *(start.encoder for start in self.further))
        return next((encoder for encoder in every if encoder is not None), None)

    def table(self, *, keep: bool = False) -> WordTable:
        """A fresh word table, which grows with the words it meets, for all starts.

        Args:
            keep: the features of the encoder, if the tagger has one, on disk: where sentences are
                read many times.

        Raises:
            UserError: the encoder is not on this machine, or is another.
        """
        return WordTable(self.vectors, self.alphabet, source_of(self.read_with, keep=keep))

    def of_start(self, number: int) -> TaggerModel:
        """The checkpoint as if this start were its only one; 0 is the first.

        A policy that is for several is none for one.
        """
        if not self.further:
            return self
        alone = dataclasses.replace(self, further=(), policy=None)
        if number == 0:
            return alone
        start = self.further[number - 1]
        return dataclasses.replace(
            alone, learner=start.learner, heads=start.heads, encoder=start.encoder,
            vectors=start.vectors(self.vectors),
        )  # fmt: skip


def adapted_model(
    model: TaggerModel, params: Params, types: Sequence[str], about: Mapping[str, Any],
    lexicon: Lexicon, config: TaggerConfig | None = None, sentinel: str = "",
) -> TaggerModel:  # fmt: skip
    """A tagger of its own from adapted parameters: it needs nothing of ``model`` any more.

    It has the sizes of ``config``, or of ``model``. With a ``sentinel`` the head has rows for it
    besides, as the last.
    """
    sizes = dataclasses.replace(config or model.learner.config, memory=0)
    rows = len(types) + bool(sentinel)
    learner = new_tagger(sizes, model.vectors, model.alphabet, 0, rows)
    learner.sentinel = sentinel
    with torch.no_grad():
        for name, value in learner.named_parameters():
            value.copy_(params[name])
    return TaggerModel(
        learner, model.vectors, model.alphabet, like(types, types), TAGGER, about,
        lexicon=lexicon, encoder=model.encoder,
    )  # fmt: skip


def save_model(model: TaggerModel, folder: Path) -> None:
    """Write ``model`` to ``folder``, whole or not at all; an older model there is replaced."""
    with beside(folder, put_in_place) as new:
        new.mkdir(0o755)
        write_tensors(_tensors(model), new / "model.safetensors")
        vocabulary = {**vocabulary_of(model.vectors), "alphabet": model.alphabet}
        _write_json(vocabulary, new / "vocabulary.json")
        files: tuple[str, ...] = _FILES
        if model.heads:
            write_tensors(head_tensors(model.heads), new / _HEADS)
            files = (*files, _HEADS)
        neighbours = model.learner.neighbours
        if neighbours is not None:
            write_tensors(neighbours.tensors(), new / _NEIGHBOURS)
            files = (*files, _NEIGHBOURS)
        if model.sentences:
            (new / learned_sentences.FILE).write_bytes(model.sentences)
            files = (*files, learned_sentences.FILE)
        if model.policy is not None:
            _write_json(model.policy.as_dict(), new / policies.FILE)
            files = (*files, policies.FILE)
        if model.further:
            write_tensors(start_tensors(model.further), new / _STARTS)
            files = (*files, _STARTS)
        config = {
            "format": FORMAT,
            "format_version": _format_version(model),
            "written_by": __version__,
            "kind": model.kind,
            "types": list(model.types),
            "tags": list(labels(model.types)),
            "tagger": stored_sizes(model.learner.config),
            "vectors": about_vectors(model.vectors),
            "about": dict(model.about),
            "sha256": {name: _digest(new / name) for name in files},
        }
        if isinstance(model.types, TokenLabels):
            config["scheme"] = TOKEN
        if model.learner.sentinel:
            config["sentinel"] = model.learner.sentinel
        if model.heads:
            config["heads"] = [[head.task, head.type] for head in model.heads]
        if model.sentences:
            config["sentences"] = len(model.sentences) // learned_sentences.WIDTH
        if neighbours is not None:
            config["neighbours"] = len(neighbours.hidden)
        if model.policy is not None:
            config["policy"] = policies.FORMAT
        if model.encoder is not None:
            config["encoder"] = dataclasses.asdict(model.encoder)
        if model.further:
            config["starts"] = about_starts(model.further)
        if model.lexicon.mentions and model.lexicon.bonus:  # unused, they would only give away
            config["lexicon"] = model.lexicon.as_dict()
        write_config(config, new)


def load_model(folder: Path, kind: str | None = None) -> TaggerModel:
    """Read a model that :func:`save_model` wrote.

    Raises:
        UserError: no model there, written by something else or by a newer version, damaged,
            or of another kind than ``kind``.
    """
    config = read_config(folder, kind)
    further = {
        "heads": _HEADS, "neighbours": _NEIGHBOURS, "sentences": learned_sentences.FILE,
        "policy": policies.FILE, "starts": _STARTS,
    }  # fmt: skip
    files = (*_FILES, *(file for key, file in further.items() if key in config))
    check_files(folder, files, config["sha256"])
    policy = None
    if "policy" in config:
        policy = load_policy(folder / policies.FILE)
    with built_of(folder):
        model = dataclasses.replace(_build(folder, config), policy=policy)
    check_starts(model, str(folder))
    return model


def check_starts(model: TaggerModel, place: str) -> None:
    """Refuse a policy with recipes for more starts than there are: a :class:`UserError`."""
    has = 1 + len(model.further)
    if model.policy is not None and model.policy.starts > has:
        raise UserError(
            f"{place}: its policy has recipes for {model.policy.starts} starts, and it has {has}; "
            "give it another policy, or the missing ones (pack --policy, --beside)"
        )


def _build(folder: Path, config: Mapping[str, Any]) -> TaggerModel:
    from safetensors.torch import load_file

    tensors = read_tensors(folder / "model.safetensors")
    room = sum(tensor.numel() for tensor in tensors.values()) + ROOM
    vocabulary = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
    vectors = take_vectors(tensors, vocabulary, config["vectors"])
    tagger_config = from_mapping(TaggerConfig, config["tagger"], str(folder / "config.json"))
    if tagger_config.memory > max(tensor.shape[0] for tensor in tensors.values() if tensor.dim()):
        raise ValueError(f"no tensor has the {tagger_config.memory} places of the memory")
    alphabet = tuple(vocabulary["alphabet"])
    heads = tensors["head_type"].shape[0]
    sentinel = str(config.get("sentinel", ""))
    if config["kind"] == TAGGER and heads != len(config["types"]) + bool(sentinel):
        raise ValueError(f"{heads} heads for the types {config['types']}")
    with Bounded(room):
        learner = new_tagger(tagger_config, vectors, alphabet, 0, heads)
        if any(name.startswith(f"{OWN}.") for name in tensors):
            # Only such checkpoints need the meta-learners, and taggers have to load quickly.
            from fewshot_metalstm.meta.make import recorded_algorithm

            recorded_algorithm(config["about"]).prepare(learner)
    learner.load_state_dict(tensors)
    learner.sentinel = sentinel
    sources: tuple[SourceHead, ...] = ()
    if "heads" in config:
        sources = read_heads(config["heads"], load_file(folder / _HEADS), learner)
    types = tuple(config["types"])
    if config.get("scheme") == TOKEN:
        types = TokenLabels(types)
    if "neighbours" in config:
        kept = load_file(folder / _NEIGHBOURS)
        width = learner.head_outside.shape[1]
        learner.neighbours = read_neighbours(kept, len(labels(types)), width)
    encoder = read_reference(config["encoder"]) if "encoder" in config else None
    if tagger_config.context != (0 if encoder is None else encoder.size):
        raise ValueError("tagger and encoder do not fit")
    further: tuple[FurtherStart, ...] = ()
    if "starts" in config:
        further = read_starts(config["starts"], load_file(folder / _STARTS), vectors, alphabet)
    lexicon = read_lexicon(config["lexicon"], types) if "lexicon" in config else Lexicon()
    learned = b""
    if "sentences" in config:
        learned = learned_sentences.checked((folder / learned_sentences.FILE).read_bytes())
    return TaggerModel(
        learner, vectors, alphabet, types, config["kind"], config["about"], sources, lexicon,
        learned, encoder=encoder, further=further,
    )  # fmt: skip


def read_config(folder: Path, kind: str | None = None) -> dict[str, Any]:
    """Read and check a model's ``config.json`` only; errors as for :func:`load_model`."""
    return model_folder.read_config(
        folder, kind, kind=DEFAULT_KIND, version=FORMAT_VERSION,
        needed={"kind": str, "types": list, "tagger": dict, "vectors": dict, "about": dict,
                "sha256": dict},
        roles={CHECKPOINT: "give a checkpoint that meta-train wrote",
               TAGGER: "give a tagger that adapt wrote"},
    )  # fmt: skip


def _tensors(model: TaggerModel) -> dict[str, Tensor]:
    return weight_tensors(model.learner) | vector_tensors(model.vectors)


def _format_version(model: TaggerModel) -> int:
    if model.further:
        return STARTS_VERSION
    if model.vectors.pieces is not None:
        return PIECES_VERSION
    if (
        isinstance(model.types, TokenLabels) or model.learner.sentinel
        or any(name in NEWER for name in stored_sizes(model.learner.config))
    ):  # fmt: skip
        return 3
    newer = model.learner.neighbours is not None
    return 2 if newer or quantised(model.vectors) else 1


def _write_json(value: object, path: Path) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _digest(path: Path) -> str:
    return sha256(path.read_bytes())
