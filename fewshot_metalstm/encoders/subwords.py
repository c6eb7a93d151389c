"""From words to the subwords of a pretrained encoder, in windows that it can read at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from fewshot_metalstm.errors import UserError

IGNORED = -100  # the label of what is no first subword, as torch's cross entropy knows it


@dataclass(frozen=True)
class Window:
    """Subwords that are read at once, with the special ones around them.

    ``firsts`` are the places in ``ids`` where its words begin, ``end`` is that behind the last.
    """

    ids: tuple[int, ...]
    firsts: tuple[int, ...]
    end: int


@dataclass(frozen=True)
class Windows:
    """A batch: ``ids`` and ``mask`` (windows, longest) int64; padding has a mask of 0."""

    ids: Tensor
    mask: Tensor


class Subwords:
    """Cuts sentences with a tokenizer of transformers.

    A word gives the same subwords wherever it stands, and at least one: the unknown one where the
    tokenizer makes nothing of it. A sentence that does not fit is cut between words, and every
    word is in exactly one window. Of a word that alone is longer than a window the first subwords
    are read, as many as fit; its label is that of its first one.

    Args:
        longest: subwords of a window, the special ones among them.
    """

    def __init__(self, tokenizer: Any, longest: int) -> None:
        self.tokenizer = tokenizer
        self.pad = int(tokenizer.pad_token_id or 0)
        bare = self._cut("a", special=False)
        framed = self._cut("a", special=True)
        start = next(i for i in range(len(framed)) if framed[i : i + len(bare)] == bare)
        self.before, self.after = framed[:start], framed[start + len(bare) :]
        self.room = longest - len(self.before) - len(self.after)
        if self.room < 1:
            raise UserError(
                f"transformer.longest is {longest}, of which the special subwords take all; use "
                "more"
            )
        self._known: dict[str, tuple[int, ...]] = {}

    def windows(self, tokens: Sequence[str]) -> list[Window]:
        """The windows of a sentence, in order."""
        found = []
        ids: list[int] = []
        firsts: list[int] = []
        for token in tokens:
            pieces = self._pieces(token)
            if len(ids) + len(pieces) > self.room:
                found.append(self._window(ids, firsts))
                ids, firsts = [], []
            firsts.append(len(ids))
            ids += pieces
        if ids:
            found.append(self._window(ids, firsts))
        return found

    def batch(self, windows: Sequence[Window]) -> Windows:
        """Pad windows to one batch."""
        longest = max(len(window.ids) for window in windows)
        ids = torch.full((len(windows), longest), self.pad)
        mask = torch.zeros_like(ids)
        for i, window in enumerate(windows):
            ids[i, : len(window.ids)] = torch.tensor(window.ids)
            mask[i, : len(window.ids)] = 1
        return Windows(ids, mask)

    def _window(self, ids: Sequence[int], firsts: Sequence[int]) -> Window:
        shift = len(self.before)
        placed = tuple(i + shift for i in firsts)
        return Window((*self.before, *ids, *self.after), placed, shift + len(ids))

    def _pieces(self, token: str) -> tuple[int, ...]:
        pieces = self._known.get(token)
        if pieces is None:
            pieces = self._cut(token, special=False)[: self.room]
            if not pieces:
                pieces = (self._unknown(),)
            self._known[token] = pieces
        return pieces

    def _unknown(self) -> int:
        unknown = self.tokenizer.unk_token_id
        return self.pad if unknown is None else int(unknown)

    def _cut(self, token: str, *, special: bool) -> tuple[int, ...]:
        given = self.tokenizer(
            [token], is_split_into_words=True, add_special_tokens=special, truncation=False,
            verbose=False,
        )  # fmt: skip
        return tuple(given["input_ids"])
