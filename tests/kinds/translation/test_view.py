"""The page of a translator: alignments by hand, and what a user sees."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pytest
import torch

from fewshot_metalstm.cli.main import main
from fewshot_metalstm.kinds.translation.alignment import alignments
from fewshot_metalstm.kinds.translation.encoding import encode_pairs
from fewshot_metalstm.kinds.translation.model import (
    PRODUCT,
    TranslationModel,
    new_translator,
    save_model,
)
from fewshot_metalstm.kinds.translation.pages.view import make_view
from fewshot_metalstm.kinds.translation.pairs import Pairs
from tests.kinds.translation.builders import SMALL, subwords, write_pairs


def translator() -> TranslationModel:
    own = subwords(270)  # so few that most words have several
    made = new_translator(replace(SMALL, beam=1), len(own), 0)
    with torch.no_grad():  # far from attending to all alike
        made.attention_weight.mul_(30)
    return TranslationModel(made, own, PRODUCT)


def test_words_have_the_weights_of_their_subwords() -> None:
    model = translator()
    source, target = "a red dog sees water", "ein rot Hund sieht"
    other = ("a", "ein Baum groß und rot")
    together = alignments(
        model, [source.split(), other[0].split()], [target.split(), other[1].split()]
    )
    batch = encode_pairs(Pairs((source,), (target,)), model.subwords).batch([0])
    whole = model.learner.attention(batch)[0].detach()
    torch.testing.assert_close(whole.sum(1), torch.ones(len(whole)))
    read, wrote = ([len(p) for p in model.subwords.numbers(s.split())] for s in (source, target))
    assert max(read) > 1
    assert max(wrote) > 1

    def places(sizes: list[int]) -> list[list[int]]:
        every = iter(range(sum(sizes)))
        return [[next(every) for _ in range(size)] for size in sizes]

    wanted = torch.tensor([
        [whole[ours][:, theirs].sum(1).mean() for theirs in places(read)] for ours in places(wrote)
    ])  # fmt: skip
    assert together[0].shape == (4, 5)
    torch.testing.assert_close(together[0], wanted)
    alone = alignments(model, [other[0].split()], [other[1].split()])
    torch.testing.assert_close(together[1], alone[0])
    (nothing,) = alignments(model, [source.split()], [[]])
    assert nothing.shape == (0, 5)
    assert list(chain(*nothing.tolist())) == []


def test_the_page_has_the_lines_of_the_file(tmp_path: Path) -> None:
    model = translator()
    made = make_view("it", model, ["a dog.", "", "red"], ["ein Hund.", "", "rot"])
    assert [row.line for row in made.rows] == [1, 3]
    assert made.notes == ("1 empty lines are left out",)
    assert made.score is not None
    assert made.rows[0].reference == "ein Hund."
    assert all(len(cells) == len(row.read) for row in made.rows for cells in row.weights)
    assert make_view("it", model, ["red"]).score is None


def test_view_writes_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_model(translator(), tmp_path / "translator")
    write_pairs(tmp_path / "new", 4, 3)
    page = tmp_path / "new.html"
    model = str(tmp_path / "translator")
    assert main(["view", model, str(tmp_path / "new.tsv"), "-o", str(page)]) == 0
    assert "4 sentences; chrF" in capsys.readouterr().out
    text = page.read_text("utf-8")
    assert text.count("<article") == 4
    assert "Words that it attended to" in text
    (tmp_path / "bad.en").write_text("a <script> dog.\n\n")
    assert main(["view", model, str(tmp_path / "bad.en"), "-o", str(page), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["sentences"], told["chrf"]) == (1, None)
    assert "a &lt;script&gt; dog." in page.read_text("utf-8")
    (tmp_path / "bad.tsv").write_text("one column\n")
    assert main(["view", model, str(tmp_path / "bad.tsv"), "-o", str(page)]) == 2
    assert "bad.tsv:1: has 1 columns and not two" in capsys.readouterr().err
