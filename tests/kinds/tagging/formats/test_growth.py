"""Text that is made to be slow: no reader goes over it more than a few times.

Each file is so large that work which grows with the square of its size would take minutes; the
bound is seconds of the processor, a hundred times what is needed.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.bulk.readers import read as read_bulk
from fewshot_metalstm.kinds.tagging.bulk.records import BadRecord
from fewshot_metalstm.kinds.tagging.corpora.text import split
from fewshot_metalstm.kinds.tagging.formats import read_documents
from fewshot_metalstm.kinds.tagging.formats.settle import Occurrences
from tests.kinds.tagging.bulk.builders import pubmed

BOUND = 30.0  # seconds of the processor


@contextmanager
def bounded() -> Iterator[None]:
    """What takes too long fails; patterns too can be interrupted."""

    def late(*_: Any) -> None:
        raise AssertionError(f"took over {BOUND} s of the processor")

    before = signal.signal(signal.SIGVTALRM, late)
    signal.setitimer(signal.ITIMER_VIRTUAL, BOUND)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@pytest.mark.parametrize(
    "piece", ["<PMID ", "<PMID>\t", "<PMID", "<PMID>1", "<PubmedArticle", "<i>"]
)
def test_pubmed(piece: str) -> None:
    data = pubmed(f"<PubmedArticle>{piece * (2_000_000 // len(piece))}</PubmedArticle>")
    with bounded():
        (bad,) = read_bulk(BytesIO(data), Path("x.xml"), "pubmed")
    assert isinstance(bad, BadRecord)


def test_the_number_of_a_bad_article() -> None:
    cases = {
        "<PMID>12</PMID>": "12", '<PMID Version="1">\n 12 </PMID>': "12",
        "<PMIDs>12</PMIDs>": None, f"<PMID>{'1' * 21}</PMID>": None,
    }  # fmt: skip
    for head, number in cases.items():
        data = pubmed(f"<PubmedArticle>{head}<oops></PubmedArticle>")
        (bad,) = read_bulk(BytesIO(data), Path("x.xml"), "pubmed")
        assert isinstance(bad, BadRecord)
        assert bad.id == number


def conllu(misc: str) -> str:
    return f"# newdoc id = a\n1\tIL-2\t_\t_\t_\t_\t_\t_\t_\tEntity={misc}\n\n"


N = 1_000_000
FEW = 200_000  # of what gives something each time
MADE: dict[str, tuple[str, Callable[[], str]]] = {
    "brackets": ("conllu", lambda: conllu("(" * FEW)),
    "no brackets": ("conllu", lambda: conllu("a" * N)),
    "an attribute": ("bioc-xml", lambda: f'<collection a="{"x" * 12 * N}'),
    "texts": ("pubtator", lambda: "1|t|" + "1|t|" * N),
    "stacked": ("webanno-tsv", lambda: "#FORMAT=WebAnno TSV 3.3\n#T_SP=a.Named|value\n\n\n"
                f"#Text=Mice\n1-1\t0-4\tMice\t{'x[' * N}\n"),
    "universal": ("conllu", lambda: "1" * N + "\n"),
    "nested": ("jsonl", lambda: '{"text": ' + "[" * N),
}  # fmt: skip


@pytest.mark.parametrize("name", MADE)
def test_readers(name: str, tmp_path: Path) -> None:
    form, make = MADE[name]
    path = tmp_path / "x"
    path.write_text(make())
    with bounded(), suppress(UserError):
        list(read_documents(path, form))


ENDS = (". ", '."', '. "(', "a.", "A. ", "e\u0301")


@pytest.mark.parametrize("text", [*(end * (FEW // 2) for end in ENDS), "." + " " * N + '"' * N])
def test_sentences(text: str) -> None:
    with bounded():
        assert sum(len(sentence.tokens) for sentence in split(text)) >= 1


@pytest.mark.parametrize(("text", "words"), [
    ("a" * N, "a" * 100_000 + "b"), ("a" * N, "b" + "a" * 100_000),
    ("a  " * FEW, "a " * 50_000 + "b"), ("a  " * FEW, "b" + " a" * 50_000), (" " * N + "a", "a b"),
])  # fmt: skip
def test_looking_for_a_mention(text: str, words: str) -> None:
    with bounded():
        assert Occurrences(text).to(words, len(text) // 2) is None


def test_the_nearest_occurrence_is_still_found() -> None:
    found = Occurrences("IL 2 x IL \n 2 y IL 2 IL 2")
    assert found.to("IL 2", 0) == (0, 4)
    assert found.to("IL 2", 16) == (16, 20)
    assert found.to("IL 2", 19) == (21, 25)
    assert found.to("x  IL 2 y", 0) == (5, 15)
    assert found.to("L 2 y", 3) == (8, 15)
    assert found.to("z", 3) is None
