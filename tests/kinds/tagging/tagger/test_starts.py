"""Checkpoints with several starts: what they hold, and what is adapted from each."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from fewshot_metalstm.adapt.policy import Policy, Recipe
from fewshot_metalstm.data.digests import sealed, sha256
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.tagger.encoding import WordTable
from fewshot_metalstm.kinds.tagging.tagger.merged import together, widened
from fewshot_metalstm.kinds.tagging.tagger.model import (
    CHECKPOINT,
    STARTS_VERSION,
    TaggerModel,
    load_model,
    new_tagger,
    save_model,
)
from fewshot_metalstm.kinds.tagging.tagger.starts import FurtherStart
from tests.encoders.fakes import REFERENCE, SIZE, FakeEncoder
from tests.kinds.tagging.tagger.builders import (
    TAGGER,
    TARGET,
    encoded,
    own,
    same,
    with_pieces,
)
from tests.pretrained.builders import with_heads

TYPES = {"alpha": ("Cell",), "gamma": ("Gene", "Site")}
FILE = "starts.safetensors"
READING = replace(TAGGER, context=SIZE, context_size=5)


def several() -> TaggerModel:
    """One start that reads pieces, one without, and one that reads an encoder in their place."""
    first = with_heads(with_pieces(), TYPES)
    bare = replace(first.vectors, pieces=None)
    further = tuple(
        FurtherStart(
            new_tagger(config, first.vectors if pieces else bare, first.alphabet, seed),
            first.heads[:heads], REFERENCE if config.context else None, pieces, {"seed": seed},
        )
        for seed, config, pieces, heads in ((8, TAGGER, True, 3), (9, READING, False, 2))
    )  # fmt: skip
    return replace(first, further=further)


def test_round_trip(tmp_path: Path) -> None:
    made = several()
    save_model(made, tmp_path / "m")
    read = load_model(tmp_path / "m", CHECKPOINT)
    assert same(own(read.learner), own(made.learner))
    assert len(read.further) == 2
    for there, here in zip(read.further, made.further, strict=True):
        assert same(own(there.learner), own(here.learner))
        assert there.learner.config == here.learner.config
        assert [head.name for head in there.heads] == [head.name for head in here.heads]
        assert torch.equal(
            there.heads[1].params["head_outside"], here.heads[1].params["head_outside"].half()
        )
        assert (there.encoder, there.pieces, there.about) == (here.encoder, here.pieces, here.about)
    stored = json.loads((tmp_path / "m" / "config.json").read_text())
    assert stored["format_version"] == STARTS_VERSION
    assert stored["sha256"][FILE]


def test_each_start_by_itself() -> None:
    made = replace(several(), policy=Policy({"usual": Recipe()}, "usual"))
    first, second, third = (made.of_start(i) for i in range(3))
    assert first.learner is made.learner
    assert not first.further
    assert first.policy is None
    assert first.of_start(0) is first
    assert (second.heads, third.heads) == (made.further[0].heads, made.further[1].heads)
    assert second.vectors.size == made.vectors.size == third.vectors.size + 4
    assert (first.encoder, third.encoder) == (None, REFERENCE)
    assert (first.read_with, made.read_with) == (None, REFERENCE)


def test_what_reads_less_is_the_same_where_more_is_read() -> None:
    made = several()
    whole = together([made.of_start(i).learner.config for i in range(3)])
    assert whole == READING
    given = TARGET.split("train")[:9]
    joined = new_tagger(whole, made.vectors, made.alphabet, 0)
    table = WordTable(made.vectors, made.alphabet, FakeEncoder())
    for number in range(3):
        alone = made.of_start(number)
        context = FakeEncoder() if alone.encoder else None
        batch = encoded(WordTable(alone.vectors, made.alphabet, context), given, TARGET.types)
        params = widened(own(alone.learner), alone.learner.config, made.vectors.size, whole)
        torch.testing.assert_close(
            joined.emissions_with(params, encoded(table, given, TARGET.types)),
            alone.learner.emissions(batch),
        )
        assert {n: p.shape for n, p in params.items()} == {
            n: p.shape for n, p in own(joined).items()
        }


def spoilt(folder: Path, **changes: Any) -> None:
    """The config of the first further start with other fields, and the digest of the starts."""
    config = json.loads((folder / "config.json").read_text())
    config["starts"][0] |= changes
    config["sha256"][FILE] = sha256((folder / FILE).read_bytes())
    (folder / "config.json").write_text(json.dumps(sealed(config)))


@pytest.mark.parametrize(
    "changes",
    [
        {"tagger": {"lstm": {"hidden": 9}}},
        {"tagger": {"lstm": {"hidden": 10**6}}},
        {"pieces": False},
        {"heads": [["alpha", "Cell"]]},
        {"encoder": {"name": "x", "sha256": "ab" * 32, "size": 3, "kind": ""}},
        {"tagger": 4},
        {"encoder": 5},
        {"about": 3},
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    save_model(several(), tmp_path / "m")
    spoilt(tmp_path / "m", **changes)
    with pytest.raises(UserError, match="does not fit the weights beside it") as caught:
        load_model(tmp_path / "m")
    assert "\n" not in str(caught.value)


def test_a_missing_tensor_is_refused(tmp_path: Path) -> None:
    save_model(several(), tmp_path / "m")
    tensors = load_file(tmp_path / "m" / FILE)
    del tensors["1.weights.lstm.basic_b"]
    save_file(tensors, tmp_path / "m" / FILE)
    with pytest.raises(UserError, match="its SHA-256 differs"):
        load_model(tmp_path / "m")
    spoilt(tmp_path / "m")
    with pytest.raises(UserError, match="does not fit the weights beside it"):
        load_model(tmp_path / "m")


def test_a_policy_for_more_starts_than_there_are(tmp_path: Path) -> None:
    policy = Policy({"usual": Recipe(), "other": Recipe(start=3)}, "usual")
    save_model(replace(several(), policy=policy), tmp_path / "m")
    with pytest.raises(UserError, match="its policy has recipes for 4 starts, and it has 3; give"):
        load_model(tmp_path / "m")


def test_vectors_are_those_of_the_checkpoint() -> None:
    made = several()
    words = ["the", "p53-null"]
    np.testing.assert_array_equal(
        made.of_start(2).vectors.lookup(words), made.vectors.lookup(words)[:, :8]
    )
