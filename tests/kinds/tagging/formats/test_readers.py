"""What is read of files as they are met, and what is said of those that are ill-formed."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.formats import (
    Document,
    Mention,
    Notes,
    Passage,
    detect,
    read_documents,
)
from fewshot_metalstm.kinds.tagging.formats import files as bounded

PUBTATOR = (
    "12|t|IL-2 in mice\n12|a|We saw IL-2.\n12\t0\t4\tIL-2\tGene\t3558\n12\t20\t24\tIL-2\tGene\n"
    "12\tCID\tD1\tD2\n\n7|t|Only a title\n"
)
BIOC = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE collection SYSTEM "BioC.dtd">\n'
    "<collection><source>x</source><infon key='a'>b</infon><document><id>12</id>"
    "<passage><infon key='type'>title</infon><offset>0</offset><text>IL-2 &amp; é</text>"
    "<annotation id='a1'><infon key='type'>Gene</infon><infon key='identifier'>3558</infon>"
    "<location offset='0' length='4'/><text>IL-2</text></annotation></passage>"
    "<passage><offset>9</offset><text>Then p53.</text>"
    "<annotation id='a2'><infon key='type'>Gene</infon><location offset='14' length='3'/>"
    "<text>p53</text></annotation></passage>"
    "<relation id='r'/></document></collection>"
)
TASK = {
    "id": 3,
    "data": {"text": "😀 IL-2"},
    "annotations": [
        {"was_cancelled": True, "result": []},
        {"result": [
            {"id": "x", "type": "labels", "from_name": "l", "to_name": "t",
             "value": {"start": 3, "end": 7, "text": "IL-2", "labels": ["Gene"]}},
            {"type": "relation"}, {"type": "choices", "value": {"choices": ["a"]}},
        ]},
    ],
}  # fmt: skip


def read(
    path: Path, content: str | bytes, format: str | None = None
) -> tuple[list[Document], Notes]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    notes = Notes()
    return list(read_documents(path, format, notes=notes)), notes


def test_brat_as_it_is_met(tmp_path: Path) -> None:
    text = "Ca\r\nchannels, ion channels 😀 p53"
    (tmp_path / "a.txt").write_bytes(text.encode())
    (tmp_path / "a.ann").write_bytes(
        b"T1\tGene 29 32\tp53\r\nT2\tChannel 0 2;4 12\tCa channels\n"
        b"T9\tIon 14 17;18 26\tion channels\n"
        b"A1\tNegated T1\nM2\tSure T1 very sure\nN1\tReference T1 Entrez:7157\tTP53\n"
        b"A3\tNegated E1\nE1\tBind:T1\nR1\tIs Arg1:T1 Arg2:T2\n*\tEquiv T1 T2\n#1\tNote T1\tsee\n"
    )
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.txt").write_text("nothing")
    notes = Notes()
    first, second = read_documents(tmp_path, notes=notes)
    attributes = (("Negated", ""), ("Sure", "very sure"), ("Reference", "Entrez:7157"))
    assert first == Document("a", text, (
        Mention(29, 32, "Gene", "T1", (), attributes),
        Mention(0, 12, "Channel", "T2"),
        Mention(14, 26, "Ion", "T9", ((14, 17), (18, 26))),
    ))  # fmt: skip
    assert second == Document("sub/b", "nothing")
    assert (notes["relations"], notes["events"], notes["equivalences"]) == (1, 1, 1)
    assert (notes["annotator_notes"], notes["attributes_of_others"]) == (1, 1)


@pytest.mark.parametrize(
    ("text", "start", "noted"),
    [("a\r\nb p53", 4, "newline_offsets"), ("😀 p53", 3, "utf16_offsets"),
     ("é p53", 3, "byte_offsets")],
)  # fmt: skip
def test_offsets_in_other_units_are_known_by_the_texts(
    tmp_path: Path, text: str, start: int, noted: str
) -> None:
    (tmp_path / "a.txt").write_bytes(text.encode())
    (tmp_path / "a.ann").write_text(f"T1\tGene {start} {start + 3}\tp53\n")
    notes = Notes()
    (document,) = read_documents(tmp_path, notes=notes)
    (mention,) = document.mentions
    assert document.text[mention.start : mention.end] == "p53"
    assert notes[noted] == 1


def test_pubtator_as_it_is_met(tmp_path: Path) -> None:
    (first, second), notes = read(tmp_path / "x.txt", PUBTATOR.replace("\n", "\r\n"))
    assert first == Document(
        "12", "IL-2 in mice\nWe saw IL-2.",
        (Mention(0, 4, "Gene", attributes=(("identifier", "3558"),)), Mention(20, 24, "Gene")),
        (Passage(0, 12, "title"), Passage(13, 25, "abstract")),
    )  # fmt: skip
    assert second == Document("7", "Only a title", (), (Passage(0, 12, "title"),))
    assert notes["relations"] == 1


def test_bioc_xml_as_it_is_met(tmp_path: Path) -> None:
    (document,), notes = read(tmp_path / "x.xml", BIOC)
    assert document == Document(
        "12", "IL-2 & é\nThen p53.",
        (Mention(0, 4, "Gene", "a1", (), (("identifier", "3558"),)),
         Mention(14, 17, "Gene", "a2")),
        (Passage(0, 8, "title"),),
    )  # fmt: skip
    assert notes["relations"] == 1
    (again,), _ = read(tmp_path / "x.xml", BIOC.replace("UTF-8", "UTF-16").encode("utf-16"))
    assert again == document


def test_bioc_in_bytes_and_with_sentences(tmp_path: Path) -> None:
    def annotation(offset: int) -> dict[str, object]:
        return {"id": "1", "infons": {"type": "Gene", "x": None, "score": 0.5}, "text": "p53",
                "locations": [{"offset": offset, "length": 3}]}  # fmt: skip

    passages = [
        {"infons": {"type": "title"}, "offset": 0, "text": "é", "annotations": []},
        {"infons": {}, "offset": 3, "sentences": [
            {"offset": 3, "text": "ééé p53.", "annotations": [annotation(10)]},
            {"offset": 16, "text": "Two", "annotations": []},
        ]},
    ]  # fmt: skip
    value = {"documents": [{"id": "1", "passages": passages}]}
    (document,), notes = read(tmp_path / "x.json", json.dumps(value))
    (mention,) = document.mentions
    assert document.text[mention.start : mention.end] == "p53"
    assert mention.attributes == (("score", "0.5"),)
    assert [document.text[a:b] for a, b in document.sentences] == ["ééé p53.", "Two"]
    assert notes["byte_offsets"] == 1
    lines = "\n".join(json.dumps({"id": n, "passages": passages[:1]}) for n in range(2))
    assert [d.id for d in read(tmp_path / "y.json", lines)[0]] == ["0", "1"]
    wrapped = json.dumps({"PubTator3": [{"id": 5, "passages": passages[:1]}]})
    assert [d.id for d in read(tmp_path / "z.json", wrapped)[0]] == ["5"]


def test_label_studio_counts_utf16_units(tmp_path: Path) -> None:
    (document,), notes = read(tmp_path / "x.json", json.dumps([TASK]))
    assert document == Document("3", "😀 IL-2", (Mention(2, 6, "Gene", "x"),))
    assert notes == Counter(documents=1, mentions=1, other_annotations=1, relations=1,
                            other_regions=1)  # fmt: skip
    python_made = json.loads(json.dumps(TASK))
    python_made["annotations"][1]["result"][0]["value"] |= {"start": 2, "end": 6}
    (document,), notes = read(tmp_path / "y.json", json.dumps([python_made], indent=1))
    assert document.mentions == (Mention(2, 6, "Gene", "x"),)
    assert notes["character_offsets"] == 1
    python_made |= {"id": 7, "data": python_made["data"] | {"id": None}}
    (document,), _ = read(tmp_path / "z.json", json.dumps([python_made]))
    assert document.id == "7"


@pytest.mark.parametrize(
    "record",
    [
        {"text": "IL-2 ran", "mentions": [{"start": 0, "end": 4, "type": "Gene"}]},
        {"text": "IL-2 ran", "spans": [{"start": 0, "end": 4, "label": "Gene"}]},
        {"text": "IL-2 ran", "entities": [[0, 4, "Gene"]]},
        {"text": "IL-2 ran", "label": [[0, 4, "Gene"]]},
        {"text": "IL-2 ran", "entities": [{"start_offset": 0, "end_offset": 4, "label": "Gene"}]},
        {"text": "IL-2 ran", "label": [{"start": 0, "end": 4, "text": "IL-2", "labels": ["Gene"]}]},
        {"text": "IL-2 ran", "meta": {"id": "x"},
         "spans": [{"start": 0, "end": 4, "label": "Gene"}],
         "tokens": [{"text": "IL-2", "start": 0, "end": 4, "id": 0}]},
    ],
)  # fmt: skip
def test_json_lines_in_their_shapes(tmp_path: Path, record: dict[str, object]) -> None:
    for content in (json.dumps(record) + "\n\n", json.dumps([record], indent=1)):
        (document,), _ = read(tmp_path / "x.json", content)
        assert (document.text, document.mentions) == ("IL-2 ran", (Mention(0, 4, "Gene"),))
        assert document.id == ("x" if "meta" in record else "x-1")


def test_what_is_left_out_of_json_is_counted(tmp_path: Path) -> None:
    record = {"text": "IL-2 ran", "entities": [[0, 4, "Gene"]], "relations": [{"id": 1}, {}]}
    _, notes = read(tmp_path / "x.jsonl", json.dumps(record))
    assert notes["relations"] == 2
    value = {"start": 3, "end": 7, "text": "IL-2"}  # nobody has chosen a label
    task = TASK | {"annotations": [{"result": [{"type": "labels", "value": value}]}]}
    (document,), notes = read(tmp_path / "x.json", json.dumps([task]))
    assert (document.mentions, notes["other_regions"]) == ((), 1)


def test_prodigy_passes_over_what_was_rejected(tmp_path: Path) -> None:
    lines = [{"text": "a", "answer": "reject"}, {"text": "b", "answer": "accept", "spans": []}]
    found, notes = read(tmp_path / "x.jsonl", "\n".join(map(json.dumps, lines)))
    assert [d.text for d in found] == ["b"]
    assert notes["rejected"] == 1


def test_columns_of_any_scheme_and_documents_in_them(tmp_path: Path) -> None:
    found, _ = read(
        tmp_path / "x.tsv", "-DOCSTART- O\n\nIL U-G\n\np B-G\n5 L-G\n\n-DOCSTART- O\na O\n"
    )
    assert [(d.id, d.text) for d in found] == [("x-1", "IL\np 5"), ("x-2", "a")]
    assert found[0].mentions == (Mention(0, 2, "G"), Mention(3, 6, "G"))
    content = '# id = "é 1"\n# text = "p53  is\\r\\nup"\np\tB-G\n53\tI-G\nis\tO\nup\tO\n'
    (document,), _ = read(tmp_path / "y.conll", content)
    assert (document.id, document.text) == ("é 1", "p53  is\r\nup")
    assert document.mentions == (Mention(0, 3, "G"),)
    raised = pytest.raises(UserError, match=r"z.conll:4: token 'if' is not the next of the text")
    with raised:
        read(tmp_path / "z.conll", content.replace("53\tI", "if\tI"))
    with pytest.raises(UserError, match="goes on with 'up'"):
        read(tmp_path / "z.conll", content.replace("up\tO\n", ""))


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.json", '[{"data": {"text": "x"}}]', "label-studio"), ("a.json", BIOC, "json"),
        ("a.jsonl", '{"text": "x", "answer": "accept"}', "prodigy"), ("a", PUBTATOR, "pubtator"),
        ("a.jsonl", '{"text": "x", "passages": []}', "jsonl"), ("a.xml", BIOC, "bioc-xml"),
        ("a.json", '{"id": 1, "passages": []}', "bioc-json"), ("a", "x\tO\n", "conll"),
        ("a.txt", "x O\ny B-G\n", "conll"), ("a.txt", "{not json}", "text"), ("a.txt", "", "text"),
        ("a.txt", "Rituximab depletes B-cells\n", "text"), ("a", "# x\nActivated B-cells", "text"),
        ("a", "One sentence. TO\n", "text"), ("a.tsv", "x", "conll"), ("a.json", "", "jsonl"),
    ],
)  # fmt: skip
def test_formats_are_found_by_name_and_look(
    tmp_path: Path, name: str, content: str, expected: str
) -> None:
    path = tmp_path / name
    path.write_text(content)
    if expected == "json":
        with pytest.raises(UserError, match=r"a.json:1: is not JSON"):
            detect(path)
    else:
        assert detect(path).name == expected


DOCTYPE = (
    '<!DOCTYPE collection [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><collection>&b;</collection>'
)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.xml", DOCTYPE, r"x.xml:1: declares entities or elements of its own"),
        ("x.xml", BIOC.replace("&amp;", "&evil;"), r"x.xml:3: refers to the entity 'evil'"),
        ("x.xml", BIOC[:-20], "x.xml:3: is not well-formed XML"),
        ("x.xml", BIOC.replace("UTF-8", "nonsense"), "x.xml:1: is "),
        ("x.xml", "<a/>", "begins with <a>, not <collection>"),
        ("x.xml", BIOC.replace("é<", "<b>é</b><"), "has <b> within <text>"),
        ("x.xml", BIOC.replace("'14'", "'15'"), "document 12: annotation 'a2' at 15 is not what"),
        ("x.xml", BIOC.replace(">9<", ">3<"), "begins before the one before it ends"),
        ("x.xml", BIOC.replace(">9<", ">99999999<"), "begins 99999991 characters after"),
        ("x.xml", "<PubmedArticleSet><PubmedArticle/>", "tag it with tag-corpus"),
        ("x.jsonl", "[" * 100_000, "x.jsonl:1: is JSON nested too deeply"),
        ("x.json", "[" * 100_000, "x.json: is JSON nested too deeply"),
        ("x.jsonl", '{"text": 1' + "0" * 5000 + "}", "x.jsonl:1: holds a number that is too long"),
        ("x.jsonl", '{"text": "a"}\n{"text": "\\ud800"}', "x.jsonl:2: holds a lone surrogate"),
        ("x.jsonl", '{"id": "3d\\ude00", "text": "a"}', "x.jsonl:1: holds a lone surrogate"),
        ("x.jsonl", '{"text": "ab", "spans": [[0, 3, "G"]]}', "0-3 is not within the text"),
        ("x.jsonl", '{"text": "ab", "spans": [[1, 1, "G"]]}', "document x-1: the mention at 1-1"),
        ("x.jsonl", '{"text": "ab", "spans": [[0, true, "G"]]}', "is no offset"),
        ("x.jsonl", '{"text": "ab", "spans": [{"start": 0, "end": 1}]}', "type is no text"),
        ("x.jsonl", '{"text": "ab", "spans": [[0, 1, " "]]}', "has no type"),
        ("x.jsonl", "\n", "holds no document"),
        ("x.jsonl", b"\xff", "x.jsonl:1: byte 0xff is not UTF-8"),
        ("x.pubtator", PUBTATOR.replace("\t20\t", "\t21\t"), "x.pubtator:4: the text of"),
        ("x.pubtator", "12|t|a\n13\t0\t1\ta\tG\n", "x.pubtator:2: begins with '13'"),
        ("x.pubtator", "12|t|a\n12\t0\n", "x.pubtator:2: is not ID, start"),
        ("x.pubtator", "12|a|a\n", "document 12 has no line"),
        ("x.conll", "a\tB-G\nb\tE-G\nc\tI-G\n", "x.conll:3"),
    ],
)  # fmt: skip
def test_what_is_ill_formed_is_named_with_its_place(
    tmp_path: Path, name: str, content: str | bytes, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        read(tmp_path / name, content)


@pytest.mark.parametrize(
    ("ann", "message"),
    [
        ("T1\tGene 0 3\tp53\nT1\tGene 0 3\tp53\n", "a.ann:2: T1 is the id of an annotation before"),
        ("T1\tGene 1 3\tp53\n", "a.ann:1: the text of the mention is not what stands"),
        ("T1 Gene 0 3\n", "a.ann:1: is not ID, type and offsets"),
        ("T1\tGene 3 3\t\n", "a.ann:1: the mention T1 is empty"),
        ("T1\tGene 0 2;1 3\tp5 53\n", "a.ann:1: T1 has fragments that overlap"),
        ("?\n", "a.ann:1: begins with '\\?'"),
    ],
)
def test_ill_formed_annotations_are_named_with_their_line(
    tmp_path: Path, ann: str, message: str
) -> None:
    (tmp_path / "a.txt").write_text("p53")
    (tmp_path / "a.ann").write_text(ann)
    with pytest.raises(UserError, match=message):
        list(read_documents(tmp_path))
    (tmp_path / "a.txt").unlink()
    with pytest.raises(UserError, match=r"a.ann: has no text beside it; add a.txt"):
        list(read_documents(tmp_path))


def test_sizes_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "MAX_DOCUMENT", 2000)
    line = json.dumps({"text": "x" * 3000})
    with pytest.raises(UserError, match=r"x.jsonl:2: is a line of more than"):
        read(tmp_path / "x.jsonl", '{"text": "a"}\n' + line)
    long = "".join(f"12\t0\t4\tIL-2\tGene\t{n}\n" for n in range(200))
    with pytest.raises(UserError, match=r"x.pubtator:\d+: is in a document that is too large"):
        read(tmp_path / "x.pubtator", PUBTATOR.split("\n")[0] + "\n" + long)
    for inside in ("<source>" + "x" * 300_000 + "</source>", "<document " + "a" * 300_000):
        if inside.startswith("<source>"):
            inside = inside.replace("<source>", "<document><source>")
        with pytest.raises(UserError, match=r"x.xml:\d+: (is in a document that is too large)"):
            read(tmp_path / "x.xml", "<collection>" + inside + "</collection>")


def test_parquet_that_repeats_a_long_text(tmp_path: Path) -> None:
    """A file of some KB whose rows together are 34 GB."""
    pa = pytest.importorskip("pyarrow", reason="Parquet needs pyarrow")
    import pyarrow.parquet as pq

    rows = pa.array([0] * 2000, pa.int32())
    texts = pa.DictionaryArray.from_arrays(rows, pa.array(["a" * (17 * 2**20)]))
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"text": texts}), path, dictionary_pagesize_limit=2**30,
                   compression="zstd")  # fmt: skip
    assert path.stat().st_size < 20_000
    with pytest.raises(UserError, match="holds a text of more than 16 MiB; split the document"):
        next(read_documents(path))
    pq.write_table(pa.table({"text": pa.array([1])}), path)
    with pytest.raises(UserError, match="the text is no text"):
        next(read_documents(path))
