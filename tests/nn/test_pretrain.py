"""Training word vectors, and reading files of the user's."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from gensim.models import FastText, KeyedVectors

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.nn.pretrain import VectorsConfig, load_or_train, read_vectors, train_vectors
from fewshot_metalstm.nn.stored_rows import Quantised, Rows
from fewshot_metalstm.nn.vectors import WordVectors

TEXT = [["The", "mouse", f"ran{i % 3}"] for i in range(12)] + [["a", "rat", "ran"]] * 3
TINY = VectorsConfig(size=8, epochs=2, min_count=1, buckets=30)
WORDS = ["mouse", "rat", "é9", "E."]
MATRIX = np.array([[1, 2, 3], [-1, 0.5, 0], [4, 5, 6], [0.25, -2, 8]], np.float32)


@pytest.fixture
def keyed() -> KeyedVectors:
    made = KeyedVectors(3)
    made.add_vectors(WORDS, MATRIX)
    return made


def half(rows: Rows) -> npt.NDArray[np.float16]:
    """Vectors that were read or trained just now are in half precision."""
    assert not isinstance(rows, Quantised)
    return rows


def assert_is_matrix(read: WordVectors) -> None:
    assert read.words == tuple(WORDS)
    np.testing.assert_array_equal(half(read.matrix), MATRIX.astype(np.float16))
    assert read.subwords is None


@pytest.mark.parametrize("method", ["fasttext", "word2vec"])
def test_training_is_a_function_of_the_seed(method: str) -> None:
    config = VectorsConfig(method=method, size=8, epochs=2, min_count=1, buckets=30)
    first, second = train_vectors(TEXT, config, 5), train_vectors(TEXT, config, 5)
    other = train_vectors(TEXT, config, 6)
    assert first.words == second.words
    assert half(first.matrix).tobytes() == half(second.matrix).tobytes()
    assert half(first.matrix).tobytes() != half(other.matrix).tobytes()
    assert (first.subwords is None) == (method == "word2vec")
    if first.subwords is not None and second.subwords is not None:
        assert half(first.subwords.buckets).tobytes() == half(second.subwords.buckets).tobytes()
    assert half(first.matrix).dtype == np.float16
    assert first.size == 8


def test_training_knows_normal_forms_and_tells_progress() -> None:
    progress: list[tuple[int, int]] = []
    made = train_vectors(TEXT, TINY, 0, lambda done, total: progress.append((done, total)))
    assert {"the", "mouse", "ran0"} <= set(made.words)
    assert not {"The", "ran1"} & set(made.words)
    assert progress == [(1, 2), (2, 2)]
    assert np.abs(made.lookup(["MOUSE", "mousers"])).max(axis=1).min() > 0
    # Repetitions are one sentence: "the mouse ran0" and "a rat ran".
    assert "2 distinct" in made.source


def test_training_without_a_frequent_word_or_with_another_method_is_a_user_error() -> None:
    with pytest.raises(UserError, match=r"min_count=1"):
        train_vectors(TEXT, VectorsConfig(min_count=99), 0)
    with pytest.raises(UserError, match=r"glove.* is unknown; use fasttext or word2vec"):
        train_vectors(TEXT, VectorsConfig(method="glove"), 0)


@pytest.mark.parametrize("binary", [False, True])
def test_read_word2vec(tmp_path: Path, keyed: KeyedVectors, binary: bool) -> None:
    path = tmp_path / "vectors"
    keyed.save_word2vec_format(str(path), binary=binary)
    assert_is_matrix(read_vectors(path))
    assert_is_matrix(load_or_train([], VectorsConfig(file=str(path)), 0))


def test_read_glove(tmp_path: Path) -> None:
    path = tmp_path / "glove.txt"
    rows = (f"{w} {' '.join(map(str, row))}" for w, row in zip(WORDS, MATRIX, strict=True))
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    assert_is_matrix(read_vectors(path))


def test_read_json(tmp_path: Path) -> None:
    path = tmp_path / "glove.json"
    path.write_text(json.dumps(dict(zip(WORDS, MATRIX.tolist(), strict=True))), encoding="utf-8")
    assert_is_matrix(read_vectors(path))
    for content in ("", "[1, 2]", "{}", '{"a": [1, 2], "b": [1]}', '{"a": 1}', '{"a": ["x"]}',
                    '{"a": [NaN]}', '{"a": {"b": [1]}}', '{"a": [[1]]}', "[" * 99_999,
                    f'{{"a": [1{"0" * 400}]}}'):  # fmt: skip
        path.write_text(content)
        with pytest.raises(UserError, match=r"glove\.json: ") as caught:
            read_vectors(path)
        assert "\n" not in str(caught.value)


def test_read_a_fasttext_vec_file(tmp_path: Path) -> None:
    model = FastText(TEXT, vector_size=4, bucket=20, min_count=1, epochs=1, workers=1, seed=1)
    path = tmp_path / "model.vec"
    model.wv.save_word2vec_format(str(path))
    read = read_vectors(path)
    assert read.words == tuple(model.wv.index_to_key)
    np.testing.assert_allclose(half(read.matrix), model.wv.vectors, rtol=1e-2, atol=1e-4)


def test_read_scales_what_half_precision_cannot_hold(tmp_path: Path) -> None:
    path = tmp_path / "big.txt"
    path.write_text("a 600000 300000\nb 0 60000\n")
    read = read_vectors(path)
    assert np.isfinite(half(read.matrix)).all()
    np.testing.assert_allclose(read.lookup(["a"])[0], np.array([2, 1]) / np.sqrt(2.5), rtol=1e-3)


BINARY_HEAD = b"2 3\nmouse " + np.zeros(3, np.float32).tobytes() + b"rat "


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\n\n", id="blank"),
        pytest.param(b"hello world\n", id="prose"),
        pytest.param(b"mouse 1 2 3\nrat 1 2\n", id="a short line"),
        pytest.param(b"mouse 1 2 3\nrat 1 x 2\n", id="no number"),
        pytest.param(b"mouse 1 2 3\nrat 1 nan 2\n", id="nan"),
        pytest.param(b"3 3\nmouse 1 2 3\nrat 1 2 3\n", id="fewer words than the header says"),
        pytest.param(b"1 3\nmouse 1 2 3\nrat 1 2 3\n", id="more words than the header says"),
        pytest.param(b"0 3\n", id="no word"),
        pytest.param(b"2 0\nmouse\nrat\n", id="no number at all"),
        pytest.param(b"999999999999 300\n" + bytes(range(128, 256)) * 9, id="a header that lies"),
        pytest.param(b"2 3\nmouse 1 2 3\nrat 1 2\n", id="a short line after a header"),
        pytest.param(BINARY_HEAD + b"\x00\x00", id="binary cut short"),
        pytest.param(b"mo\xffuse 1 2 3\n", id="not UTF-8"),
        pytest.param(bytes(range(256)) * 4, id="bytes"),
    ],
)
def test_read_damaged_is_one_line_that_names_the_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "damaged.vec"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"damaged\.vec") as caught:
        read_vectors(path)
    assert "\n" not in str(caught.value)


def test_read_says_the_line_of_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "v"
    for content, fault in (
        (b"a 1 2 3\nb 1 2\n", r"v:2: has 2 numbers, not 3; give"),
        (b"a 1 2 3\nb 1 2 3\nc 1 x 3\n", r"v:3: not a line of a word and its vector \(.*'x'\);"),
        (b"2 2\na 1 2\n\xff 1 2\n", r"v:\d: not UTF-8;"),
    ):
        path.write_bytes(content)
        with pytest.raises(UserError, match=fault):
            read_vectors(path)


def test_read_keeps_words_with_spaces_and_the_first_of_equal_words(tmp_path: Path) -> None:
    path = tmp_path / "glove.txt"
    path.write_bytes("a 1 2\n. . 3 4\na 5 6\n\u00a0 7 8\r\n".encode())
    read = read_vectors(path)
    assert read.words == ("a", ". .", "\u00a0")
    assert half(read.matrix).tolist() == [[1, 2], [3, 4], [7, 8]]


def test_read_absent(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"absent: cannot be read \(No such file or directory\);"):
        read_vectors(tmp_path / "absent")
