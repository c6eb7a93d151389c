"""Making one checkpoint of several: what fits together, and what the copy holds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fewshot_metalstm.adapt.policy import Policy, Recipe
from fewshot_metalstm.encoders.reference import EncoderReference
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.shipping.pack import pack
from fewshot_metalstm.kinds.tagging.shipping.starts import check_together, further_start
from fewshot_metalstm.kinds.tagging.tagger.model import (
    TaggerModel,
    load_model,
    new_tagger,
    save_model,
)
from fewshot_metalstm.kinds.tagging.tagger.network import TaggerConfig
from fewshot_metalstm.kinds.tagging.tagger.starts import FurtherStart
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig
from tests.cli.builders import refused, run_json
from tests.encoders.fakes import REFERENCE
from tests.kinds.tagging.tagger.builders import TAGGER, own, same, with_pieces
from tests.kinds.tagging.tagger.test_starts import READING, TYPES
from tests.pretrained.builders import checkpoint, with_heads

POLICY = Policy({"usual": Recipe(), "bold": Recipe({"lr": 0.5})}, "usual")


def first() -> TaggerModel:
    return with_heads(with_pieces(), TYPES)


def bare(config: TaggerConfig = TAGGER, encoder: EncoderReference | None = None) -> TaggerModel:
    """Another training on the same text, without pieces."""
    made = first()
    vectors = replace(made.vectors, pieces=None)
    learner = new_tagger(config, vectors, made.alphabet, 8)
    return replace(made, vectors=vectors, learner=learner, encoder=encoder)


def test_one_may_read_less_or_with_an_encoder() -> None:
    for other, pieces in ((first(), True), (bare(), False), (bare(READING, REFERENCE), False)):
        start = further_start(first(), other, "b")
        assert (start.learner, start.heads) == (other.learner, other.heads)
        assert (start.pieces, start.encoder) == (pieces, other.encoder)
        whole = replace(first(), further=(start,))
        check_together(whole)
        words = ["the", "p53"]
        np.testing.assert_array_equal(
            whole.of_start(1).vectors.lookup(words), other.vectors.lookup(words)
        )


def test_what_does_not_fit_together_is_refused() -> None:
    made, lstm = first(), MetaLSTMConfig(hidden=9, meta=4, z=5)
    spoilt = made.vectors.matrix[:].astype(np.float16)
    spoilt[3] += 1
    cases = {
        "b: has several starts": replace(made, further=(FurtherStart(made.learner),)),
        "b: has no source heads": replace(made, heads=()),
        "the same suite with the same --exclude": replace(made, about={"targets_excluded": ["x"]}),
        "b: has other word vectors; meta-train it with --set vectors.seed=N": replace(
            made, vectors=replace(made.vectors, matrix=spoilt)
        ),
        "b: has other word": replace(made, alphabet=tuple("ab")),
        "b: is of other sizes": bare(replace(TAGGER, lstm=lstm)),
    }  # fmt: skip
    for told, other in cases.items():
        with pytest.raises(UserError, match=told):
            further_start(made, other, "b")
    with pytest.raises(UserError, match="b: has learned from other sentences"):
        further_start(replace(made, sentences=bytes(16)), replace(made, sentences=b"x" * 16), "b")
    assert further_start(made, replace(made, sentences=bytes(16)), "b").pieces
    with pytest.raises(UserError, match="b: has other word vectors"):
        further_start(bare(), made, "b")
    with pytest.raises(UserError, match="the checkpoint itself: has no source heads"):
        further_start(replace(made, heads=()), made, "b")
    plain = replace(TAGGER, lstm=MetaLSTMConfig(kind="lstm", hidden=8))
    with pytest.raises(
        UserError, match="b: several starts are for taggers with a Meta-LSTM alone, not lstm"
    ):
        further_start(bare(plain), bare(plain), "b")
    encoders = REFERENCE, replace(REFERENCE, name="other", sha256="cd" * 32)
    starts = tuple(FurtherStart(made.learner, encoder=each) for each in encoders)
    with pytest.raises(UserError, match=r"different encoders \(models/fake, other\); give"):
        check_together(replace(made, further=starts))
    small = bare(replace(READING, context_size=4), REFERENCE)
    starts = tuple(further_start(made, each, "b") for each in (bare(READING, REFERENCE), small))
    with pytest.raises(UserError, match=r"different numbers \(tagger.context_size 4, 5\); give"):
        check_together(replace(made, further=starts))
    two = replace(made, further=starts[:1], policy=POLICY.for_starts(2))
    check_together(two)
    with pytest.raises(UserError, match="the policy has recipes for 2 starts, and there are 3"):
        check_together(replace(two, further=starts[:1] * 2))


def test_packing_several_as_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = with_heads(checkpoint(algorithm="joint"), TYPES)
    learner = new_tagger(TAGGER, made.vectors, made.alphabet, 9)
    save_model(replace(made, policy=POLICY), tmp_path / "a")
    save_model(replace(made, learner=learner, about={**made.about, "seed": 9}), tmp_path / "b")
    a, b, c = (str(tmp_path / name) for name in "abc")
    report = run_json(["pack", a, "--beside", b, "--output", c], capsys)
    read = load_model(tmp_path / "c")
    assert report["bytes"] == sum(f.stat().st_size for f in (tmp_path / "c").iterdir())
    assert same(own(read.further[0].learner), own(learner))
    assert same(own(read.learner), own(made.learner))
    assert read.further[0].about["seed"] == 9
    assert read.policy == POLICY.for_starts(2)
    card = (tmp_path / "c" / "MODEL_CARD.md").read_text()
    assert "### Start 2 of 2" in card
    assert "- algorithm: joint, seed 9" in card
    assert "starts.safetensors" in card
    again = pack(tmp_path / "c", tmp_path / "d")
    assert same(own(load_model(again.folder).further[0].learner), own(learner))
    told = refused(["pack", a, "--beside", c, "--output", str(tmp_path / "e")], capsys, quiet=False)
    assert "has several starts; give one that meta-train wrote" in told
    assert not (tmp_path / "e").exists()


def test_a_policy_for_more_starts_is_refused(tmp_path: Path) -> None:
    made = with_heads(checkpoint(), TYPES)
    save_model(made, tmp_path / "a")
    file = tmp_path / "two.json"
    file.write_text(json.dumps(POLICY.for_starts(2).as_dict()))
    with pytest.raises(UserError, match="has recipes for 2 starts, and there are 1; give"):
        pack(tmp_path / "a", tmp_path / "b", policy=file)
