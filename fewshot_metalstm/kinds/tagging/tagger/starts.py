"""Further starts of a checkpoint: weights that were meta-trained apart, on the same word vectors.

Two trainings of the same data that differ in their seed, or in what they read beside the word
vectors, know different mentions, and the mean of taggers that were adapted from both knows more
than either (Lakshminarayanan, Pritzel, Blundell, "Simple and Scalable Predictive Uncertainty
Estimation using Deep Ensembles", NeurIPS 2017: members that differ in their random start alone).
A checkpoint may hold such weights and the source heads of each; recipes of its policy say which
start they adapt. All share word vectors, alphabet and sizes, so that what is adapted from them can
be put together as one tagger (:mod:`~fewshot_metalstm.kinds.tagging.tagger.merged`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from torch import Tensor

from fewshot_metalstm.config import from_mapping
from fewshot_metalstm.encoders.reference import EncoderReference, read_reference
from fewshot_metalstm.kinds.tagging.tagger.heads import SourceHead, head_tensors, read_heads
from fewshot_metalstm.kinds.tagging.tagger.learner import Tagger, new_tagger
from fewshot_metalstm.kinds.tagging.tagger.network import TaggerConfig, stored_sizes
from fewshot_metalstm.nn.bounded import Bounded
from fewshot_metalstm.nn.vectors import WordVectors

ROOM = 2**20  # numbers that building a tagger may take beside its weights
_WEIGHTS, _HEADS = "weights", "heads"


@dataclass(frozen=True)
class FurtherStart:
    """Weights and source heads, beside the first of a checkpoint.

    ``encoder`` is the frozen one that it reads with, if any; ``pieces`` whether it reads the pieces
    that the checkpoint's word vectors have beside them. ``about`` says where it came from.
    """

    learner: Tagger
    heads: tuple[SourceHead, ...] = ()
    encoder: EncoderReference | None = None
    pieces: bool = False
    about: Mapping[str, Any] = field(default_factory=dict)

    def vectors(self, of_checkpoint: WordVectors) -> WordVectors:
        """The word vectors as it reads them: those of the checkpoint, perhaps without pieces."""
        return of_checkpoint if self.pieces else without_pieces(of_checkpoint)


def without_pieces(vectors: WordVectors) -> WordVectors:
    """The same vectors with no pieces beside them: the same object if there are none."""
    return vectors if vectors.pieces is None else replace(vectors, pieces=None)


def weight_tensors(learner: Tagger) -> dict[str, Tensor]:
    """A tagger's weights as a file keeps them, by name."""
    return {n: p.detach().cpu().contiguous() for n, p in learner.named_parameters()}


def start_tensors(starts: Sequence[FurtherStart]) -> dict[str, Tensor]:
    """Weights and heads (half precision), named by number; :func:`read_starts` reads them."""
    found: dict[str, Tensor] = {}
    for i, start in enumerate(starts):
        weights = weight_tensors(start.learner)
        found |= {f"{i}.{_WEIGHTS}.{name}": value for name, value in weights.items()}
        heads = head_tensors(start.heads)
        found |= {f"{i}.{_HEADS}.{name}": value for name, value in heads.items()}
    return found


def about_starts(starts: Sequence[FurtherStart]) -> list[dict[str, Any]]:
    """What a checkpoint's config has to say of them for :func:`read_starts`."""
    return [
        {
            "tagger": stored_sizes(start.learner.config),
            "heads": [[head.task, head.type] for head in start.heads],
            "pieces": start.pieces,
            **({} if start.encoder is None else {"encoder": asdict(start.encoder)}),
            "about": dict(start.about),
        }
        for start in starts
    ]


def read_starts(
    stored: Sequence[Mapping[str, Any]], tensors: Mapping[str, Tensor], vectors: WordVectors,
    alphabet: tuple[str, ...],
) -> tuple[FurtherStart, ...]:  # fmt: skip
    """The starts of :func:`about_starts` and :func:`start_tensors`.

    Args:
        vectors: the checkpoint's.

    Raises:
        ValueError: they do not fit each other.
        LookupError: something is missing.
    """
    found = []
    for i, each in enumerate(stored):
        config = from_mapping(TaggerConfig, each["tagger"], f"start {i + 1}")
        encoder = read_reference(each["encoder"]) if "encoder" in each else None
        if config.context != (0 if encoder is None else encoder.size):
            raise ValueError("a start and its encoder do not fit")
        pieces = bool(each["pieces"])
        if pieces and vectors.pieces is None:
            raise ValueError("a start reads pieces that the word vectors have not")
        weights = _of(tensors, f"{i}.{_WEIGHTS}.")
        with Bounded(sum(tensor.numel() for tensor in weights.values()) + ROOM):
            own = vectors if pieces else without_pieces(vectors)
            learner = new_tagger(config, own, alphabet, 0)
        if not isinstance(each["about"], dict):
            raise ValueError("what is said about a start is no mapping")
        start = FurtherStart(learner, (), encoder, pieces, each["about"])
        wanted = {n: p.shape for n, p in start.learner.named_parameters()}
        if {n: t.shape for n, t in weights.items()} != wanted:
            raise ValueError("weights of a start that do not fit its sizes")
        start.learner.load_state_dict(weights)
        heads = read_heads(each["heads"], _of(tensors, f"{i}.{_HEADS}."), start.learner)
        found.append(replace(start, heads=heads))
    return tuple(found)


def _of(tensors: Mapping[str, Tensor], start: str) -> dict[str, Tensor]:
    """The tensors whose names begin so, by the rest of their names."""
    return {n.removeprefix(start): value for n, value in tensors.items() if n.startswith(start)}
