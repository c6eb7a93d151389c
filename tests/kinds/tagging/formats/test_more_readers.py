"""Formats of other tools and of data sets, and what looks like annotation and is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.corpora.bad import BadAnnotations
from fewshot_metalstm.kinds.tagging.episodes.load import load_target
from fewshot_metalstm.kinds.tagging.formats import (
    Document,
    Mention,
    Notes,
    detect,
    read_documents,
    write_documents,
)


def put(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def found(path: Path, **options: Any) -> list[tuple[str, str]]:
    """The mentions of all documents, as (text, type)."""
    return [
        (" ".join(document.text[a:b] for a, b in mention.pieces), mention.type)
        for document in read_documents(path, **options)
        for mention in document.mentions
    ]


DENOTED: dict[str, Any] = {
    "sourcedb": "PubMed", "sourceid": "12", "text": "IL-2 and head and neck cancer",
    "denotations": [
        {"id": "T1", "span": {"begin": 0, "end": 4}, "obj": "Gene"},
        {"id": "T2", "span": [{"begin": 9, "end": 13}, {"begin": 23, "end": 29}], "obj": "Disease"},
    ],
    "attributes": [{"id": "A1", "subj": "T1", "pred": "negated", "obj": True}],
    "relations": [{"id": "R1", "pred": "x", "subj": "T1", "obj": "T2"}],
    "tracks": [{"project": "b", "denotations": [{"span": {"begin": 0, "end": 1}, "obj": "x"}]}],
}  # fmt: skip


@pytest.mark.parametrize("content", [DENOTED, [DENOTED]], ids=["object", "list"])
def test_pubannotation(tmp_path: Path, content: Any) -> None:
    path = put(tmp_path / "x.json", content)
    assert detect(path).name == "pubannotation"
    notes = Notes()
    (document,) = read_documents(path, notes=notes)
    assert document == Document("12", DENOTED["text"], (
        Mention(0, 4, "Gene", "T1", (), (("negated", "true"),)),
        Mention(9, 29, "Disease", "T2", ((9, 13), (23, 29))),
    ))  # fmt: skip
    assert (notes["relations"], notes["other_annotations"]) == (1, 1)
    write_documents([document], tmp_path / "y.json", "pubannotation")
    assert list(read_documents(tmp_path / "y.json")) == [document]
    bad = BadAnnotations("skip")
    put(path, {**DENOTED, "denotations": [{"obj": "x"}, {
        "span": {"begin": 3, "end": 99}, "obj": "Gene"}]})  # fmt: skip
    assert [d.mentions for d in read_documents(path, bad=bad)] == [()]
    assert len(bad.faults) == 2


@pytest.mark.parametrize(
    "record",
    [
        {"text": "IL-2", "annotated_spans": [{"begin": 0, "end": 4}]},
        {"text": "IL-2", "ner": [[0, 4, "Gene"]]},
        {"text": "IL-2", "mentions": [], "marks": {"T1": {"start": 0, "end": 4}}},
        {"text": "IL-2", "marks": [{"from": 0, "to": 4, "what": "Gene"}]},
        {"text": "IL-2", "marks": {"Gene": [[0, 4]]}},
    ],
)
def test_unknown_lists_of_offsets_are_refused(tmp_path: Path, record: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="looks like annotation, of a kind that is not read"):
        list(read_documents(put(tmp_path / "x.jsonl", record)))


def test_doccano_calls_the_text_data(tmp_path: Path) -> None:
    record = {"id": 1, "data": "IL-2 ran", "label": [[0, 4, "Gene"]]}
    assert found(put(tmp_path / "x.jsonl", record)) == [("IL-2", "Gene")]


def test_other_lists_are_no_annotation(tmp_path: Path) -> None:
    record = {"text": "IL-2", "authors": ["a"], "scores": [1, 2], "meta": {"span": 3},
              "letters": [{"from": "a", "to": "b"}], "deep": [[[[[[0, 4]]]]]]}  # fmt: skip
    assert found(put(tmp_path / "x.jsonl", record)) == []


KAGGLE = (
    'Sentence #,Word,POS,Tag\nSentence: 1,Mice,NNS,B-org\n,of,IN,O\nSentence: 2,",",",",O\n'
    ",IL,NN,B-gene\n,2,NN,I-gene\n"
)


@pytest.mark.parametrize("name", ["ner.csv", "ner.txt", "ner.tsv", "ner"])
def test_tables_with_a_header(tmp_path: Path, name: str) -> None:
    content = (
        KAGGLE if "tsv" not in name else "token\tner\nMice\tB-org\nof\tO\n\nIL\tB-gene\n2\tI-gene\n"
    )
    path = put(tmp_path / name, content)
    assert detect(path).name == "table"
    assert found(path) == [("Mice", "org"), ("IL 2", "gene")]
    assert load_target(str(path)).sizes == {"train": 2}


def test_quotation_marks_of_a_table(tmp_path: Path) -> None:
    content = 'word\ttag\n"\tO\nMice\tB-org\n"\tO\n\nIL\tB-gene\n'
    path = put(tmp_path / "x.tsv", content)
    assert found(path) == [("Mice", "org"), ("IL", "gene")]
    assert next(iter(read_documents(path))).text.split() == ['"', "Mice", '"', "IL"]
    with pytest.raises(UserError, match=r"as a quotation mark holds several lines.*; close it, or"):
        found(put(tmp_path / "x.csv", content.replace("\t", ",")))
    with pytest.raises(UserError, match=r"x\.tsv:2: has 1 columns .*; give every row the same"):
        found(put(path, "word\ttag\nMice\n"))


def test_tables_that_are_wrong(tmp_path: Path) -> None:
    path = put(tmp_path / "x.csv", KAGGLE + ",,NN,O\nSentence: 3,a,b\nSentence: 4,a,b,Q\n")
    with pytest.raises(UserError, match=r"x\.csv:7: has an empty token \(the first of 3 bad"):
        found(path)
    assert found(path, bad=BadAnnotations("skip")) == [("Mice", "org")]
    with pytest.raises(UserError, match=r"x\.csv: is a table without a header"):
        found(put(path, "a,b\n"))


def test_types_without_a_letter_are_read_on_demand(tmp_path: Path) -> None:
    path = put(tmp_path / "few.txt", "Paul\tperson-actor\nAuster\tperson-actor\nwas\tO\n\nHe\tO\n")
    with pytest.raises(UserError, match=r"few\.txt:1: tag 'person-actor' is not .*--scheme IO"):
        found(path)
    assert found(path, scheme="IO") == [("Paul Auster", "person-actor")]
    assert load_target(str(path), scheme="io").types == ("person-actor",)


def test_other_letters_and_marks_on_demand(tmp_path: Path) -> None:
    path = put(tmp_path / "x.tsv", "IL\tB_Gene\n2\te-Gene\nran\to\n\np53\ts_Gene\n")
    with pytest.raises(UserError, match="tag 'B_Gene' is not"):
        found(path)
    assert found(path, scheme="lenient") == [("IL 2", "Gene"), ("p53", "Gene")]
    assert load_target(str(path), scheme="lenient").types == ("Gene",)
    with pytest.raises(UserError, match="tag 'x_Gene' is not"):
        found(put(path, "IL\tx_Gene\n"), scheme="lenient")


SENTENCE = {"id": "7", "tokens": ["IL", "2", "ran"], "ner_tags": ["B-Gene", "I-Gene", "O"]}


def test_hugging_face(tmp_path: Path) -> None:
    path = put(tmp_path / "x.jsonl", SENTENCE)
    assert detect(path).name == "huggingface"
    (document,) = read_documents(path)
    assert document.id == "7"
    assert found(path) == [("IL 2", "Gene")]
    write_documents([document], tmp_path / "y.jsonl", "huggingface")
    assert list(read_documents(tmp_path / "y.jsonl")) == [document]
    put(path, {**SENTENCE, "ner_tags": ["I-Gene", "O", "E-Gene"]})
    with pytest.raises(UserError, match="--repair"):
        found(path)
    assert found(path, repair=True) == [("IL", "Gene"), ("ran", "Gene")]
    with pytest.raises(UserError, match="3 tokens and 1 tags"):
        found(put(path, {**SENTENCE, "ner_tags": ["O"]}))


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("x.labels.json", ["O", "B-Gene", "I-Gene"]),
        ("labels.json", {"id2label": {"0": "O", "1": "B-Gene", "2": "I-Gene"}}),
        ("labels.txt", "O\nB-Gene\nI-Gene\n"),
        ("dataset_info.json", {"features": {"ner_tags": {
            "feature": {"names": ["O", "B-Gene", "I-Gene"], "_type": "ClassLabel"}}}}),
    ],
)  # fmt: skip
def test_numbered_tags_of_hugging_face(tmp_path: Path, name: str, names: Any) -> None:
    path = put(tmp_path / "x.json", {**SENTENCE, "ner_tags": [1, 2, 0]})
    with pytest.raises(UserError, match=r"no file beside it names them; .* to x\.labels\.json"):
        found(path)
    put(tmp_path / name, names)
    assert found(path) == [("IL 2", "Gene")]
    with pytest.raises(UserError, match="the tag 9 is none of the 3"):
        found(put(path, {**SENTENCE, "ner_tags": [9, 0, 0]}))


def test_gliner(tmp_path: Path) -> None:
    record = {"tokenized_text": ["IL", "2", "ran"], "ner": [[0, 1, "gene"], [2, 2, "verb form"]]}
    path = put(tmp_path / "x.json", [record])
    assert detect(path).name == "gliner"
    assert found(path) == [("IL 2", "gene"), ("ran", "verb form")]
    documents = list(read_documents(path))
    write_documents(documents, tmp_path / "y.json", "gliner")
    assert found(tmp_path / "y.json") == found(path)
    assert json.loads((tmp_path / "y.json").read_text()) == record
    put(path, [{**record, "ner": [[0, 3, "gene"], ["x"], [0, 0, "gene"]]}])
    with pytest.raises(UserError, match="the first of 2 bad"):
        found(path)
    assert found(path, bad=BadAnnotations("skip")) == [("IL", "gene")]
    put(path, [{**record, "tokenized_text": ["IL", " ", "ran"]}])
    assert found(path, bad=BadAnnotations("repair")) == [("IL", "gene"), ("ran", "verb form")]
