"""spaCy's formats of version 2: tuples in JSON and Python, and its training JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.corpora.bad import BadAnnotations
from fewshot_metalstm.kinds.tagging.formats import (
    Document,
    Mention,
    Notes,
    detect,
    read_documents,
    write_documents,
)

PAIRS: list[Any] = [
    ["IL-2 and p53", {"entities": [[0, 4, "Gene"], [9, 12, "Gene"]]}], ["none", {"entities": []}],
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.json", json.dumps(PAIRS)),
        ("x.jsonl", "".join(json.dumps(pair) + "\n" for pair in PAIRS)),
        ("x.json", json.dumps({"classes": ["Gene"], "annotations": [*PAIRS, None]})),
        ("x.py", "import spacy\nLABELS = ['Gene']\nPATHS = [spacy.path]\n"
                 "DATA = [('IL-2 and p53', {'entities': [(0, 4, 'Gene'), (9, 12, 'Gene')]}),\n"
                 "    ('none', {'entities': []})]\n"),
    ],
)  # fmt: skip
def test_tuples(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    assert detect(path).name == "spacy-tuples"
    notes = Notes()
    found = list(read_documents(path, notes=notes))
    assert found == [
        Document("x-1", "IL-2 and p53", (Mention(0, 4, "Gene"), Mention(9, 12, "Gene"))),
        Document("x-2", "none"),
    ]
    assert notes["unannotated"] == ("null" in content)
    (tmp_path / "out").mkdir()
    write_documents(found, tmp_path / "out" / "x.json", "spacy-tuples")
    assert list(read_documents(tmp_path / "out" / "x.json")) == found


def test_tuples_that_are_wrong(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps([["IL-2", {"entities": [[0, 9, "Gene"]]}], ["a", {"entities": 3}]]))
    with pytest.raises(UserError, match="is no list"):
        list(read_documents(path))
    path.write_text(json.dumps([["IL-2", {"entities": [[0, 9, "Gene"], [0, 2, "x"]]}]]))
    with pytest.raises(UserError, match="at 0-9 is not within the text"):
        list(read_documents(path))
    (document,) = read_documents(path, bad=BadAnnotations("skip"))
    assert document.mentions == (Mention(0, 2, "x"),)


def test_python_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_text(f"X = [(open({str(tmp_path / 'made')!r}, 'w'), 1)]\n")
    with pytest.raises(UserError, match="holds more than texts, numbers and lists"):
        list(read_documents(path))
    assert not (tmp_path / "made").exists()
    path.write_text("X = [")
    with pytest.raises(UserError, match=r"x\.py:1: is no Python"):
        list(read_documents(path))
    path.write_text("X = " + "[" * 5000)
    with pytest.raises(UserError):
        list(read_documents(path))


def training(raw: str | None, *tokens: tuple[str, str], **more: Any) -> str:
    sentences = [{"tokens": [{"orth": word, "ner": tag} for word, tag in tokens]}]
    about = {"sentences": sentences, **({} if raw is None else {"raw": raw}), **more}
    return json.dumps([{"id": 0, "paragraphs": [about]}])


def test_training_json(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    tokens = (("IL-2", "B-Gene"), ("R", "L-Gene"), ("ran", "O"))
    path.write_text(training("IL-2R  ran", *tokens))
    assert detect(path).name == "spacy-json"
    (document,) = read_documents(path)
    assert document.text == "IL-2R  ran"
    assert document.mentions == (Mention(0, 5, "Gene"),)
    assert document.tokens == ((0, 4), (4, 5), (7, 10))
    path.write_text(training(None, *tokens))
    assert next(read_documents(path)).text == "IL-2 R ran"
    path.write_text(training("IL-2 x R ran", *tokens))
    with pytest.raises(UserError, match="'R' is not the next of 'raw'"):
        list(read_documents(path))
    path.write_text(training(None, ("a", "B-Gene"), ("b", "O")))
    with pytest.raises(UserError, match="leaves a mention open in BILOU"):
        list(read_documents(path))
    (document,) = read_documents(path, bad=BadAnnotations("repair"))
    assert document.mentions == (Mention(0, 1, "Gene"),)
    path.write_text(training("ab", ("a", "-"), ("b", "-")))
    assert list(read_documents(path)) == []
    path.write_text(training("ab", ("a", "-"), ("b", "-"), entities=[[0, 1, "x"]]))
    assert next(read_documents(path)).mentions == (Mention(0, 1, "x"),)
