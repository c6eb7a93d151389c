"""Readers fed with damaged files: any bytes give documents or a clear error.

    make fuzz N=100000
    python -m benchmarks.fuzz_formats --seconds 120
    python -m benchmarks.fuzz_formats --seconds 120 --format bioc-xml --atheris

Files that the package wrote are damaged at random: bytes changed, cut, doubled, put together from
others; now and then a piece is repeated thousands of times, or brackets are nested. A reader may
refuse one (`UserError`) or read it, with bad annotations refused, repaired and left out, and what
it reads must be well-formed, make sentences and survive being written again as JSON lines. Bulk
tagging's readers are fed too; of these a record may be refused, or the file. So are the readers of
sentence pairs. Anything else (another exception, more than ten seconds of the processor for a small
file) stops the run, and the file is kept. With --atheris (the package atheris has to be installed)
coverage chooses what to damage further.
"""

from __future__ import annotations

import argparse
import importlib
import math
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from itertools import count
from pathlib import Path

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.bulk.readers import FILE, LINE, read
from fewshot_metalstm.kinds.tagging.bulk.records import Record
from fewshot_metalstm.kinds.tagging.corpora.bad import ERROR, LIST, REPAIR, SKIP, BadAnnotations
from fewshot_metalstm.kinds.tagging.formats import (
    Document,
    Mention,
    Notes,
    Passage,
    read_documents,
    to_sentences,
    write_documents,
)
from fewshot_metalstm.kinds.tagging.formats.unannotated import NEGATIVES
from fewshot_metalstm.kinds.translation.own_files import load_own, looks_so
from fewshot_metalstm.kinds.translation.pairs import Pairs, plain

FORMATS = (
    "conll", "conll-plain", "brat", "pubtator", "bioc-xml", "bioc-json", "jsonl", "label-studio",
    "prodigy", "pubannotation", "huggingface", "gliner", "table", "spacy-tuples", "spacy-json",
    "conllu", "webanno-tsv",
)  # fmt: skip
BULK = ("bulk-pubmed", "bulk-jsonl", "bulk-text")  # the readers of `tag-corpus`
PAIRS = ("pairs-table", "pairs-files")  # a user's own sentences with their translations
RARE = ("parquet",)  # a process an input: one in RARELY
RARELY = 100
SLOW = 10.0  # seconds
DOCUMENTS = (
    Document("12", "IL-2 in mice\nWe saw 😀 p53 & é.\r\nIt ran.",
             (Mention(0, 4, "Gene", "T1", (), (("identifier", "3558"),)),
              Mention(22, 25, "Gene", "T2")),
             (Passage(0, 12, "title"), Passage(13, 31, "abstract"))),
    Document("b", "head and neck cancer",
             (Mention(0, 20, "Disease", "T1"), Mention(21 - 11, 20, "Disease", "T2"))),
    Document("c", ""),
)  # fmt: skip
BY_HAND = {  # formats that are read alone
    "table": 'Sentence #,Word,POS,Tag\n1,IL-2,NN,B-Gene\n,in,IN,O\n2,"a ""b",X,B-x\n,é,Y,O\n',
    "spacy-json": '[{"id": 1, "paragraphs": [{"raw": "IL-2  in é", "sentences": [{"tokens": ['
    '{"orth": "IL-2", "ner": "U-Gene"}, {"orth": " "}, {"orth": "in", "ner": "O"}, '
    '{"orth": "é", "ner": "-"}]}]}]}]',
    "conllu": "# newdoc id = a\n# text = IL-2's role\n"
    "1-2\tIL-2's\t_\t_\t_\t_\t_\t_\t_\tNER=S-Gene\n"
    "1\tIL-2\t_\t_\t_\t_\t_\t_\t_\t_\n2\t's\t_\t_\t_\t_\t_\t_\t_\t_\n"
    "3\trole\t_\t_\t_\t_\t_\t_\t_\tSpaceAfter=No\n\n",
    "webanno-tsv": "#FORMAT=WebAnno TSV 3.3\n#T_SP=webanno.custom.Named|value\n\n\n"
    "#Text=Mice ran, 😀 too\n1-1\t0-4\tMice\tSp[1]|x\t\n1-2\t5-8\tran\tSp[1]\t\n"
    "1-3\t8-9\t,\t_\t\n1-4\t10-12\t😀\t*\t\n1-5\t13-16\ttoo\t_\t\n",
}
BY_HAND_BULK = {
    "bulk-pubmed": '<?xml version="1.0" encoding="utf-8"?>\n<PubmedArticleSet><PubmedArticle>'
    '<MedlineCitation><PMID Version="1">12</PMID><Article><ArticleTitle>In <i>mice</i> &amp; é'
    '</ArticleTitle><Abstract><AbstractText Label="A">It ran.</AbstractText></Abstract></Article>'
    "</MedlineCitation></PubmedArticle><PubmedBookArticle><PMID>13</PMID></PubmedBookArticle>"
    "</PubmedArticleSet>\n",
    "bulk-jsonl": '{"id": "a", "text": "IL-2 in mice"}\n\n{"id": 12, "text": "\\ud83d\\ude00"}\n',
    "bulk-text": "IL-2 in mice.\nIt ran.\n",
}
JOIN = b"\n%ANN%\n"  # between text and annotations of BRAT, which are two files, and two of pairs
BY_HAND_PAIRS = {
    "pairs-table": "A dog  runs.\tEin Hund läuft.\r\nTwo 😀\t Zwei\u2028😀 \n",
    "pairs-files": f"A dog.\nTwo.\nIt\x85ran{JOIN.decode()}Ein Hund.\nZwei.\nEr lief.\n",
}


def seed(format: str) -> bytes:
    """A valid file of ``format``, as bytes; of BRAT one document's two files."""
    if by_hand := (BY_HAND | BY_HAND_BULK | BY_HAND_PAIRS).get(format):
        return by_hand.encode()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "seed"
        write_documents(DOCUMENTS, path, format, overlaps="longest")
        if format == "brat":
            return (path / "12.txt").read_bytes() + JOIN + (path / "12.ann").read_bytes()
        return path.read_bytes()


PIECES = (
    b"", b"\x00", b"\xff", b"<", b"&", b'"', b"{", b"[", b"\t", b"\n", b"\r", b"-1", b"9" * 30,
    b"\xed\xa0\x80", b"|t|", b"null", b"<!DOCTYPE a [", b"&x;", b"\\ud800", b"T1",
)  # fmt: skip


def damaged(data: bytes, draw: Callable[[int], int]) -> bytes:
    """``data`` after some random damage; ``draw(n)`` gives a whole number below ``n``."""
    if draw(200) == 0:
        piece = data[(start := draw(len(data) + 1)) : start + 1 + draw(8)] or b"["
        piece = (b"[", b'{"a":', b"<a>", b"(", piece)[draw(5)]
        where = draw(len(data) + 1)
        data = data[:where] + piece * (20_000 + draw(60_000)) + data[where:]
    for _ in range(1 + draw(3)):
        start = draw(len(data) + 1)
        end = min(len(data), start + draw(12))
        kind = draw(4)
        if kind == 0:
            data = data[:start] + PIECES[draw(len(PIECES))] + data[end:]
        elif kind == 1:
            data = data[:end] + data[start:]
        elif kind == 2:
            data = data[:start] + bytes([draw(256)]) + data[start + 1 :]
        else:
            other = draw(len(data) + 1)
            data = data[:start] + data[other : other + 1 + draw(40)] + data[start:]
    return data


def check(data: bytes, format: str, folder: Path) -> int:
    """Read ``data`` as ``format``: how many documents it holds, or -1 where it is refused.

    Raises whatever a reader raises that it should not, AssertionError for what it should not give.
    """
    if format in BULK:
        return check_bulk(data, format.removeprefix("bulk-"), folder)
    if format in PAIRS:
        return check_pairs(data, format, folder)
    path = folder / "in"
    if format == "brat":
        text, _, annotations = data.partition(JOIN)
        path = folder / "in.txt"
        path.write_bytes(text)
        path.with_suffix(".ann").write_bytes(annotations)
    else:
        path.write_bytes(data)
    began = time.process_time()
    found: list[Document] | None = None
    for policy in (ERROR, REPAIR, SKIP, LIST):
        bad = BadAnnotations(policy)
        try:
            documents = list(read_documents(path, format, bad=bad, unannotated=NEGATIVES))
        except UserError:
            continue
        found = documents if found is None else found
        for document in documents:
            assert document.problem() is None
    if not found:
        return -1
    for document in found:
        assert document.problem() is None
        to_sentences(document, overlaps="longest", notes=Notes())
    write_documents(found, folder / "out.jsonl", "jsonl")
    assert list(read_documents(folder / "out.jsonl", "jsonl")) == found
    assert time.process_time() - began < SLOW, "slow"
    return len(found)


def check_bulk(data: bytes, kind: str, folder: Path) -> int:
    """Read ``data`` as bulk tagging does: how many records, or -1 where there is none."""
    found = 0
    began = time.process_time()
    for documents in (FILE, LINE):
        with suppress(UserError):
            for item in read(BytesIO(data), folder / "in", kind, documents):
                if isinstance(item, Record):
                    (item.id + item.text).encode("utf-8")
                    found += 1
    assert time.process_time() - began < SLOW, "slow"
    return found or -1


def check_pairs(data: bytes, format: str, folder: Path) -> int:
    """Read ``data`` as sentence pairs: how many, or -1 where they are refused."""
    began = time.process_time()
    source, _, target = data.partition(JOIN)
    one, other = folder / "in.en", folder / "in.de"
    one.write_bytes(source)
    other.write_bytes(target)
    (folder / "in.tsv").write_bytes(data)
    named = f"{one}:{other}" if format == "pairs-files" else f"{folder / 'in.tsv'}"
    looks_so(Path(named))
    found: Pairs | None = None
    with suppress(UserError):
        found = load_own(named).splits["train"]
    if found is not None:
        for side in (found.sources, found.targets):
            assert len(side) == len(found) > 0
            assert all(each and each == plain(each) and "\n" not in each for each in side)
        assert len(found.digest) == 64
    assert time.process_time() - began < SLOW, "slow"
    return -1 if found is None else len(found)


def by_chance(formats: list[str], seconds: float, most: int, number: int) -> Counter[str]:
    """Random damage for some seconds, or of so many files at most; counts by outcome."""
    chance = random.Random(number)
    seeds = {format: seed(format) for format in formats}
    counts: Counter[str] = Counter()
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder:
        for turn in count():
            for format, data in seeds.items():
                if time.monotonic() >= end or counts.total() >= most:
                    return counts
                if format in RARE and turn % RARELY and len(seeds) > 1:
                    continue
                broken = damaged(data, chance.randrange)
                try:
                    outcome = check(broken, format, Path(folder))
                except BaseException:
                    kept = Path(f"fuzz-{format}.bin")
                    kept.write_bytes(broken)
                    print(f"{format}: kept as {kept}", file=sys.stderr)
                    raise
                counts[f"{format}: {'refused' if outcome < 0 else 'read'}"] += 1
    raise AssertionError("a count without an end has ended")


def by_coverage(format: str, seconds: float) -> None:
    """Atheris on one format: the corpus grows by what reaches new code."""
    import atheris

    # What is loaded already is not instrumented: the readers, and this file by its own name, anew.
    for loaded in [
        each for each in sys.modules if each.startswith("fewshot_metalstm.kinds.tagging.formats")
    ]:
        del sys.modules[loaded]
    with atheris.instrument_imports(include=["fewshot_metalstm.kinds.tagging.formats", "json"]):
        fresh = importlib.import_module("benchmarks.fuzz_formats")
        fresh.seed(format)  # which imports the format's module
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus = folder / "corpus"
        corpus.mkdir()
        (corpus / "seed").write_bytes(seed(format))

        def one(data: bytes) -> None:
            fresh.check(data, format, folder)

        atheris.Setup(
            [sys.argv[0], f"-max_total_time={int(seconds)}", "-max_len=4096", str(corpus)], one
        )
        atheris.Fuzz()


def main() -> None:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--seconds", type=float, default=math.inf)
    parser.add_argument("--number", type=int, help="of files; default: 60 seconds' worth")
    parser.add_argument(
        "--format", choices=(*FORMATS, *BULK, *PAIRS, *RARE), help="one of them; default: all"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--atheris", action="store_true")
    arguments = parser.parse_args()
    if arguments.number is None and math.isinf(arguments.seconds):
        arguments.seconds = 60.0
    if arguments.atheris:
        by_coverage(arguments.format or "jsonl", arguments.seconds)
        return
    chosen = [arguments.format] if arguments.format else [*FORMATS, *BULK, *PAIRS, *RARE]
    most = arguments.number or sys.maxsize
    seconds = arguments.seconds
    counts = by_chance(chosen, seconds, most, arguments.seed)
    for name in sorted(counts):
        print(f"{name:24} {counts[name]:8}")
    print(f"{'all':24} {counts.total():8}")


if __name__ == "__main__":
    main()
