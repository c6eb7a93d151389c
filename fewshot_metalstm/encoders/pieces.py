"""Vectors of an encoder's pieces, so that words can be read without the encoder.

Each piece of the vocabulary is read by itself, between the encoder's special ones; it has the mean
of the last four layers there, as a word has in :mod:`.hugging_face_features`. What all pieces share
is taken away, and the rest mapped to its principal components, so that a table of some thousand
pieces is a few megabytes. The table is kept in the user's cache folder, ``pieces/``, for the next
run with the same encoder.

Source: the static vectors of an encoder are those of Bommasani, Davis, Cardie (ACL 2020), each
piece read without context; Tulkens and van Dongen, "Model2Vec", 2024, map them to principal
components.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor

from fewshot_metalstm.data.locate import cache_folder
from fewshot_metalstm.encoders.hugging_face import (
    Encoder,
    load_bare,
    name_of,
    weights_digest,
)
from fewshot_metalstm.encoders.hugging_face_features import LAYERS, open_encoder
from fewshot_metalstm.encoders.subwords import Subwords
from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.meta.outcome import Progress
from fewshot_metalstm.nn.pieces import INSIDE, LONGEST, WordPieces
from fewshot_metalstm.nn.stored_rows import Quantised, quantise
from fewshot_metalstm.writing import beside

FOLDER = "pieces"
PHASE = "pieces of the encoder"
SETTING = "vectors.pieces"
_AT_ONCE = 256  # pieces
_TOKENIZERS = ("tokenizer.json", "vocab.txt")
_CURE = "give one that cuts words into pieces as BERT does"


def check_pieces(given: str, size: int) -> None:
    """Refuse an encoder whose pieces cannot have vectors of ``size`` numbers.

    Raises:
        UserError: transformers is not installed, there is no encoder or no tokenizer, it cuts words
            otherwise than BERT does, it has fewer numbers, or tokenizer and weights do not fit.
    """
    _opened(given, size)


def read_pieces(given: str, size: int, progress: Progress) -> WordPieces:
    """The pieces of a Hugging Face encoder with vectors of ``size`` numbers, a byte a number.

    Args:
        given: its folder, or a name that the local cache has.
        progress: told of the pieces that are read.

    Raises:
        UserError: see :func:`check_pieces`.
    """
    opened = _opened(given, size)
    kept = cache_folder() / FOLDER / f"{opened.sha256[:32]}-{size}.npz"
    matrix = _read(kept, len(opened.pieces), size)
    if matrix is None:
        states = _states(opened.encoder, len(opened.pieces), progress)
        matrix = quantise(_components(states, size).half().numpy())
        # Where nothing can be kept, the next run reads them again.
        with suppress(UserError, OSError), beside(kept) as new, new.open("wb") as file:
            np.savez(file, codes=matrix.codes, scales=matrix.scales)
    source = f"{name_of(opened.folder)}, weights {weights_digest(opened.folder)[:16]}"
    return WordPieces(opened.pieces, matrix, opened.unknown, opened.lower, source)


@dataclass(frozen=True)
class _Opened:
    """An encoder, how it cuts words, and where it is."""

    folder: Path
    sha256: str
    encoder: Encoder
    pieces: tuple[str, ...]
    unknown: int
    lower: bool


def _opened(given: str, size: int) -> _Opened:
    found = open_encoder(given, SETTING)
    folder = found.folder
    if not any((folder / name).is_file() for name in _TOKENIZERS):
        raise at(folder, None, f"has no tokenizer ({' or '.join(_TOKENIZERS)})",
                 "give the folder as save_pretrained writes it")  # fmt: skip
    encoder = load_bare(folder)
    cutting = _cutting(encoder.tokenizer)
    if cutting is None:
        raise at(folder, None, "cuts words otherwise than into BERT's pieces", _CURE)
    pieces, unknown, lower = cutting
    rows = encoder.model.get_input_embeddings().num_embeddings
    if len(pieces) > rows:
        raise at(folder, None, f"has {len(pieces):,} pieces in its tokenizer and {rows:,} in its "
                 "weights", "give the tokenizer that the weights were trained with")  # fmt: skip
    most = min(found.size, len(pieces))
    if size > most:
        raise UserError(
            f"{SETTING}_size is {size}, and {name_of(folder)} gives a piece {most} numbers at "
            f"most; use {SETTING}_size={most} or less"
        )
    return _Opened(folder, found.sha256, encoder, pieces, unknown, lower)


def _read(path: Path, pieces: int, size: int) -> Quantised | None:
    """A table that another run has made; None where there is none that can be believed."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            codes, scales = stored["codes"], stored["scales"]
    except (OSError, ValueError, EOFError, LookupError, BadZipFile):
        return None
    fits = (
        codes.dtype == np.int8 and codes.shape == (pieces, size)
        and scales.dtype == np.float32 and scales.shape == (pieces,)
        and bool(np.isfinite(scales).all())
    )  # fmt: skip
    return Quantised(codes, scales) if fits else None


def _cutting(tokenizer: Any) -> tuple[tuple[str, ...], int, bool] | None:
    """Pieces in their order, the place of the unknown one, whether in lower case; None if not so.

    What is not exactly as :mod:`fewshot_metalstm.nn.pieces` cuts words is not taken.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return None
    told = json.loads(backend.to_str())
    model, clean, split = (told.get(n) or {} for n in ("model", "normalizer", "pre_tokenizer"))
    lower = clean.get("lowercase")
    as_bert = (
        model.get("type") == "WordPiece" and clean.get("type") == "BertNormalizer"
        and split.get("type") == "BertPreTokenizer"
        and model["continuing_subword_prefix"] == INSIDE
        and model["max_input_chars_per_word"] == LONGEST
        and clean["clean_text"] and clean["handle_chinese_chars"]
        and clean["strip_accents"] in (None, lower)
    )  # fmt: skip
    if not as_bert:
        return None
    places = model["vocab"]
    unknown = places.get(model["unk_token"])
    if unknown is None or sorted(places.values()) != list(range(len(places))):
        return None
    return tuple(sorted(places, key=places.__getitem__)), unknown, bool(lower)


@torch.no_grad()
def _states(encoder: Encoder, pieces: int, progress: Progress) -> Tensor:
    """What the encoder has at each piece that stands alone, (pieces, size)."""
    frame = Subwords(encoder.tokenizer, encoder.longest)
    progress.phase(PHASE, pieces)
    found = []
    for start in range(0, pieces, _AT_ONCE):
        places = range(start, min(start + _AT_ONCE, pieces))
        ids = torch.tensor([[*frame.before, place, *frame.after] for place in places])
        states = encoder.model(
            input_ids=ids, attention_mask=torch.ones_like(ids), output_hidden_states=True
        ).hidden_states[1:]  # the first are the embeddings
        found.append(torch.stack(states[-LAYERS:]).mean(0)[:, len(frame.before)])
        progress.advance(places.stop, {})
    return torch.cat(found)


def _components(states: Tensor, size: int) -> Tensor:
    """The first principal components of the rows, each row of root mean square 1, (rows, size).

    A component's sign is such that its largest number is positive, as the decomposition leaves it
    open.
    """
    centred = (states - states.mean(0)).double()
    _, axes = torch.linalg.eigh(centred.T @ centred)
    axes = axes.flip(1)[:, :size]
    signs = axes.gather(0, axes.abs().argmax(0, keepdim=True)).sign()
    found: Tensor = centred @ (axes * signs)
    scale = found.square().mean(1, keepdim=True).sqrt().clamp_min(1e-12)
    return (found / scale).float()
