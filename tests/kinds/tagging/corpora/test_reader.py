"""The token-per-line reader: what it accepts, what it refuses and in which words."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.corpora.columns import parse
from fewshot_metalstm.kinds.tagging.corpora.reader import read_columns, read_tokens, resolve
from fewshot_metalstm.kinds.tagging.corpora.schemes import Scheme


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "corpus.tsv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def tokens_of(path: Path) -> list[str]:
    return [" ".join(sentence.tokens) for sentence in read_columns(path).sentences]


def test_reader_iobes(tmp_path: Path) -> None:
    result = read_columns(write(tmp_path, "E.\tB-Sp\ncoli\tE-Sp\n\ngrows\tO\n"))
    assert [s.tokens for s in result.sentences] == [("E.", "coli"), ("grows",)]
    assert [s.tags for s in result.sentences] == [("B-Sp", "E-Sp"), ("O",)]
    assert (result.scheme, result.mended, result.types) == (Scheme.IOBES, 0, ("Sp",))


@pytest.mark.parametrize(
    ("text", "scheme"),
    [
        ("a\tI-X\nb\tI-X\nc\tB-X\n", Scheme.IOB1),
        ("a\tB-X\nb\tI-X\nc\tB-X\n", Scheme.IOB2),
        ("a\tB-X\nb\tE-X\nc\tS-X\n", Scheme.IOBES),
        ("a\tB-X\nb\tL-X\nc\tU-X\n", Scheme.BILOU),
    ],
)
def test_reader_converts_to_iobes(tmp_path: Path, text: str, scheme: Scheme) -> None:
    result = read_columns(write(tmp_path, text))
    assert result.scheme is scheme
    assert result.sentences[0].tags == ("B-X", "E-X", "S-X")


@pytest.mark.parametrize(
    "text",
    [
        "a\tO\nb\tO\n\nc\tO\n",
        "a\tO\r\nb\tO\r\n\r\nc\tO\r\n",
        "a\tO\rb\tO\r\rc\tO\r",
        "\ufeffa\tO\nb\tO\n  \t \nc\tO",
        "\n\na\tO\nb\tO\n\n\n\nc\tO\n\n\n",
        "-DOCSTART-\tO\n\na\tO\nb\tO\n-DOCSTART-\tO\nc\tO\n",
        "-DOCSTART- -X- -X- O\n\na\tO\nb\tO \n\nc\tO\n",
        "a O\nb O\n\nc O\n",
        "a  x  y O\nb x y O\n\n c x y O\n",
        "# sent_id = 1\n# text = a b\na\t1\tO\nb\t2\tO\n\n# newpar\nc\t3\tO\n",
        "###MEDLINE:95369245\na x O\nb x O\n\n###MEDLINE:2\nc x O\n",
        "# id 5c-f1\tdomain=train\na _ _ O\nb _ _ O\n\n# id 5c-f2\tdomain=train\nc _ _ O\n",
        "# two words\na b-x O\nb c O\n\nc d O\n",
    ],
    ids=str.encode,
)
def test_reader_accepts_the_wild(tmp_path: Path, text: str) -> None:
    assert tokens_of(write(tmp_path, text)) == ["a b", "c"]


def test_reader_keeps_hash_tokens(tmp_path: Path) -> None:
    text = "#\tO\n#1\tS-X\n# 2\tO\n##\tO\n\n#\tS-X\nb\tO\n#\tO\n"
    path = write(tmp_path, text)
    assert tokens_of(path) == ["# #1 # 2 ##", "# b #"]
    assert read_columns(path, scheme="IOBES", repair=True).comments == 0
    assert tokens_of(write(tmp_path, "# O\nb S-X\n")) == ["# b"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\tO\n#\n", 2),
        ("a\tO\n\n#\nb\tO\n", 3),
        ("a\tO\n\n#tag\nb\tO\n", 3),
        ("a\tO\n# text\nb\tO\n", 2),  # a comment within a sentence might as well be a token
        ("a\tO\n\n#\tQ-X\n", 3),
        ("a O\n\n# Q-X\n", 3),
        ("a O\n\n# NN O\n", 3),
    ],
)
def test_reader_never_drops_a_damaged_hash_token(tmp_path: Path, text: str, line: int) -> None:
    path = write(tmp_path, text)
    with pytest.raises(UserError, match=f"^{path}:{line}: .*a comment begins with '# '"):
        read_columns(path)


def test_reader_counts_comments(tmp_path: Path) -> None:
    assert read_columns(write(tmp_path, "# a = b\nx\tO\n\n# c\nx\tO\n")).comments == 2


def test_reader_keeps_unicode_blanks_in_tokens(tmp_path: Path) -> None:
    tokens = ("10\u00a0mg", "a\u2028b", "x\x85y", "\u200b", "new york")
    path = write(tmp_path, "".join(f"{token}\tO\n" for token in tokens))
    assert read_columns(path).sentences[0].tokens == tokens


def test_reader_columns(tmp_path: Path) -> None:
    path = write(tmp_path, "1 EU NNP B-NP S-ORG x\n2 on IN O O y\n")
    result = read_columns(path, token_column=1, tag_column=4)
    assert result.sentences[0].tokens == ("EU", "on")
    assert result.types == ("ORG",)
    with pytest.raises(UserError, match=r":1: has 6 columns and no column 9; set --tag-column"):
        read_columns(path, tag_column=9)
    with pytest.raises(UserError, match=r":1: tag 'x' .*--scheme IO"):
        read_columns(path)


def test_reader_untyped_tags(tmp_path: Path) -> None:
    result = read_columns(write(tmp_path, "a\tB\nb\tI\nc\tO\n"))
    assert result.sentences[0].tags == ("B-entity", "E-entity", "O")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\tB-X\n\nb\tO\nc\tI-X\n", r":4: I-X does not continue .* in IOB2.*pass --repair"),
        ("a\tO\n\nb\tB-X\nc\tO\n\nd\tS-X\n", r":4: O after B-X, which leaves a mention open"),
        ("a\tO\nb\tB-X\tx\n", r":2: has 3 columns where line 1 has 2; "),
        ("a\tO\nb\n", r":2: has 1 column where line 1 has 2; "),
        ("a\nb\n", r":1: has one column; "),
        ("a\tO\n\tO\n", r":2: has an empty token; "),
        ("a\tO\nb\tNOUN\n", r":2: tag 'NOUN' is not O or <letter>-<type>; "),
        ("a\tO\nb\t0\n", r":2: tag '0' is not O"),
        ("a\tO\n\nb\t\n", r":3: tag '' is not O"),
        ("", r"corpus.tsv: holds no sentence; "),
        (" \n\n\t\n", r"corpus.tsv: holds no sentence; "),
        ("-DOCSTART-\tO\n\n", r"corpus.tsv: holds no sentence; "),
        ("# only\n# comments here\n", r"corpus.tsv"),
        (b"a\tO\nb\xff\tO\n", r":2: byte 0xff is not UTF-8; "),
        ("a\tO\n".encode("utf-16"), r":1: byte 0xff is not UTF-8; "),
        ("a\tB-X\nb\tE-X\nc\tU-X\n", r":3: U-X belongs to BILOU, but E-X before it does not; "),
    ],
)
def test_reader_refuses(tmp_path: Path, text: str | bytes, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(UserError, match=message) as caught:
        read_columns(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_reader_refuses_absent_and_unknown(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere: cannot be read \(No such file"):
        read_columns(tmp_path / "nowhere")
    with pytest.raises(UserError, match="unknown tag scheme 'BMES'"):
        read_columns(write(tmp_path, "a\tO\n"), scheme="BMES")


def test_reader_repair_counts(tmp_path: Path) -> None:
    path = write(tmp_path, "a\tI-X\nb\tI-X\n\nc\tB-X\n\nd\tI-X\n\ne\tI-Y\nf\tB-Y\n\ng\tB-Y\n")
    with pytest.raises(UserError, match="the first of 3 illegal tags"):
        read_columns(path, scheme="IOB2")
    result = read_columns(path, scheme="IOB2", repair=True)
    assert result.mended == 3
    assert [s.tags for s in result.sentences] == [
        ("B-X", "E-X"),
        ("S-X",),
        ("S-X",),
        ("S-Y", "S-Y"),
        ("S-Y",),
    ]


def test_reader_repair_does_not_excuse_malformed_lines(tmp_path: Path) -> None:
    for text in ("a\tO\nb\tQ-X\n", "a\tO\nb\n", b"\xff\tO\n", ""):
        with pytest.raises(UserError):
            read_columns(write(tmp_path, text), repair=True)


def test_reader_judges_files_together() -> None:
    train = parse(b"a\tB-X\nb\tE-X\n", "train.tsv")
    test = parse(b"a\tO\nb\tO\n", "test.tsv")  # alone it could be of any scheme
    results = resolve({"train": train, "test": test})
    assert {result.scheme for result in results.values()} == {Scheme.IOBES}
    assert results["test"].types == ()


def test_reader_names_files_of_different_schemes() -> None:
    train = parse(b"a\tB-X\nb\tI-X\n", "train.tsv")
    test = parse(b"a\tI-X\nb\tI-X\n", "test.tsv")
    with pytest.raises(UserError, match=r"test.tsv:1: .*train.tsv as IOB2, test.tsv as IOB1"):
        resolve({"train": train, "test": test})


def test_reader_unlabelled(tmp_path: Path) -> None:
    path = write(tmp_path, "# text = a #\na\n#\n\n-DOCSTART-\n\n#\nb\n")
    assert read_tokens(path) == (("a", "#"), ("#", "b"))
    path = write(tmp_path, "a\tDT\nb\tanything\n")
    assert read_tokens(path, token_column=1) == (("DT", "anything"),)


@given(data=st.binary(max_size=60))
def test_reader_random_bytes(data: bytes) -> None:
    for tag_column in (-1, None):
        try:
            parsed = parse(data, "random", tag_column=tag_column)
            if tag_column is not None:
                resolve({"": parsed})
        except UserError:
            continue
        assert parsed.tokens


@given(
    lines=st.lists(st.text(alphabet="a#-BIO =\tX ", max_size=8), max_size=8), repair=st.booleans()
)
def test_reader_random_lines_lose_nothing(lines: list[str], repair: bool) -> None:
    try:
        results = resolve({"": parse("\n".join(lines).encode(), "random")}, repair=repair)
    except UserError:
        return
    read = sum(map(len, results[""].sentences)) + results[""].comments
    assert read == sum(bool(each.strip()) for each in lines)


@given(
    st.lists(
        st.lists(
            st.text(st.characters(codec="utf-8", exclude_characters="\t\n\r"), min_size=1)
            .filter(lambda token: token.strip() and token != "-DOCSTART-")
            .filter(lambda token: not token.startswith(("\ufeff", " "))),
            min_size=1,
            max_size=4,
        ),
        min_size=1,
        max_size=4,
    )
)
def test_reader_round_trip(sentences: list[list[str]]) -> None:
    text = "\n".join("".join(f"{token}\tO\n" for token in tokens) for tokens in sentences)
    parsed = parse(text.encode(), "written")
    assert parsed.tokens == [tuple(tokens) for tokens in sentences]
    lines = text.split("\n")
    assert [lines[number - 1] for number in parsed.lines] == [f"{s[0]}\tO" for s in sentences]
