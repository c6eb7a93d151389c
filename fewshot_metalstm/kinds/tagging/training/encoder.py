"""Training with a frozen encoder: which one, and its features on disk before the first step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fewshot_metalstm.encoders.kept import KeptFeatures
from fewshot_metalstm.encoders.reference import EncoderReference, refer
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.kinds.tagging.tagger.model import TaggerModel
from fewshot_metalstm.kinds.tagging.tagger.network import TaggerConfig
from fewshot_metalstm.meta.outcome import Progress
from fewshot_metalstm.nn.pretrain import VectorsConfig


@dataclass(frozen=True)
class TaggerVectorsConfig(VectorsConfig):
    """How word vectors are made, and what stands beside them."""

    # a frozen encoder, whose features of words in their sentences stand beside the vectors: the
    # folder of a translator or language model of this package, or of a Hugging Face model, or the
    # latter's name in the local cache; nothing is downloaded
    encoder: str = ""


def encoder_of(config: TaggerVectorsConfig) -> EncoderReference | None:
    """The encoder that the settings name, if they do.

    Raises:
        UserError: it is not on this machine, is no encoder, or needs transformers, which is not
            installed.
    """
    return refer(config.encoder) if config.encoder else None


def with_encoder(tagger: TaggerConfig, encoder: EncoderReference | None) -> TaggerConfig:
    """The sizes of a tagger that reads with the encoder, or with none."""
    return replace(tagger, context=0 if encoder is None else encoder.size)


def same_encoder(wanted: EncoderReference | None, start: TaggerModel, name: str) -> None:
    """Refuse a start that reads with another encoder than is asked for: a :class:`UserError`."""
    if wanted is None or (start.encoder is not None and start.encoder.sha256 == wanted.sha256):
        return
    reads = "no encoder" if start.encoder is None else f"the encoder {start.encoder.name}"
    raise UserError(
        f"{name} reads with {reads}, not with {wanted.name}; leave vectors.encoder out, or --start"
    )


def keep_features(
    encoder: EncoderReference, sentences: Sequence[Sentence], progress: Progress
) -> None:
    """Make the features of sentences that are not on disk yet, and keep them there."""
    kept = KeptFeatures(encoder.opened())
    tokens = [sentence.tokens for sentence in sentences]
    missing = kept.missing(tokens)
    if missing:
        progress.phase("features of the encoder", missing)
        kept.learn(tokens, lambda done: progress.advance(done, {}))
