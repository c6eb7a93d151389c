"""Features on disk: read once, shared by processes, made anew where they cannot be believed."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from fewshot_metalstm.encoders import kept
from fewshot_metalstm.encoders.kept import KeptFeatures, key
from tests.encoders.fakes import FakeEncoder, features_of

TEXT = [("we", "saw", "mice"), ("mice",), ("no", "mice", "here", "."), ("we", "saw", "mice")]


def test_a_sentence_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "PART", 2)
    encoder = FakeEncoder()
    told: list[int] = []
    features = KeptFeatures(encoder, tmp_path)
    assert features.missing(TEXT) == 3
    features.learn(TEXT, told.append)
    assert told == [1, 2, 3]
    assert len(list(features.folder.iterdir())) == 2
    again = KeptFeatures(encoder, tmp_path)
    assert again.missing(TEXT) == 0
    again.learn(TEXT)
    assert encoder.reads == 3
    for source in (features, again):
        for tokens, found in zip(TEXT, source.features(TEXT), strict=True):
            np.testing.assert_array_equal(found, features_of(tokens))
    assert encoder.reads == 3
    again.features([("new",)])
    assert encoder.reads == 4
    assert again.missing([("new",)]) == 1, "what is asked for by the way is not kept"


def test_what_cannot_be_believed_is_made_anew(tmp_path: Path) -> None:
    features = KeptFeatures(FakeEncoder(), tmp_path)
    features.learn(TEXT)
    (part,) = features.folder.iterdir()
    whole = (part / "features.npy").read_bytes()
    for damaged in (whole[:-40], b"", b"no array"):
        (part / "features.npy").write_bytes(damaged)
        again = KeptFeatures(FakeEncoder(), tmp_path)
        assert again.missing(TEXT) == 3
        again.learn(TEXT)
        assert KeptFeatures(FakeEncoder(), tmp_path).missing(TEXT) == 0
    other = FakeEncoder()
    other.size += 1
    assert KeptFeatures(other, tmp_path).missing(TEXT) == 3, "of another size"
    other.sha256 = "0" * 64
    assert KeptFeatures(other, tmp_path).missing(TEXT) == 3, "of another encoder"


def test_words_are_not_run_together() -> None:
    assert key(("ab", "c")) != key(("a", "bc"))
    assert key(("a", "\ud800")) != key(("a", "\ud801"))


def test_another_process_gets_no_features_but_where_they_are(tmp_path: Path) -> None:
    features = KeptFeatures(FakeEncoder(), tmp_path)
    features.learn([(str(i), *"abcdef") for i in range(300)])
    sent = pickle.dumps(features)
    assert len(sent) < 1000
    again = pickle.loads(sent)
    assert again.folder == features.folder
    assert again.missing([("7", *"abcdef")]) == 0
