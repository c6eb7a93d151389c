"""The checkpoint of reviews that ships."""

from __future__ import annotations

import pytest

from fewshot_metalstm import pretrained
from fewshot_metalstm.kinds.classification.model import load_model, read_config
from fewshot_metalstm.kinds.stored import CHECKPOINT
from fewshot_metalstm.nn.stored_rows import Quantised
from tests.kinds.classification.builders import task

MEGABYTES = 15


def test_what_ships_is_packed_told_and_fits() -> None:
    folder = pretrained.folders().get("reviews")
    if folder is None:
        pytest.skip("reviews is not in the package: `fewshot-metalstm pack` puts it there")
    assert sum(file.stat().st_size for file in folder.iterdir()) <= MEGABYTES * 10**6
    model = load_model(folder, CHECKPOINT)
    assert model.classes == ("negative", "positive")
    assert isinstance(model.vectors.matrix, Quantised)
    card = (folder / pretrained.CARD).read_text(encoding="utf-8")
    for file, digest in read_config(folder)["sha256"].items():
        assert f"`{file}`: `{digest}`" in card, "the card is of other files"
    assert pretrained.fitting(task("mine")) == (folder,)
    assert folder not in pretrained.fitting(task("reviews-books")), "learned from"
