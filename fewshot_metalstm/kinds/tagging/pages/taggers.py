"""A closer look at an adapted tagger on gold text: its mistakes, and what its Meta-LSTM does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from fewshot_metalstm.kinds.tagging.corpora.schemes import spans
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence, Span
from fewshot_metalstm.kinds.tagging.pages.moved import moved_boxes
from fewshot_metalstm.kinds.tagging.pages.view import SIGNS, Score, scores
from fewshot_metalstm.kinds.tagging.tagger.confidence import Reading, read
from fewshot_metalstm.kinds.tagging.tagger.generated import (
    Moved,
    by_name,
    generated,
    generates,
    held_at_mean,
)
from fewshot_metalstm.kinds.tagging.tagger.mistakes import (
    MISTAKES,
    RIGHT,
    Cost,
    Match,
    costs,
    match,
    totals,
)
from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER, load_model
from fewshot_metalstm.kinds.tagging.tagger.scoring import f1
from fewshot_metalstm.pages.look import Look, LookPart, Picture, relative
from fewshot_metalstm.pages.render import fragment

OUTSIDE = "no mention"
COSTS, SUREST, WORDS = 20, 10, 12  # rows of the tables
LEAST = 3  # tokens that a word needs to be listed
CONTEXT = 6  # tokens on each side of a mistake


@dataclass(frozen=True)
class SureMistake:
    """A mistake that the tagger is sure of, in its context."""

    kind: str
    type: str
    confidence: float
    before: str
    text: str
    after: str
    gold: str


@dataclass(frozen=True)
class MetaLook:
    """How far the Meta-LSTM moves the basic LSTM's weights over the text.

    ``shares`` are those of every token by what it was tagged as, ``ends`` the mean of the first
    and last tokens of the sentences: a state that has read nothing yet is far from the mean,
    whatever the word. ``words`` are, for each type, the words between that move the weights most.
    ``f1`` and ``f1_at_mean`` are the tagger's with its own z and with all z at their mean;
    ``changed`` of ``sentences`` are then tagged otherwise.
    """

    types: tuple[Moved, ...]
    ends: Moved | None
    shares: Mapping[str, tuple[float, ...]]
    words: Mapping[str, tuple[Moved, ...]]
    f1: float
    f1_at_mean: float
    changed: int
    sentences: int


@dataclass(frozen=True)
class TaggerLook:
    """A tagger on a text; ``meta`` is None for one without a Meta-LSTM."""

    folder: Path
    text: str
    sentences: int
    scores: tuple[Score, ...]
    costs: tuple[Cost, ...]
    forms: int
    surest: tuple[SureMistake, ...]
    meta: MetaLook | None


def look(
    folder: Path, sentences: Sequence[Sentence], text: str, device: torch.device
) -> TaggerLook:
    """Tag annotated sentences with the tagger in ``folder`` and look at what it did.

    Args:
        text: what the sentences are called.

    Raises:
        UserError: there is no such tagger.
    """
    model = load_model(folder, TAGGER)
    model.learner.to(device)
    sentences = [s for s in sentences if len(s)]
    tokens = [s.tokens for s in sentences]
    gold = [spans(s.tags) for s in sentences]
    table = model.table()
    readings = read(model, tokens, table)
    matches = [match(g, r.mentions) for g, r in zip(gold, readings, strict=True)]
    types = (*model.types, *sorted({s.type for g in gold for s in g} - set(model.types)))
    by_cost = costs(tokens, matches)
    meta = None
    if sentences and generates(model):
        found = generated(model, tokens, table)
        names = [name for s, r in zip(tokens, readings, strict=True) for name in _names(s, r)]
        at_mean = read(held_at_mean(model, found.mean), tokens, table)
        matches_at_mean = [match(g, r.mentions) for g, r in zip(gold, at_mean, strict=True)]
        words = [word.lower() for each in tokens for word in each]
        within = [0 < i < len(each) - 1 for each in tokens for i in range(len(each))]
        meta = MetaLook(
            tuple(by_name(names, found.moved)), _ends(within, found.moved),
            _shares(names, found.moved),
            {
                name: tuple(_words(
                    [i for i, own in enumerate(names) if own == name and within[i]], words,
                    found.moved,
                ))
                for name in (*model.types, OUTSIDE) if name in names
            },
            _f1(matches), _f1(matches_at_mean),
            sum(a.tags != b.tags for a, b in zip(readings, at_mean, strict=True)), len(sentences),
        )  # fmt: skip
    return TaggerLook(
        folder, text, len(sentences), scores(types, matches), tuple(by_cost[:COSTS]), len(by_cost),
        tuple(_surest(tokens, readings, matches)), meta,
    )  # fmt: skip


def _f1(matches: Sequence[Sequence[Match]]) -> float:
    return f1(*totals(one for each in matches for one in each))


def _names(tokens: Sequence[str], reading: Reading) -> list[str]:
    """What each token was tagged as."""
    names = [OUTSIDE] * len(tokens)
    for span in reading.mentions:
        names[span.start : span.end] = [span.type] * (span.end - span.start)
    return names


def _shares(names: Sequence[str], moved: torch.Tensor) -> dict[str, tuple[float, ...]]:
    found: dict[str, list[float]] = {}
    for name, share in zip(names, moved.tolist(), strict=True):
        found.setdefault(name, []).append(share)
    return {name: tuple(shares) for name, shares in found.items()}


def _ends(within: Sequence[bool], moved: torch.Tensor) -> Moved | None:
    ends = moved[~torch.tensor(within)]
    return Moved("ends", len(ends), float(ends.mean())) if len(ends) else None


def _words(chosen: Sequence[int], words: Sequence[str], moved: torch.Tensor) -> list[Moved]:
    return by_name([words[i] for i in chosen], moved[list(chosen)], LEAST)[:WORDS]


def _surest(
    tokens: Sequence[Sequence[str]],
    readings: Sequence[Reading],
    matches: Sequence[Sequence[Match]],
) -> list[SureMistake]:
    """The mistakes that the tagger is surest of; one that it did not tag has no confidence."""
    found = []
    for words, reading, each in zip(tokens, readings, matches, strict=True):
        sure = dict(zip(reading.mentions, reading.confidences, strict=True))
        for one in each:
            if one.kind != RIGHT and one.found is not None:
                found.append(_sure(words, one, one.found, sure[one.found]))
    return sorted(found, key=lambda m: -m.confidence)[:SUREST]


def _sure(words: Sequence[str], one: Match, span: Span, confidence: float) -> SureMistake:
    gold = ""
    if one.gold is not None:
        gold = f"{' '.join(words[one.gold.start : one.gold.end])} ({one.gold.type})"
    before = words[max(0, span.start - CONTEXT) : span.start]
    after = words[span.end : span.end + CONTEXT]
    return SureMistake(
        one.kind, span.type, confidence, " ".join(before),
        " ".join(words[span.start : span.end]), " ".join(after), gold,
    )  # fmt: skip


def report_look(
    folder: Path, sentences: Sequence[Sentence], text: str, device: torch.device
) -> Look:
    """:func:`look` as a report shows it: the mistakes, and what the Meta-LSTM does."""
    found = look(folder, sentences, text, device)
    mistakes = LookPart(
        "mistakes", "Mistakes", "",
        fragment("mistakes", package=__package__, look=found, place=relative(folder),
                 kinds=MISTAKES, signs=SIGNS),
    )  # fmt: skip
    parts = [mistakes]
    if found.meta is not None:
        shares, name = found.meta.shares, folder.parent.name
        caption = f"What the Meta-LSTM of {name} moves on {text}."
        picture = Picture(
            f"meta-lstm-{name}".replace("/", "_"), caption,
            lambda path: moved_boxes(shares, path, title=caption.removesuffix(".")),
        )  # fmt: skip
        html = fragment("meta_lstm", package=__package__, look=found)
        parts.append(LookPart("meta", "What the Meta-LSTM does", _META, html, (picture,)))
    return Look(folder, text, tuple(parts), _facts(found))


_META = (
    "At every token the Meta-LSTM gives a vector z, and with it the basic LSTM its weights. "
    "Were z the same everywhere, this would be a plain LSTM. What is shown here is how far the "
    "weights at a token are from those at the mean z of the text (Frobenius norm, as a share "
    "of that of the weights at the mean), root mean square of the two directions."
)


def _facts(look: TaggerLook) -> dict[str, Any]:
    """What ``--json`` has of a tagger."""
    whole = look.scores[-1]
    meta = look.meta and {
        "f1_with_z_at_its_mean": round(look.meta.f1_at_mean, 2),
        "sentences_tagged_otherwise": look.meta.changed,
        "moved": {one.name: round(one.mean, 4) for one in look.meta.types},
        "words": {
            name: {one.name: round(one.mean, 4) for one in words}
            for name, words in look.meta.words.items()
        },
    }  # fmt: skip
    return {
        "tagger": str(look.folder), "text": look.text, "f1": round(whole.f1, 2), **whole.counts,
        "costliest": [
            {"kind": c.kind, "text": c.text, "type": c.type, "times": c.number,
             "gain": round(c.gain, 2)}
            for c in look.costs
        ],
        "meta_lstm": meta,
    }  # fmt: skip
