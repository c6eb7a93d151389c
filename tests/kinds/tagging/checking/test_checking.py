"""The look over annotated text: each finding where it should be, and none where all is well."""

from __future__ import annotations

from pathlib import Path

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.checking.characters import kinds_in
from fewshot_metalstm.kinds.tagging.checking.finding import ERROR, NOTE, WARNING, Finding, Report
from fewshot_metalstm.kinds.tagging.checking.run import check

PLAIN = "We\tO\nsaw\tO\nit\tO\n.\tO\n\n"


def columns(*sentences: str) -> str:
    """Sentences such as ``Mice/S-Sp were/O``, a token a line."""
    return "".join(
        "".join(word.replace("/", "\t") + "\n" for word in s.split()) + "\n" for s in sentences
    )


def clean(mentions: int = 12) -> str:
    """A text in which nothing is odd."""
    return "".join(
        columns(f"Strain/O of/O coli{i}/B-Sp x{i}/E-Sp grew/O") + columns(f"No/O growth{i}/O ./O")
        for i in range(mentions)
    )


def look(path: Path, text: str, name: str = "a.tsv") -> Report:
    (path / name).write_text(text, encoding="utf-8")
    return check(str(path / name))


def found(report: Report) -> dict[str, Finding]:
    return {finding.name: finding for finding in report.findings}


def test_a_clean_text_has_no_findings(tmp_path: Path) -> None:
    report = look(tmp_path, clean())
    assert report.findings == ()
    assert (report.format, report.scheme) == ("conll", "IOBES")
    (facts,) = report.splits
    assert (facts.sentences, facts.bearing, facts.mentions) == (24, 12, {"Sp": 12})
    assert (facts.tokens, facts.median, facts.longest) == (12 * 8, 3, 5)


def test_illegal_tags_are_counted_with_their_lines(tmp_path: Path) -> None:
    report = look(tmp_path, clean() + columns("a/O b/E-Sp c/O", "d/B-Sp e/O f/O"))
    finding = found(report)["illegal-tags"]
    assert (finding.severity, finding.count) == (ERROR, 2)
    assert finding.examples[0].startswith(f"{tmp_path / 'a.tsv'}:{12 * 10 + 2}: E-Sp does not")
    report = look(tmp_path, clean() + columns("a/L-Sp b/O"))
    assert found(report)["mixed-schemes"].severity == ERROR


def test_what_cannot_be_read_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.tsv:1: has one column"):
        look(tmp_path, "a\nb\n")
    with pytest.raises(UserError, match="no such file"):
        check(str(tmp_path / "absent"))


def test_every_ill_formed_line_is_listed(tmp_path: Path) -> None:
    start = clean()
    more = "a\tO\nb\tX\n\n\tO\nc\tO\n\na\tO\tO\n\n" + columns("a/O b/E-Sp")
    findings = found(look(tmp_path, start + more + "b\tY\n"))
    line = start.count("\n")
    assert {n: f.count for n, f in findings.items() if f.severity == ERROR} == {
        "ill-formed-line": 3, "blank-token": 1, "illegal-tags": 1,
    }  # fmt: skip
    assert findings["ill-formed-line"].examples[0] == (
        f"{tmp_path / 'a.tsv'}:{line + 2}: tag 'X' is not O or <letter>-<type>: 'b\\tX'"
    )
    assert findings["ill-formed-line"].cure.startswith("pass --scheme IO if tags are types alone")
    columns_alone = found(look(tmp_path, start + "a\tO\tO\n"))["ill-formed-line"]
    assert columns_alone.cure == "mend them, or pass --bad-annotations skip"
    only = look(tmp_path, "a\tO\nb\tX\n")
    assert only.splits[0].sentences == 0
    assert found(only)["ill-formed-line"].count == 1


def test_every_fault_of_every_file_is_listed(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text(
        '{"id": "a", "text": "IL-2 here", "mentions": [[5, 9, "Gene"], [5, 99, "Gene"]]}\n'
        '{"id": "b", "text": "IL-2", "mentions": [[0, 4, "Gene"], "x"]}\n'
        "{\n"
        '{"id": "a", "text": 3}\n'
        '{"id": "a", "text": "IL-4", "mentions": [{"start": 0, "end": 4, "type": "Gene", '
        '"text": "IL-2"}]}\n'
    )
    (tmp_path / "test.jsonl").write_text("[")
    report = check(str(tmp_path))
    findings = found(report)
    assert {name: findings[name].count for name in (
        "wrong-offsets", "ill-formed-annotation", "unreadable-document", "duplicate-document-ids",
    )} == {"wrong-offsets": 2, "ill-formed-annotation": 1, "unreadable-document": 3,
           "duplicate-document-ids": 1}  # fmt: skip
    assert str(tmp_path / "train.jsonl:4") in findings["unreadable-document"].examples[1]
    assert report.splits[0].mentions == {"Gene": 2}


def test_unannotated_documents_are_counted(tmp_path: Path) -> None:
    for name, annotation in (("a", "T1\tGene 0 4\tIL-2\n"), ("b", ""), ("c", "")):
        (tmp_path / f"{name}.txt").write_text("IL-2 here")
        (tmp_path / f"{name}.ann").write_text(annotation)
    assert found(check(str(tmp_path)))["empty-annotations"].count == 2


@pytest.mark.parametrize(
    ("more", "name", "severity", "count"),
    [
        (["We/O saw/O coli1/S-Sp x1/S-Sp now/O"] * 2, "duplicates", NOTE, 1),
        (["We/O saw/O mice/O", "We/O saw/O mice/S-Sp"], "contradictions", WARNING, 1),
        (["coli1/B-Strain x1/E-Strain grew/O"], "conflicting-types", WARNING, 1),
        (["but/O coli1/O x1/O died/O"], "sometimes-untagged", WARNING, 1),
        (["but/O coli1/O died/O"], "few-mentions", WARNING, None),  # not the whole mention
        (["in/O mice/B-Sp ,/E-Sp too/O"], "punctuation", WARNING, 1),
        (["and/O " * 151], "long-sentences", WARNING, 1),
        (["ACGT" * 16 + "/O"], "long-tokens", NOTE, 1),
        (["mice/S-sp ran/O"], "similar-types", WARNING, 2),
        (["ab\u200bc/O"], "invisible-characters", WARNING, 1),
        (["ab\ufffdc/O"], "replacement-characters", WARNING, 1),
        (["ab\x07c/O"], "control-characters", WARNING, 1),
        (["cafe\u0301/O"], "decomposed-characters", WARNING, 1),
        (["\uf061/O"], "private-characters", WARNING, 1),
    ],
)
def test_each_finding(
    tmp_path: Path, more: list[str], name: str, severity: str, count: int | None
) -> None:
    findings = found(look(tmp_path, clean() + columns(*more)))
    if count is None:
        assert name not in findings
        return
    assert (findings[name].severity, findings[name].count) == (severity, count)
    assert findings[name].cure


def test_places_are_lines_of_the_file(tmp_path: Path) -> None:
    finding = found(look(tmp_path, columns("We/O saw/O", "a\u200bb/O") + clean()))
    (place,) = finding["invisible-characters"].examples
    assert place == f"{tmp_path / 'a.tsv'}:4: U+200B in 'a\\u200bb'"


def test_letters_that_form_c_replaces_are_not_decomposed() -> None:
    assert list(kinds_in("\N{OHM SIGN}")) == []
    assert list(kinds_in("µ-β")) == []


def test_amounts(tmp_path: Path) -> None:
    assert found(look(tmp_path, PLAIN * 3))["no-mention"].severity == ERROR
    few = found(look(tmp_path, clean(4)))["few-mentions"]
    assert few.problem == "Sp has 4 mentions to learn from"
    rare = found(look(tmp_path, clean(21) + columns("rare/S-Gene one/O")))["imbalanced"]
    assert rare.problem.endswith("than Sp: Gene")
    only = columns(*(f"coli{i}/S-Sp grew/O" for i in range(12)))
    assert "no-negatives" in found(look(tmp_path, only))


def test_splits_of_a_folder_are_compared(tmp_path: Path) -> None:
    (tmp_path / "train.tsv").write_text(clean())
    shared = columns("Strain/O of/O coli1/B-Sp x1/E-Sp grew/O")
    (tmp_path / "test.tsv").write_text(shared + columns("A/O new/O dog/S-Animal ran/O") * 2)
    report = check(str(tmp_path))
    assert [facts.split for facts in report.splits] == ["train", "test"]
    findings = found(report)
    finding = findings["train-in-test"]
    assert (finding.severity, finding.count) == (ERROR, 1), "half of the test is known"
    assert finding.examples == (f"{tmp_path / 'test.tsv'}:1 is {tmp_path / 'train.tsv'}:11",)
    assert findings["unlearned-types"].problem.endswith("that train lacks: Animal")
    named = check(f"train={tmp_path / 'train.tsv'},test={tmp_path / 'test.tsv'}")
    assert named.findings == report.findings


def test_offsets_of_standoff(tmp_path: Path) -> None:
    text = "Mice had type diabetes and\nE. coli infection.  Aspirin was given.\n"
    (tmp_path / "a.txt").write_text(text)

    def mention(number: int, kind: str, words: str, shift: int = 0) -> str:
        start = text.index(words) + shift
        end = start + len(words)
        return f"T{number}\t{kind} {start} {end}\t{text[start:end]}\n"

    (tmp_path / "a.ann").write_text(
        mention(1, "Species", "Mic") + mention(2, "Disease", "diabetes ")
        + mention(3, "Species", "E. coli") + mention(4, "Disease", "E. coli infection")
        + mention(5, "Disease", "given") + "T6\tDisease 0 4;9 13\tMice type\n"
    )  # fmt: skip
    findings = found(check(str(tmp_path)))
    assert findings["within-token"].examples == (f"{tmp_path / 'a.txt'}:1: Species 'Mic'",)
    assert findings["white-space"].count == 1
    assert findings["overlapping"].examples[0].startswith(f"{tmp_path / 'a.txt'}:")
    assert findings["discontinuous"].count == 1
    assert found(check(str(tmp_path / "a.txt"))).keys() == findings.keys()


def test_raw_text_is_looked_at_for_its_characters(tmp_path: Path) -> None:
    report = look(tmp_path, "One line.\nAnother li\u200bne.\n", "notes.txt")
    assert set(found(report)) == {"no-annotation", "invisible-characters"}
    assert report.count("error") == 0
    assert "notes.txt:2: U+200B" in found(report)["invisible-characters"].examples[0]


def test_more_examples_and_none(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text(clean() + columns(*["x\ufffd/O y/O z/O"] * 5))
    for number in (0, 2, 5):
        report = check(str(tmp_path / "a.tsv"), examples=number)
        finding = found(report)["replacement-characters"]
        assert (finding.count, len(finding.examples)) == (5, number)
