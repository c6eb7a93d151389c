"""TSV 3 of WebAnno and INCEpTION."""

from __future__ import annotations

from pathlib import Path

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.corpora.bad import BadAnnotations
from fewshot_metalstm.kinds.tagging.formats import Notes, detect, read_documents

HEAD = (
    "#FORMAT=WebAnno TSV 3.3\n"
    "#T_SP=de.tudarmstadt.ukp.dkpro.core.api.lexmorph.type.pos.POS|PosValue\n"
    "#T_SP=de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity|identifier|value\n"
    "#T_SP=webanno.custom.Negation\n"
    "#T_RL=webanno.custom.Part|kind|BT_webanno.custom.Negation\n\n\n"
)
ROWS = (
    "#Text=😀 Bank of Ulm [a]\n"
    "1-1\t0-2\t😀\tX\t_\t_\t_\t_\t_\t\n"
    "1-2\t3-7\tBank\tNN\t*[1]\tORG[1]\t_\t_\t_\t\n"
    "1-3\t8-10\tof\tIN\t*[1]\tORG[1]\t*\t_\t_\t\n"
    "1-4\t11-14\tUlm\tNN\t*[1]|*\tORG[1]|LOC\\_x\t_\t_\t_\t\n"
    "1-4.1\t11-12\tU\t_\t*\tLETTER\t_\t_\t_\t\n"
    "1-5\t15-18\t[a]\tX\t_\t_\t_\tk\t1-2\t\n"
    "\n"
    "#Text=It's closed\n"
    "2-1\t20-24\tIt's\tX\t_\t_\t*[2]\t_\t_\t\n"
    "2-2\t25-31\tclosed\tX\t_\t_\t*[2]\t_\t_\t\n"
)


def test_as_it_is_exported(tmp_path: Path) -> None:
    path = tmp_path / "x.tsv"
    path.write_text(HEAD + ROWS)
    assert detect(path).name == "webanno-tsv"
    notes = Notes()
    (document,) = read_documents(path, notes=notes)
    assert document.text == "😀 Bank of Ulm [a]\n\nIt's closed"
    assert [(document.text[m.start : m.end], m.type) for m in document.mentions] == [
        ("Bank of Ulm", "ORG"), ("of", "Negation"), ("Ulm", "LOC_x"), ("U", "LETTER"),
        ("It's closed", "Negation"),
    ]  # fmt: skip
    assert len(document.tokens) == 7
    assert [document.text[a:b] for a, b in document.sentences][1] == "It's closed"
    assert notes["relations"] == 1


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("8-10\tof", "8-9\tof", r"x\.tsv:11: 'of' is not what stands at 8-9"),
        ("20-24", "9-13", r"x\.tsv:17: begins at 9, and the sentence before it"),
        ("#Text=It's closed\n", "", r"without a line #Text="),
        ("#FORMAT=WebAnno TSV 3.3", "#FORMAT=WebAnno TSV 2", "does not begin with #FORMAT"),
        ("\t*[2]\t_\t_\t\n", "\t\n", r"x\.tsv:17: is not token, .* first of 2 bad annotations"),
    ],
)
def test_what_is_refused(tmp_path: Path, old: str, new: str, problem: str) -> None:
    path = tmp_path / "x.tsv"
    path.write_text((HEAD + ROWS).replace(old, new))
    with pytest.raises(UserError, match=problem):
        list(read_documents(path, "webanno-tsv"))


def test_bad_lines_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "x.tsv"
    path.write_text((HEAD + ROWS).replace("closed\tX", "closed"))
    (document,) = read_documents(path, bad=BadAnnotations("skip"))
    assert document.text[document.mentions[-1].start :] == "It's closed"
