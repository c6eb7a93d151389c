"""Self-training: adapting once more, with text that nobody annotated.

A tagger is adapted to the support, tags unlabelled sentences of the target, and a second one is
adapted from the same start to both: every step sees as many sentences of the support as of those.
What the first found in contexts that the support shows, the second learns with the contexts that
it does not show. Using a target's text is a setting of its own, never its test split.

Source: Yarowsky, "Unsupervised Word Sense Disambiguation Rivaling Supervised Methods", ACL 1995.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fewshot_metalstm import ranges
from fewshot_metalstm.adapt.finetune import AdaptConfig
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.kinds.tagging.episodes.exclusion import banned_keys
from fewshot_metalstm.kinds.tagging.episodes.sampling import tokens_key
from fewshot_metalstm.kinds.tagging.episodes.task import Task
from fewshot_metalstm.kinds.tagging.tagger.decode import tag
from fewshot_metalstm.kinds.tagging.tagger.encoding import WordTable
from fewshot_metalstm.kinds.tagging.tagger.learner import Tagger
from fewshot_metalstm.kinds.tagging.tagger.lexicon import Lexicon
from fewshot_metalstm.meta.learner import Params
from fewshot_metalstm.ranges import AtLeast1
from fewshot_metalstm.seeds import numpy_generator

TRAIN = "train"  # names the target's own train split, without the support
Tokens = tuple[str, ...]


@dataclass(frozen=True)
class SelfTrainingConfig:
    """The second adaptation, to the support and to unlabelled sentences; else as the first."""

    sentences: AtLeast1 = 4000  # unlabelled sentences, at most; more are drawn from
    epochs: AtLeast1 = 3  # passes over them


@dataclass(frozen=True)
class Unlabelled:
    """Sentences without tags; ``source`` is where they are from, ``notes`` what was left out."""

    source: str
    sentences: tuple[Tokens, ...]
    notes: tuple[str, ...] = ()

    def drawn(
        self, config: SelfTrainingConfig, support: Collection[Tokens], seed: int, draw: int
    ) -> tuple[Tokens, ...]:
        """Those of one draw: none of its support's, and no more than the settings say.

        Raises:
            UserError: none is left.
        """
        pool = [tokens for tokens in self.sentences if tokens not in support]
        if not pool:
            raise UserError(f"{self.source}: no unlabelled sentence is left beside the support")
        order = numpy_generator(seed, "unlabelled", draw).permutation(len(pool))
        return tuple(pool[i] for i in order[: config.sentences].tolist())

    def for_support(
        self, target: Task, support: Sequence[int], config: SelfTrainingConfig, seed: int, draw: int
    ) -> tuple[Tokens, ...]:
        """:meth:`drawn` for a support, indices into the target's train split; none of no source."""
        if not self.source:
            return ()
        train = target.split("train")
        return self.drawn(config, {train[i].tokens for i in support}, seed, draw)


NO_TEXT = Unlabelled("", ())


def no_use(tune: str) -> str:
    """Why a tagger that is not tuned cannot have unlabelled text."""
    return f"unlabelled text is for a tagger that is tuned, which tune {tune} does not"


def check_self_training(config: SelfTrainingConfig) -> None:
    """Refuse settings that mean nothing with a :class:`UserError`."""
    ranges.check(config, "self_training")


def unlabelled_of(target: Task, source: str) -> Unlabelled:
    """The distinct sentences of ``source``, whatever it says of mentions.

    Args:
        source: a file of any format that ``check`` reads, or :data:`TRAIN`.

    Raises:
        UserError: the file is ill-formed, or no sentence is left.
    """
    found: Iterable[Tokens]
    if source == TRAIN:
        found = [sentence.tokens for sentence in target.split("train")]
    else:
        from fewshot_metalstm.kinds.tagging.adapt.suggest import sentences_of

        found = sentences_of(Path(source))
    distinct = dict.fromkeys(found)
    banned = banned_keys([target])
    kept = tuple(tokens for tokens in distinct if tokens_key(tokens) not in banned)
    if not kept:
        raise UserError(f"{source}: holds no unlabelled sentence; give another file")
    dropped = len(distinct) - len(kept)
    note = f"{dropped} unlabelled sentences equal one of the test split, and were left out"
    return Unlabelled(source, kept, (note,) if dropped else ())


def tagged(
    learner: Tagger, params: Params, table: WordTable, sentences: Sequence[Tokens],
    types: Sequence[str], lexicon: Lexicon,
) -> list[Sentence]:  # fmt: skip
    """The sentences with the tags that a tagger gives them."""
    tags = tag(learner, params, table, sentences, types, lexicon)
    return [Sentence(tokens, found) for tokens, found in zip(sentences, tags, strict=True)]


def second_time(config: AdaptConfig, own: SelfTrainingConfig) -> AdaptConfig:
    """The settings of the second adaptation, which has more to pass over and no early stop."""
    return replace(config, epochs=own.epochs, min_steps=0, stop_loss=0.0)


def beside(chosen: Sequence[int], unlabelled: int, support: int) -> list[int]:
    """The sentences of a step: some unlabelled ones, and as many of the support.

    Args:
        chosen: indices of unlabelled sentences.
        unlabelled: how many there are; the support comes behind them.
        support: how many the support has, which are paired with them in turn.
    """
    return [*chosen, *(unlabelled + i % support for i in chosen)]
