"""Subwords: text as numbers and back, by byte-pair encoding over bytes.

There are 256 bytes whatever a text is written in, and pairs of what stands side by side most often
become subwords, both languages in one list. So no text is unknown, and none is lost on the way.

Sources: Sennrich, Haddow, Birch, "Neural Machine Translation of Rare Words with Subword Units", ACL
2016; over bytes, Radford et al., "Language Models are Unsupervised Multitask Learners", 2019.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.translation.packages import tokenizers
from fewshot_metalstm.kinds.translation.pairs import Pairs, plain


class Subwords:
    """Subwords that were learned from a text, as their library stores them.

    Args:
        stored: JSON of the library ``tokenizers``.
    """

    def __init__(self, stored: str) -> None:
        self.stored = stored

    def __reduce__(self) -> tuple[type[Subwords], tuple[str]]:
        return Subwords, (self.stored,)

    @classmethod
    def learned(cls, texts: Iterable[str], size: int) -> Subwords:
        """The subwords of some texts, ``size`` of them at most.

        Raises:
            UserError: the library is not installed.
        """
        library = tokenizers()
        made = library.Tokenizer(library.models.BPE())
        made.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=True)
        made.decoder = library.decoders.ByteLevel()
        trainer = library.trainers.BpeTrainer(
            vocab_size=size, min_frequency=2, show_progress=False, special_tokens=[],
            initial_alphabet=sorted(library.pre_tokenizers.ByteLevel.alphabet()),
        )  # fmt: skip
        made.train_from_iterator(texts, trainer)
        return cls(made.to_str())

    @cached_property
    def _library(self) -> Any:
        try:
            made = tokenizers().Tokenizer.from_str(self.stored)
        except UserError:
            raise
        except Exception as error:  # what the library raises has no class of its own
            raise ValueError("the subwords are damaged") from error
        return made

    @property
    def start(self) -> int:
        """The number that stands before a sentence."""
        return len(self)

    @property
    def end(self) -> int:
        """The number that stands behind a sentence."""
        return len(self) + 1

    @cached_property
    def _size(self) -> int:
        return int(self._library.get_vocab_size())

    def __len__(self) -> int:
        return self._size

    def numbers(self, texts: Sequence[str]) -> list[list[int]]:
        """The subwords of each text by number, without marks of its ends."""
        found = self._library.encode_batch(list(texts), add_special_tokens=False)
        return [each.ids for each in found]

    def text(self, numbers: Sequence[int]) -> str:
        """The text, on one line, that some numbers stand for; bytes that are no text as U+FFFD."""
        made: str = self._library.decode([n for n in numbers if n < len(self)])
        return plain(made)


def texts_of(pairs: Iterable[Pairs]) -> Iterator[str]:
    """Both sides of some pairs, one after another."""
    for each in pairs:
        yield from each.sources
        yield from each.targets
