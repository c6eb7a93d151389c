"""The map of source heads on targets, beside sums by hand."""

from __future__ import annotations

import csv
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.adapt.task_map import (
    Row,
    Source,
    Supported,
    TaskMap,
    make_map,
    of_target,
    relative,
)
from fewshot_metalstm.kinds.tagging.adapt.transfer_order import agreements, read_measured
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.kinds.tagging.pages.task_map import ranked
from fewshot_metalstm.kinds.tagging.tagger.heads import SourceHead, start_from
from fewshot_metalstm.kinds.tagging.tagger.learned_sentences import digests_of, not_learned
from tests.kinds.tagging.tagger.builders import TARGET, encoded, model, task

ALPHA = task("alpha", ("Cell",))


def heads(names: list[tuple[str, str]]) -> tuple[SourceHead, ...]:
    """Random heads of these tasks and types."""
    learner, generator = model().learner, torch.Generator().manual_seed(4)
    return tuple(
        SourceHead(*name, {
            n: torch.randn(getattr(learner, n).shape, generator=generator) for n in learner.head()
        }) for name in names
    )  # fmt: skip


MODEL = replace(model(), heads=heads([("alpha", "Cell"), ("goal", "Gene"), ("beta", "Drug"),
                                      ("beta", "Site")]))  # fmt: skip


def supported(number: int = 12) -> Supported:
    sentences = TARGET.split("train")[:number]
    return Supported("goal", "goal-family", ("Gene", "Drug"), "train", tuple(sentences))


def made() -> TaskMap:
    """A map of three rows, each head the worse the further it is from the row's own place."""
    sources = tuple(Source(name, "X", name) for name in "abc")
    rows = tuple(
        Row(f"t{i}", "X", "abc"[i], "train", 9, 5, tuple(1.0 + abs(i - j) for j in range(3)), i)
        for i in range(3)
    )
    return TaskMap("some", sources, rows, 5, 0, 0)


def test_a_cell_is_the_loss_of_a_tagger_with_that_head_alone_a_mention() -> None:
    found = make_map(MODEL, "tiny", [supported()], shots=5, draw=0, seed=0)
    assert [row.name for row in found.rows] == ["goal/Gene", "goal/Drug"] or [
        row.name for row in found.rows
    ] == ["goal/Drug", "goal/Gene"]
    for row in found.rows:
        own = [Sentence(s.tokens, tuple(t if t[2:] == row.type else "O" for t in s.tags))
               for s in supported().sentences]  # fmt: skip
        mentions = sum(tag[0] in "BS" for s in own for tag in s.tags)
        assert row.mentions == mentions
        for source, loss in zip(found.sources, row.losses, strict=True):
            (head,) = (h for h in MODEL.heads if h.name == source.name)
            tagger = start_from(MODEL.learner, [head])
            batch = encoded(MODEL.table(), own, (row.type,))
            params = dict(tagger.named_parameters())
            with torch.no_grad():
                mean = float(tagger.loss(params, batch))  # a sentence
            assert loss == pytest.approx(mean * len(own) / mentions, rel=1e-4)


def test_what_has_no_mention_is_left_out_and_said() -> None:
    none = Supported("goal", "f", ("Drug", "Gene"), "train", tuple(
        Sentence(s.tokens, tuple("O" if t[2:] == "Drug" else t for t in s.tags))
        for s in supported().sentences
    ))  # fmt: skip
    found = make_map(MODEL, "tiny", [none], shots=5, draw=0, seed=0)
    assert [row.type for row in found.rows] == ["Gene"]
    assert found.notes == ("goal/Drug: no mention in the support; left out",)
    with pytest.raises(UserError, match="keeps no heads"):
        make_map(model(), "tiny", [none], shots=5, draw=0, seed=0)


def test_its_own_head_is_known_and_heads_of_another_family_are_told_apart() -> None:
    found = make_map(MODEL, "tiny", [supported()], shots=5, draw=0, seed=0)
    (gene,) = (row for row in found.rows if row.type == "Gene")
    assert gene.own is not None
    assert found.sources[gene.own].name == "goal/Gene"
    assert next(row for row in found.rows if row.type == "Drug").own is None
    first = ranked(made())[0]
    assert (first.own_place, first.best[0], first.foreign) == (1, ("a/X", 1.0), ("b/X", 2.0))


def test_like_sources_stand_together_and_rows_of_own_types_in_their_order() -> None:
    """Two groups of heads, mixed up: each group comes out in one piece."""
    from fewshot_metalstm.kinds.tagging.adapt.task_map import _ordered

    names = ["a1", "b1", "a2", "b2", "a3", "b3"]
    rows = tuple(
        Row(n, "X", n, "devel", 9, 5,
            tuple((1.0 if n[0] == m[0] else 9.0) + (n != m) * 0.1 for m in names), i)
        for i, n in enumerate(names)
    )  # fmt: skip
    found = _ordered(TaskMap("m", tuple(Source(n, "X", n) for n in names), rows, 5, 0, 0))
    groups = "".join(source.task[0] for source in found.sources)
    assert groups in ("aaabbb", "bbbaaa")
    assert [row.target for row in found.rows] == [source.task for source in found.sources]
    assert all(row.own == i for i, row in enumerate(found.rows))
    losses = np.array([row.losses for row in found.rows])
    np.testing.assert_allclose(np.diag(losses), 1.0)
    np.testing.assert_allclose(relative(losses).min(axis=1), 1.0)


def test_a_support_is_the_frozen_draw_or_all() -> None:
    found, note = of_target(ALPHA, 3, 1, 0)
    again, _ = of_target(ALPHA, 3, 1, 0)
    assert found == again
    assert note == ""
    assert len(of_target(ALPHA, 0, 0, 0)[0].sentences) == 40
    assert "of 5000 Cell" in of_target(ALPHA, 5000, 0, 0)[1]


def test_learned_sentences_are_left_out() -> None:
    sentences = ALPHA.split("devel")
    assert not_learned(sentences, digests_of(sentences[:5])) == sentences[5:]
    assert not_learned(sentences, b"") == sentences


def test_the_order_by_loss_is_compared_with_measured_f1(tmp_path: Path) -> None:
    path = tmp_path / "measured.csv"
    path.write_text(
        "draw,target,source,f1\n0,t0,a/X,60\n1,t0,a/X,70\n0,t0,b/X,50\n0,t0,c/X,40\n"
        "0,t2,a/X,9\n0,t2,b/X,8\n0,t2,c/X,7\n"
    )
    first, last = agreements(made(), read_measured(path)[0], path)
    assert (first.target, first.rank_correlation, first.chosen) == ("t0", 1.0, "a/X")
    assert (first.f1_chosen, first.f1_best) == (65.0, 65.0)
    assert first.f1_mean == pytest.approx(155 / 3)
    assert (last.rank_correlation, last.chosen, last.best) == (-1.0, "c/X", "a/X")
    path.write_text("target,source,f1\n" + "".join(f"t1,{n}/X,5\n" for n in "abc"))
    (flat,) = agreements(made(), read_measured(path)[0], path)
    assert math.isnan(flat.rank_correlation)
    assert flat.as_dict()["rank_correlation"] is None


def test_lines_of_other_supports_are_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text("target,source,shots,draw,f1\nt,a,5,0,10\nt,a,5,1,20\nt,a,50,1,30\nt,a,,1,40\n")
    assert read_measured(path) == ({"t": {"a": 25.0}}, 0)
    assert read_measured(path, 5, 1) == ({"t": {"a": 30.0}}, 2)
    with pytest.raises(UserError, match="no measurement of 9 shots, draw 9"):
        read_measured(path, 9, 9)


@pytest.mark.parametrize(
    ("text", "said"),
    [("target,f1\n", "m.csv:1: has no column source"),
     ("target,source,f1\nt0,a/X,high\n", "m.csv:2: 'high' is no F1"),
     ("target,source,f1\nt0,a/X,101\n", "'101' is no F1"),
     ("target,source,f1\nt0,a/X,\n", "m.csv:2: '' is no F1"),
     ("target,source,f1\n", "holds no measurement"),
     ("target,source,f1\nt9,a/X,1\n", "no target t9; it has t0, t1, t2"),
     ("target,source,f1\nt0,z/X,1\n", "no source head z/X"),
     ("target,source,f1\nt0,a/X,1\nt0,b/X,1\n", "2 heads have no order")],
)  # fmt: skip
def test_a_file_that_says_nothing_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "m.csv"
    path.write_text(text)
    with pytest.raises(UserError) as problem:
        agreements(made(), read_measured(path)[0], path)
    assert said in str(problem.value)
    assert "\n" not in str(problem.value)
    with pytest.raises(UserError, match="cannot be read; no such file"):
        read_measured(tmp_path / "none.csv")


def test_measured_figures_as_a_spreadsheet_writes_them(tmp_path: Path) -> None:
    path = tmp_path / "measured.csv"
    path.write_text(
        "target,source,f1,shots,draw\nt,a,30,50.0,1.0\nt,a,20,5,1\nt,a,10,x,1\n",
        encoding="utf-8-sig",
    )
    assert read_measured(path, 50, 1) == ({"t": {"a": 30.0}}, 2)
    path.write_text("target,source,f1\n" + "t" * (csv.field_size_limit() + 1) + ",a,30\n")
    with pytest.raises(UserError, match=r"measured.csv: is no table \(field larger .*; write it"):
        read_measured(path)
