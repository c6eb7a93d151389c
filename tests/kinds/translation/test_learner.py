"""The translator: its loss, what it may see, padding, subwords, and beam search."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import pytest
import torch

from fewshot_metalstm.config import as_mapping, from_mapping
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.translation import packages
from fewshot_metalstm.kinds.translation.encoding import (
    Batch,
    encode_pairs,
    encode_sources,
    sentences,
)
from fewshot_metalstm.kinds.translation.learner import Translator
from fewshot_metalstm.kinds.translation.pairs import Pairs
from fewshot_metalstm.kinds.translation.score import score, signatures
from fewshot_metalstm.kinds.translation.scoring import translate
from fewshot_metalstm.kinds.translation.search import longest
from fewshot_metalstm.kinds.translation.settings import TranslatorConfig
from fewshot_metalstm.kinds.translation.subwords import Subwords
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig
from fewshot_metalstm.seeds import torch_generator
from tests.kinds.translation.builders import SMALL, pairs, subwords


@pytest.fixture(scope="module")
def known() -> Subwords:
    return subwords()


def translator(size: int, config: TranslatorConfig = SMALL) -> Translator:
    return Translator(config, size, torch_generator(0, "weights")).double()


def batch(known: Subwords, number: int = 5) -> Batch:
    return encode_pairs(pairs(number), known).batch(range(number))


def test_any_text_comes_back_from_its_subwords(known: Subwords) -> None:
    assert 256 < len(known) <= 300
    for text in ("A dog runs.", "größer als </s> <s> 日本 😀", "x\u00a0y", ""):
        (numbers,) = known.numbers([text])
        assert all(0 <= number < len(known) for number in numbers)
        assert known.text([*numbers, known.end]) == " ".join(text.split())
    again = Subwords(known.stored)
    assert again.numbers(["A big dog"]) == known.numbers(["A big dog"])
    assert known.text([0xFF]) != ""  # bytes that are no character are shown, not raised


def test_the_loss_is_the_mean_cost_of_a_subword(known: Subwords) -> None:
    learner, given = translator(len(known)), batch(known)
    alone = [encode_pairs(pairs(5).at([i]), known).batch([0]) for i in range(5)]  # no padding
    nats = sum(learner(row).item() * row.subwords for row in alone)
    assert learner(given).item() == pytest.approx(nats / given.subwords)
    assert given.wanted[0, int(given.lengths[0]) - 1] == known.end
    assert given.read[:, 0].eq(known.start).all()


@pytest.mark.parametrize("cell", ["lstm", "meta-lstm"])
def test_what_is_written_is_not_seen_before(known: Subwords, cell: str) -> None:
    lstm = MetaLSTMConfig(kind=cell, hidden=4, meta=3, z=3)
    learner, given = translator(len(known), replace(SMALL, lstm=lstm, layers=2)), batch(known)
    memory = learner.encode(given.source)
    found = learner.decode(given, memory, None)
    read = given.read.clone()
    read[:, 3] = 40
    moved = (learner.decode(replace(given, read=read), memory, None) - found).abs().sum(2)
    assert moved[:, :3].max() == 0
    assert moved[given.lengths > 3, 3].min() > 0
    gradients = dict(
        zip(
            dict(learner.named_parameters()),
            torch.autograd.grad(learner(given), list(learner.parameters())), strict=True,
        )
    )  # fmt: skip
    assert all(g.isfinite().all() and g.abs().sum() > 0 for g in gradients.values())
    assert set(learner.head()) < set(learner.adapted()) < set(gradients)


def test_noise_is_there_with_a_generator_alone(known: Subwords) -> None:
    learner, given = translator(len(known), replace(SMALL, dropout=0.3)), batch(known)
    assert learner(given).item() == learner(given).item()
    noisy = {learner(given, torch_generator(seed, "noise")).item() for seed in (0, 0, 1)}
    assert len(noisy) == 2
    plain = translator(len(known), replace(SMALL, dropout=0.0, smoothing=0.0))
    found = plain(given, torch_generator(0, "noise"))
    assert found.item() == pytest.approx(plain(given).item())


def log_probability(learner: Translator, row: list[int], written: list[int]) -> float:
    """Of a whole translation with its end, read in one call."""
    source = sentences([row])
    wanted = torch.tensor([[*written, learner.end]])
    read = torch.tensor([[learner.start, *written]])
    given = Batch(source, read, wanted, torch.tensor([wanted.shape[1]]))
    scores = learner.scores(learner.decode(given, learner.encode(source), None))
    return scores.log_softmax(-1).gather(2, wanted.unsqueeze(2)).sum().item()


def test_a_wide_beam_finds_the_best_translation_there_is() -> None:
    learner = translator(3, replace(SMALL, length_power=0.0))  # 3 subwords, start and end
    with torch.no_grad():
        learner.output_bias[learner.end] = 1.5
        learner.output_bias[learner.start] = -50.0
    row = [0, 2, learner.end]
    (found,) = learner.write(sentences([row]), beam=64)
    every = (
        list(w) for size in range(4) for w in itertools.product(range(3), repeat=size)
    )  # fmt: skip
    best = max(every, key=lambda written: log_probability(learner, row, written))
    assert found == best


def test_a_translation_is_the_same_alone_and_in_a_batch(known: Subwords) -> None:
    learner = translator(len(known))
    texts = ["a dog", "a big red dog runs and sees water", "man", "a tree and a man and a dog"]
    rows = encode_sources(texts, known)
    params = dict(learner.named_parameters())
    for beam in (1, 3):
        together = learner.translations(params, sentences(rows), beam)
        alone = [learner.translations(params, sentences([row]), beam)[0] for row in rows]
        assert together == alone
    found, cut = translate(learner, params, known, texts, 3)
    assert found == [known.text(numbers) for numbers in together]
    assert cut == sum(
        len(numbers) >= longest(len(row)) - 1 for numbers, row in zip(together, rows, strict=True)
    )


def test_greedy_search_takes_the_likeliest_each_time(known: Subwords) -> None:
    learner = translator(len(known))
    (row,) = encode_sources(["a dog runs"], known)
    (found,) = learner.write(sentences([row]), 1)
    source = sentences([row])
    read = torch.tensor([[learner.start, *found]])
    given = Batch(source, read, read, torch.tensor([read.shape[1]]))
    scores = learner.scores(learner.decode(given, learner.encode(source), None))[0]
    scores[:, learner.start] = -math.inf
    assert scores.argmax(1).tolist()[: len(found)] == found


def test_a_translator_learns_to_translate_word_by_word(known: Subwords) -> None:
    config = replace(SMALL, embedding=24, dropout=0.0, smoothing=0.0,
                     lstm=MetaLSTMConfig(kind="lstm", match=False, hidden=24))  # fmt: skip
    learner = Translator(config, len(known), torch_generator(0, "weights"))
    own = Pairs(("dog", "man", "tree", "water"), ("Hund", "Mann", "Baum", "Wasser"))
    given = encode_pairs(own, known).batch(range(4))
    optimiser = torch.optim.Adam(learner.parameters(), lr=0.02)
    for _ in range(40):
        optimiser.zero_grad()
        learner(given).backward()
        optimiser.step()
    found, _ = translate(learner, dict(learner.named_parameters()), known, own.sources, 3)
    assert tuple(found) == own.targets


def test_figures_are_those_of_sacrebleu() -> None:
    import sacrebleu

    made, wanted = ["the cat sat on a mat", "a dog"], ["the cat sat on the mat", "the dog ran"]
    found = score(made, wanted)
    assert found.value == pytest.approx(sacrebleu.corpus_chrf(made, [wanted]).score)
    assert found.further["bleu"] == pytest.approx(sacrebleu.corpus_bleu(made, [wanted]).score)
    assert found.size == 2
    assert "nc:6|nw:0" in signatures()["chrf"]
    assert "tok:13a" in signatures()["bleu"]


def test_a_package_that_is_missing_is_named_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tokenizers", None)
    monkeypatch.setitem(__import__("sys").modules, "sacrebleu.metrics", None)
    for needed in (packages.tokenizers, packages.sacrebleu_metrics):
        with pytest.raises(UserError, match=r"pip install 'fewshot-metalstm\[translation\]'"):
            needed()


def test_settings_survive_a_file_and_are_checked() -> None:
    config = replace(SMALL, beam=2)
    assert from_mapping(TranslatorConfig, as_mapping(config), "x") == config
    with pytest.raises(UserError, match="beam is 0"):
        Translator(replace(SMALL, beam=0), 300, torch_generator(0, "weights"))
