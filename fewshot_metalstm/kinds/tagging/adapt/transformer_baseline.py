"""A pretrained transformer, fine-tuned on the support with a linear layer on top.

The label of a word is that of its first subword. Tagging takes the best *legal* IOBES path, as
every other tagger here does.

Source: Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers for Language
Understanding", NAACL 2019, 5.3; for few sentences, more steps and a warm-up: Mosbach,
Andriushchenko, Klakow, "On the Stability of Fine-tuning BERT", ICLR 2021.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from fewshot_metalstm import ranges
from fewshot_metalstm.encoders.hugging_face import (
    digests,
    find_encoder,
    load_encoder,
    name_of,
    transformers_package,
    weights_digest,
)
from fewshot_metalstm.encoders.subwords import IGNORED, Subwords, Window
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.kinds.tagging.tagger.encoding import labels
from fewshot_metalstm.nn.crf import viterbi
from fewshot_metalstm.nn.transitions import TRANSITIONS
from fewshot_metalstm.ranges import AtLeast0, AtLeast1, NotNegative, Positive, Share
from fewshot_metalstm.seeds import derive, global_generators, numpy_generator

SUBWORDS = 4096  # padded subwords of a batch when tagging


@dataclass(frozen=True)
class TransformerConfig:
    """Fine-tuning of a pretrained transformer."""

    model: str = ""  # folder of a Hugging Face encoder, or its name in the local cache
    lr: Positive = 5e-5  # of AdamW, at its highest; it rises linearly, then falls linearly to zero
    warmup: Share = 0.1  # of the steps, in which it rises
    weight_decay: NotNegative = 0.01  # of matrices
    batch: AtLeast1 = 8  # sentences in a step
    epochs: AtLeast1 = 20  # passes over the support
    min_steps: AtLeast0 = 200  # a small support is passed over more often, up to this many steps
    clip: Positive = 1.0  # largest norm of a gradient
    longest: AtLeast0 = 0  # subwords read at once; 0: as many as the model can


@dataclass(frozen=True)
class TransformerTagger:
    """A fine-tuned model; ``losses`` are the means of the passes over the support."""

    model: Any
    subwords: Subwords
    types: tuple[str, ...]
    losses: tuple[float, ...]
    about: Mapping[str, str | int]

    def tag_all(self, sentences: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
        """The tags of many sentences given as tokens; none for one without tokens."""
        names = labels(self.types)
        free = torch.zeros(len(TRANSITIONS))  # all that is legal is as good
        tags: list[tuple[str, ...]] = []
        for scores in self.scores(sentences):
            if not len(scores):
                tags.append(())
                continue
            (path,) = viterbi(scores[None], free, torch.tensor([len(scores)]))
            tags.append(tuple(names[i] for i in path))
        return tags

    @torch.no_grad()
    def scores(self, sentences: Sequence[Sequence[str]]) -> list[Tensor]:
        """Scores of the labels of every word, (words, 1 + 4 * types), a sentence.

        A sentence of several windows has the scores of each, one behind the other.
        """
        cut = [self.subwords.windows(tokens) for tokens in sentences]
        places = [(i, n) for i, windows in enumerate(cut) for n in range(len(windows))]
        places.sort(key=lambda place: len(cut[place[0]][place[1]].ids))
        found: dict[tuple[int, int], Tensor] = {}
        self.model.eval()
        for chosen in _by_size(places, [len(cut[i][n].ids) for i, n in places]):
            windows = [cut[i][n] for i, n in chosen]
            batch = self.subwords.batch(windows)
            logits = self.model(input_ids=batch.ids, attention_mask=batch.mask).logits
            for row, place, window in zip(logits, chosen, windows, strict=True):
                found[place] = row[list(window.firsts)]
        none = torch.zeros(0, 1 + 4 * len(self.types))
        return [
            torch.cat([none, *(found[i, n] for n in range(len(windows)))])
            for i, windows in enumerate(cut)
        ]


def train_transformer(
    sentences: Sequence[Sentence], types: Sequence[str], config: TransformerConfig, seed: int
) -> TransformerTagger:
    """Fine-tune on annotated sentences over ``types``; ``seed`` fixes head, order and noise.

    Raises:
        UserError: no sentence, settings that cannot be, no such model, transformers is not
            installed, or a loss that is not finite.
    """
    config = settled(config)
    filled = [s for s in sentences if s.tokens]
    if not filled:
        raise UserError("the support is empty; give at least one annotated sentence")
    folder = Path(config.model)
    names = {tag: i for i, tag in enumerate(labels(types))}
    # Dropout draws from torch's global generator, as does the head.
    with global_generators(seed, "transformer"):
        encoder = load_encoder(folder, tuple(names))
        longest = min(config.longest or encoder.longest, encoder.longest)
        subwords = Subwords(encoder.tokenizer, longest)
        cut = [_labelled(subwords, s, names) for s in filled]
        losses = _finetune(encoder.model, subwords, cut, config, seed)
    about: dict[str, str | int] = {
        "model": name_of(folder),
        "sha256": weights_digest(folder),
        "parameters": encoder.parameters,
        "transformers": transformers_package().__version__,
    }
    return TransformerTagger(encoder.model, subwords, tuple(types), losses, about)


def settled(config: TransformerConfig) -> TransformerConfig:
    """The settings with the model's folder in full.

    Raises:
        UserError: settings that mean nothing, no such model, or transformers is not installed.
    """
    ranges.check(config, "transformer")
    return replace(config, model=str(find_encoder(config.model)))


def model_digests(config: TransformerConfig) -> dict[str, str]:
    """SHA-256 of the files of the model, by name."""
    return digests(find_encoder(config.model))


_Labelled = list[tuple[Window, list[int]]]  # windows, with the labels of their words


def _labelled(subwords: Subwords, sentence: Sentence, names: Mapping[str, int]) -> _Labelled:
    windows = subwords.windows(sentence.tokens)
    rest = iter(names[tag] for tag in sentence.tags)
    return [(window, [next(rest) for _ in window.firsts]) for window in windows]


def _finetune(
    model: Any, subwords: Subwords, cut: Sequence[_Labelled], config: TransformerConfig, seed: int
) -> tuple[float, ...]:
    """Tune ``model`` in place; the mean loss of each pass."""
    a_pass = math.ceil(len(cut) / config.batch)
    passes = max(config.epochs, math.ceil(config.min_steps / a_pass))
    steps = passes * a_pass
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW([
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ], lr=config.lr)  # fmt: skip
    schedule = transformers_package().get_linear_schedule_with_warmup(
        optimiser, round(config.warmup * steps), steps
    )
    model.train()
    losses = []
    for number in range(passes):
        order = numpy_generator(derive(seed, "order"), number).permutation(len(cut)).tolist()
        total = 0.0
        for start in range(0, len(order), config.batch):
            loss = _loss(model, subwords, [cut[i] for i in order[start : start + config.batch]])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(parameters, config.clip)
            optimiser.step()
            schedule.step()
            total += loss.item()
        if not math.isfinite(total):
            raise UserError(
                f"the baseline transformer came to nothing: the loss of pass {number + 1} is not "
                f"finite at a learning rate of {config.lr:g}; set a lower transformer.lr"
            )
        losses.append(total / a_pass)
    model.eval()
    return tuple(losses)


def _loss(model: Any, subwords: Subwords, chosen: Sequence[_Labelled]) -> Tensor:
    """Mean cross entropy of the words of some sentences."""
    pairs = [pair for sentence in chosen for pair in sentence]
    batch = subwords.batch([window for window, _ in pairs])
    wanted = torch.full_like(batch.ids, IGNORED)
    for row, (window, tags) in zip(wanted, pairs, strict=True):
        row[list(window.firsts)] = torch.tensor(tags)
    logits = model(input_ids=batch.ids, attention_mask=batch.mask).logits
    return cross_entropy(logits.flatten(0, 1), wanted.flatten(), ignore_index=IGNORED)


def _by_size(
    places: Sequence[tuple[int, int]], sizes: Sequence[int]
) -> Iterator[list[tuple[int, int]]]:
    """Batches of places in the order of their rising sizes; one too large stands alone."""
    batch: list[tuple[int, int]] = []
    for place, size in zip(places, sizes, strict=True):
        if batch and (len(batch) + 1) * size > SUBWORDS:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch
