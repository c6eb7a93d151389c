"""Training with a frozen encoder: which one, and what is made of it before the first step.

That is its features of every sentence, on disk, or vectors of its pieces, which the model keeps.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Protocol, TypeVar

from fewshot_metalstm.encoders.features import Tokens
from fewshot_metalstm.encoders.kept import KeptFeatures
from fewshot_metalstm.encoders.pieces import check_pieces, read_pieces
from fewshot_metalstm.encoders.reference import EncoderReference, refer
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.meta.outcome import Progress
from fewshot_metalstm.nn.pretrain import PHASE, VectorsConfig, load_or_train
from fewshot_metalstm.nn.room import check_vectors_room
from fewshot_metalstm.nn.vectors import WordVectors
from fewshot_metalstm.ranges import AtLeast1, Range
from fewshot_metalstm.seeds import derive

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    class Sizes(DataclassInstance, Protocol):
        """A learner's settings."""

        @property
        def context(self) -> int:
            """How many numbers an encoder gives a token; 0 without one."""


S = TypeVar("S", bound="Sizes")


class Start(Protocol):
    """A checkpoint that training starts from."""

    @property
    def encoder(self) -> EncoderReference | None:
        """What it reads with, if there is one."""


@dataclass(frozen=True)
class EncodedVectorsConfig(VectorsConfig):
    """How word vectors are made, and what stands beside them."""

    # a frozen encoder, whose features of words in their sentences stand beside the vectors: the
    # folder of a translator or language model of this package, or of a Hugging Face model, or the
    # latter's name in the local cache; nothing is downloaded
    encoder: str = ""
    # a Hugging Face encoder that cuts words as BERT does, given in the same way: its pieces of
    # words, each read alone, have vectors that stand beside a word's own and are kept with them,
    # so that the encoder is not needed any more
    pieces: str = ""
    pieces_size: AtLeast1 = 100  # numbers of such a vector
    # the seed that the vectors are trained with; without it that of the run. With that of another
    # run on the same text they are the same as there, so that both can be starts of one checkpoint
    seed: Annotated[int | None, Range(least=0)] = None

    @property
    def numbers(self) -> int:
        """Numbers of a word's vector in all; of a file those of its pieces alone are known."""
        return (0 if self.file else self.size) + (self.pieces_size if self.pieces else 0)


def word_vectors(
    text: Iterable[Tokens], config: EncodedVectorsConfig, seed: int, progress: Progress,
    vocabulary: Collection[str] | None = None,
) -> WordVectors:  # fmt: skip
    """The word vectors that the settings name: see :func:`.load_or_train`.

    Args:
        seed: of the run, for vectors without one of their own.

    Raises:
        UserError: see :func:`.load_or_train` and :func:`.read_pieces`.
    """
    pieces = None
    if config.pieces:
        pieces = read_pieces(config.pieces, config.pieces_size, progress)
    progress.phase(PHASE, config.epochs)
    seed = seed if config.seed is None else config.seed
    vectors = load_or_train(
        text, config, derive(seed, "vectors"), lambda done, _: progress.advance(done, {}),
        vocabulary,
    )  # fmt: skip
    return replace(vectors, pieces=pieces)


def encoder_of(config: EncodedVectorsConfig) -> EncoderReference | None:
    """The encoder that the settings name, if they do.

    Raises:
        UserError: it, or the one whose pieces are asked for, is not on this machine, is no encoder,
            or needs transformers, which is not installed.
    """
    if config.pieces:
        check_pieces(config.pieces, config.pieces_size)
    return refer(config.encoder) if config.encoder else None


def with_encoder(sizes: S, encoder: EncoderReference | None) -> S:
    """The sizes of a learner that reads with the encoder, or with none."""
    return replace(sizes, context=0 if encoder is None else encoder.size)


def check_vectors(sizes: Sizes, config: EncodedVectorsConfig, section: str, start: str) -> None:
    """Refuse word vectors that cannot be, or that no memory holds.

    Args:
        sizes: the learner's, of the ``section`` of that name.
        start: the checkpoint that training starts from, or empty.

    Raises:
        UserError: settings contradict each other, name what a start has already, or need too much
            memory.
    """
    if config.min_n > config.max_n:
        raise UserError(
            f"vectors.min_n is {config.min_n}, above max_n, which is {config.max_n}; mend one"
        )
    check_vectors_room(config)
    if start:
        if config.pieces:
            raise UserError(
                f"vectors.pieces is for new word vectors, and {start} has its own; leave it out, "
                "or --start"
            )
        return
    if sizes.context and not config.encoder:
        raise UserError(f"{section}.context is what vectors.encoder gives; set that, and not this")


def same_encoder(wanted: EncoderReference | None, start: Start, name: str) -> None:
    """Refuse a start that reads with another encoder than is asked for: a :class:`UserError`."""
    if wanted is None or (start.encoder is not None and start.encoder.sha256 == wanted.sha256):
        return
    reads = "no encoder" if start.encoder is None else f"the encoder {start.encoder.name}"
    raise UserError(
        f"{name} reads with {reads}, not with {wanted.name}; leave vectors.encoder out, or --start"
    )


def keep_features(encoder: EncoderReference, texts: Sequence[Tokens], progress: Progress) -> None:
    """Make the features of sentences or texts that are not on disk yet, and keep them there."""
    kept = KeptFeatures(encoder.opened())
    missing = kept.missing(texts)
    if missing:
        progress.phase("features of the encoder", missing)
        kept.learn(texts, lambda done: progress.advance(done, {}))
