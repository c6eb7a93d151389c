"""UIMA CAS XMI: types by feature, offsets in characters, and what is refused."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.corpora.bad import SKIP, BadAnnotations
from fewshot_metalstm.kinds.tagging.formats import Document, Notes, detect, read_documents

NER = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"
POS = "de.tudarmstadt.ukp.dkpro.core.api.lexmorph.type.pos.POS"
SENTENCE = "de.tudarmstadt.ukp.dkpro.core.api.segmentation.type.Sentence"
TOKEN = "de.tudarmstadt.ukp.dkpro.core.api.segmentation.type.Token"
TEXT = "😀 IL-2 binds é."


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """A file as INCEpTION exports it, with its type system beside; its offsets are UTF-16 units."""
    cassis = pytest.importorskip("cassis", reason="needs dkpro-cassis")
    types = cassis.TypeSystem()
    made: dict[str, Any] = {}
    for name, features in {
        NER: ["value", "identifier"], POS: ["PosValue"], SENTENCE: [], TOKEN: [],
        "webanno.custom.Drug": ["Kind"], "org.example.Gene": [],
    }.items():  # fmt: skip
        made[name] = types.create_type(name, supertypeName="uima.tcas.Annotation")
        for feature in features:
            types.create_feature(made[name], feature, "uima.cas.String")
    cas = cassis.Cas(types)
    cas.sofa_string, cas.sofa_mime = TEXT, "text/plain"
    for name, begin, end, more in (
        (SENTENCE, 0, 15, {}), (TOKEN, 0, 1, {}), (TOKEN, 2, 6, {}), (TOKEN, 7, 12, {}),
        (TOKEN, 13, 14, {}), (POS, 2, 6, {"PosValue": "NN"}),
        (NER, 2, 6, {"value": "Protein", "identifier": "x"}), (NER, 13, 14, {}),
        ("webanno.custom.Drug", 7, 12, {"Kind": "verb"}), ("org.example.Gene", 2, 4, {}),
    ):  # fmt: skip
        cas.add(made[name](begin=begin, end=end, **more))
    types.to_xml(tmp_path / "TypeSystem.xml")
    cas.to_xmi(tmp_path / "a.xmi")
    return tmp_path / "a.xmi"


def read(path: Path, **how: Any) -> Document:
    (document,) = read_documents(path, **how)
    return document


def test_an_export(exported: Path) -> None:
    assert detect(exported).name == "xmi"
    assert "<cas:Sofa" in exported.read_text()
    assert 'begin="3" end="7"' in exported.read_text(), "offsets in UTF-16 units"
    notes = Notes()
    document = read(exported, notes=notes)
    assert (document.id, document.text) == ("a", TEXT)
    assert [(TEXT[m.start : m.end], m.type) for m in document.mentions] == [
        ("IL-2", "Protein"), ("IL", "Gene"), ("binds", "verb"), ("é", "NamedEntity"),
    ]  # fmt: skip
    assert document.sentences == ((0, 15),)
    assert document.tokens == ((0, 1), (2, 6), (7, 12), (13, 14))
    assert notes["other_layers"] == 1


def test_what_is_refused(exported: Path) -> None:
    whole = exported.read_text()
    exported.write_text(whole.replace('begin="3" end="7"', 'begin="3" end="99"'))
    with pytest.raises(UserError, match=r"a\.xmi: cannot be read as XMI \(UserWarning: Not map"):
        read(exported)
    exported.write_text(whole.replace('begin="3" end="7"', 'begin="3" end="3"'))
    with pytest.raises(UserError, match=r"a\.xmi: an annotation of .* at 2-2 is empty"):
        read(exported)
    bad = BadAnnotations(SKIP)
    assert len(read(exported, bad=bad).mentions) == 3
    exported.write_text(whole.replace("?>", "?><!DOCTYPE a [<!ENTITY x 'y'>]>", 1))
    with pytest.raises(UserError, match=r"a\.xmi: declares a document type"):
        read(exported)
    exported.write_text(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"a\.xmi: cannot be read as XMI"):
        read(exported, bad=BadAnnotations(SKIP))
    (exported.parent / "TypeSystem.xml").unlink()
    with pytest.raises(UserError, match=r"a\.xmi: has no type system beside it"):
        read(exported)


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.xmi").write_text("<xmi:XMI/>")
    found = builtins.__import__

    def absent(name: str, *more: Any) -> Any:
        if name == "cassis":
            raise ImportError(name)
        return found(name, *more)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(UserError, match=r"dkpro-cassis.*pip install 'fewshot-metalstm\[xmi\]'"):
        read(tmp_path / "a.xmi")
