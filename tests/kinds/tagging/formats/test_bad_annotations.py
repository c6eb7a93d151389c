"""Annotations that are wrong: refused with their number, repaired, or left out; and listed."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.corpora.bad import BadAnnotations
from fewshot_metalstm.kinds.tagging.episodes.load import load_target
from fewshot_metalstm.kinds.tagging.formats import Document, Notes, read_documents

REAL = Path(os.environ.get("FEWSHOT_METALSTM_DATA", "absent")) / "more-ner"
TEXT = "We saw head and neck cancer, p53 and IL-2 and IL-2 again."


def words(documents: list[Document]) -> list[str]:
    return [
        " ".join(document.text[a:b] for a, b in mention.pieces)
        for document in documents
        for mention in document.mentions
    ]


def brat(folder: Path, *lines: str) -> Path:
    (folder / "a.txt").write_text(TEXT)
    (folder / "a.ann").write_text("".join(f"{line}\n" for line in lines))
    return folder


def read(path: Path, policy: str) -> tuple[list[Document], BadAnnotations, Notes]:
    bad, notes = BadAnnotations(policy), Notes()
    return list(read_documents(path, bad=bad, notes=notes)), bad, notes


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("T1\tDisease 7 11;21 27\thead cancer", ["head cancer"]),
        ("T1\tDisease 7 11;21 27\theadcancer", ["head cancer"]),  # joined without a blank
        ("T1\tDisease 21 27;7 11\tcancer head", ["head cancer"]),  # out of order, text too
        ("T1\tDisease 21 27;7 11\thead cancer", ["head cancer"]),  # out of order, text is not
    ],
)
def test_pieces_as_brat_files_have_them_need_no_option(
    tmp_path: Path, line: str, found: list[str]
) -> None:
    documents, bad, _ = read(brat(tmp_path, line), "error")
    assert words(documents) == found
    assert documents[0].problem() is None
    assert not bad.faults


def test_the_error_counts_them_and_names_the_first_and_the_option(tmp_path: Path) -> None:
    brat(tmp_path, "T1\tGene 29 32\tp53", "T2\tGene 30 33\tp53", "T3\tGene x", "T1\tGene 0 2\tWe")
    with pytest.raises(UserError) as caught:
        read(tmp_path, "error")
    assert str(caught.value) == (
        f"{tmp_path / 'a.ann'}:3: is not ID, type and offsets, and text, split by tabs (the first "
        "of 3 bad annotations; then line 4: T1 is the id of an annotation before it, line 2: the "
        "text of the mention is not what stands at its offsets); write it as T1<TAB>Gene "
        "0 4<TAB>BRCA, or pass --bad-annotations repair or skip"
    )


def test_repair_moves_to_the_nearest_occurrence(tmp_path: Path) -> None:
    brat(
        tmp_path, "T1\tGene 30 33\tp53", "T2\tGene 36 40\tIL-2", "T3\tGene 48 52\tIL-2",
        "T4\tCancer 990 999\tneck  cancer", "T4\tGene 29 32\tp53",
        "T5\tCancer 7 15;12 27\thead and neck cancer",
    )  # fmt: skip
    (document,), bad, notes = read(tmp_path, "repair")
    assert [(m.start, m.id) for m in document.mentions] == [
        (29, "T1"), (37, "T2"), (46, "T3"), (16, "T4"), (29, ""), (7, "T5"),
    ]  # fmt: skip
    assert document.mentions[-1].pieces == ((7, 27),)
    assert (notes["repaired"], notes["bad_annotations"]) == (6, 0)
    assert ("moved to 37-41", "2") in [(row[4], row[1]) for row in bad.rows()]


def test_repair_of_a_large_text_takes_no_time(tmp_path: Path) -> None:
    size = 1_000_000
    (tmp_path / "a.txt").write_text("a b " * (size // 4))
    lines = [f"T{n}\tX {n} {n + 1}\t{'b' if n % 4 == 0 else f'x{n}'}\n" for n in range(0, 3600, 2)]
    (tmp_path / "a.ann").write_text("".join(lines) + "T1\tX 5 8\ta  b\n")
    began = time.perf_counter()
    with pytest.raises(UserError, match="first of 900 bad"):
        read(tmp_path, "repair")
    assert time.perf_counter() - began < 10


def test_what_cannot_be_repaired_is_an_error_still(tmp_path: Path) -> None:
    brat(tmp_path, "T1\tGene 30 33\tp53", "T2\tGene 0 4\tTNF")
    with pytest.raises(UserError, match=r"a\.ann:2: .* cannot be repaired; .* skip$"):
        read(tmp_path, "repair")


def test_skip_leaves_them_out_and_lists_them(tmp_path: Path) -> None:
    brat(tmp_path, "T1\tGene 30 33\tp53", "?", "T2\tGene 37 41\tIL-2", "A1\tx", "T3\tGene 5 5\t")
    documents, bad, notes = read(tmp_path, "skip")
    assert words(documents) == ["IL-2"]
    assert notes["bad_annotations"] == 4
    assert [(row[1], row[4]) for row in bad.rows()] == [
        ("2", "left out"), ("4", "left out"), ("1", "left out"), ("5", "left out"),
    ]  # fmt: skip


FILES = {
    "x.pubtator": f"1|t|{TEXT}\n1\t30\t33\tp53\tGene\n1\t37\t41\tIL-2\tGene\n1\t1\tGene\n",
    "x.jsonl": json.dumps({"id": "1", "text": TEXT, "mentions": [
        {"start": 30, "end": 33, "type": "Gene", "text": "p53"}, [37, 41, "Gene"], [3],
    ]}),
    "x.json": json.dumps({"documents": [{"id": "1", "passages": [
        {"offset": 0, "text": TEXT, "annotations": [
            {"text": word, "infons": {"type": "Gene"}, "locations": [{"offset": at, "length": 3}]}
            for word, at in (("p53", 30), ("IL-", 37), ("no", -1))
        ]},
    ]}]}),
    "studio.json": json.dumps([{"id": 1, "data": {"text": TEXT}, "annotations": [{"result": [
        {"type": "labels",
         "value": {"start": at, "end": abs(at) + 3 + 36 * (at < 0), "text": word,
                   "labels": ["Gene"]}}
        for word, at in (("p53", 30), ("IL-", 37), ("no", -1))
    ]}]}]),
}  # fmt: skip


def test_the_error_names_the_first_five_and_how_many_there_are(tmp_path: Path) -> None:
    path = tmp_path / "x.pubtator"
    for count in (5, 7):
        wrong = "".join(f"1\t{n}\t{n + 2}\t??\tGene\n" for n in range(count))
        path.write_text(f"1|t|{TEXT}\n{wrong}")
        with pytest.raises(UserError) as caught:
            read(path, "error")
        line = str(caught.value)
        assert line.startswith(f"{path}:2: ")
        assert f"(the first of {count} bad annotations; then line 3: " in line
        assert all(f"line {number}: " in line for number in (4, 5, 6))
        assert "line 7: " not in line
        assert (", and so on)" in line) == (count == 7)
        assert "--bad-annotations repair or skip" in line
        assert "\n" not in line


@pytest.mark.parametrize("name", FILES)
def test_every_format_has_the_choice(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(FILES[name])
    with pytest.raises(UserError, match="the first of 2 bad annotations"):
        read(path, "error")
    with pytest.raises(UserError, match=r"cannot be repaired; .*--bad-annotations skip"):
        read(path, "repair")
    documents, bad, _ = read(path, "skip")
    assert len(words(documents)) == 1
    assert len(bad.faults) == 2
    assert all(row[2] for row in bad.rows())
    # without what cannot be repaired
    if name == "x.pubtator":
        path.write_text(FILES[name].replace("1\t1\tGene\n", ""))
    elif name == "x.jsonl":
        path.write_text(FILES[name].replace(", [3]", ""))
    else:
        path.write_text(FILES[name].replace("-1", "37").replace('"no"', '"IL-"'))
    documents, _, notes = read(path, "repair")
    assert words(documents)[0] == "p53"
    assert notes["repaired"] == 1


def test_columns(tmp_path: Path) -> None:
    path = tmp_path / "x.tsv"
    path.write_text("a\tB-X\n\tO\n\nb\tI-X\n\nc\tQ\n\nd\tB-X\n")
    with pytest.raises(UserError, match=r"x\.tsv:2: has an empty token \(the first of 2 bad"):
        read(path, "error")
    (document,), bad, _ = read(path, "skip")
    assert document.text == "d"
    assert [row[1] for row in bad.rows()] == ["2", "6", "4"]
    path.write_text(path.read_text().replace("Q", "O"))
    (document,), bad, notes = read(path, "repair")
    assert document.text == "a\nb\nc\nd"
    assert notes["repaired"] == 2
    # as a target, which the corpora's own reader reads
    faults: list[tuple[str, ...]] = []
    counts = Notes()
    task = load_target(str(path), bad_annotations="skip", notes=counts, faults=faults)
    assert task.sizes == {"train": 2}
    assert counts["bad_annotations"] == len(faults) == 2
    with pytest.raises(UserError, match=r"empty token; .*--bad-annotations"):
        load_target(str(path))


def test_duplicate_ids_of_documents(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"id": "a", "text": "1"}\n{"id": "a", "text": "2"}\n{"id": "a-2","text":"3"}')
    named = {
        policy: [(document.id, document.text) for document in read(path, policy)[0]]
        for policy in ("error", "repair", "skip")
    }
    assert named == {
        "error": [("a", "1"), ("a", "2"), ("a-2", "3")],
        "repair": [("a", "1"), ("a-2", "2"), ("a-2-2", "3")],
        "skip": [("a", "1"), ("a-2", "3")],
    }


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(UserError, match=re.escape("use one of error, repair, skip")):
        BadAnnotations("mend")


@pytest.mark.skipif(not REAL.is_dir(), reason="the corpora of more-ner are not there")
def test_official_corpora() -> None:
    path = REAL / "bioid" / "Train.PubTator"
    with pytest.raises(UserError, match=r"Train\.PubTator:8199: .*--bad-annotations"):
        read(path, "error")
    _, bad, notes = read(path, "repair")
    assert [row[4] for row in bad.rows()] == ["moved to 186-192"]
    assert notes["mentions"] == 4137
    _, bad, notes = read(REAL / "gro13" / "train", "error")
    assert not bad.faults
    assert notes["mentions"] == 7907
