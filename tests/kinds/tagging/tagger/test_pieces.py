"""Models whose word vectors have the pieces of an encoder beside them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fewshot_metalstm.cli.main import main
from fewshot_metalstm.data.digests import SEAL
from fewshot_metalstm.kinds.tagging.shipping.pack import smaller
from fewshot_metalstm.kinds.tagging.tagger.decode import tag
from fewshot_metalstm.kinds.tagging.tagger.model import (
    CHECKPOINT,
    PIECES_VERSION,
    TAGGER,
    TaggerModel,
    load_model,
    save_model,
)
from fewshot_metalstm.nn.stored_rows import Quantised
from tests.cli.builders import refused, run_json
from tests.kinds.tagging.tagger.builders import own, pieces, same, sentences, with_pieces

TEXT = sentences(6, ("T0",), 3)
WORDS = ["the", "Cells", "p53-null", "T0"]


def tags(model: TaggerModel) -> list[tuple[str, ...]]:
    return tag(
        model.learner, own(model.learner), model.table(), [s.tokens for s in TEXT], model.types
    )


@pytest.mark.parametrize("kind", [CHECKPOINT, TAGGER])
def test_round_trip(tmp_path: Path, kind: str) -> None:
    made = with_pieces(1, kind)
    save_model(made, tmp_path / "m")
    read = load_model(tmp_path / "m", kind)
    assert read.vectors.pieces is not None
    assert read.vectors.pieces.pieces == pieces().pieces
    assert (read.vectors.pieces.lower, read.vectors.pieces.source) == (True, "random pieces")
    np.testing.assert_array_equal(read.vectors.lookup(WORDS), made.vectors.lookup(WORDS))
    assert same(own(read.learner), own(made.learner))
    if kind == TAGGER:
        assert tags(read) == tags(made)
    config = json.loads((tmp_path / "m" / "config.json").read_text())
    assert config["format_version"] == PIECES_VERSION


def test_in_a_byte_a_number(tmp_path: Path) -> None:
    made = with_pieces(1, TAGGER)
    packed = replace(made, vectors=smaller(made.vectors, 5))
    save_model(packed, tmp_path / "m")
    read = load_model(tmp_path / "m", TAGGER)
    assert read.vectors.pieces is not None
    assert isinstance(read.vectors.pieces.matrix, Quantised)
    assert len(read.vectors.words) == 5
    np.testing.assert_array_equal(read.vectors.lookup(WORDS), packed.vectors.lookup(WORDS))
    np.testing.assert_allclose(
        read.vectors.lookup(["the"]), made.vectors.lookup(["the"]), atol=0.05
    )


def test_they_are_compressed_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_model(with_pieces(1, TAGGER), tmp_path / "m")
    small = tmp_path / "small"
    arguments = ["compress", str(tmp_path / "m"), "-o", str(small), "--vectors", "2"]
    assert run_json(arguments, capsys)
    config = json.loads((small / "tagger" / "config.json").read_text())
    assert config["format_version"] == PIECES_VERSION
    read = load_model(small / "tagger", TAGGER)
    assert read.vectors.pieces is not None
    assert read.vectors.lookup(WORDS).shape == (4, 12)
    (tmp_path / "notes.txt").write_text("We saw cells.\n")
    assert main(["predict", str(small), str(tmp_path / "notes.txt")]) == 0


def test_pieces_that_do_not_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_model(with_pieces(1, TAGGER), tmp_path / "m")
    config = json.loads((tmp_path / "m" / "config.json").read_text())
    config["vectors"]["pieces"]["unknown"] = 99
    del config[SEAL]
    (tmp_path / "m" / "config.json").write_text(json.dumps(config))
    (tmp_path / "notes.txt").write_text("We saw cells.\n")
    said = refused(["predict", str(tmp_path / "m"), str(tmp_path / "notes.txt")], capsys)
    assert "does not fit the weights beside it; make it anew" in said
