"""What is missed, by whether its words were seen in a mention before."""

from collections import Counter
from pathlib import Path

import pytest

from benchmarks import novelty
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence


def sentence(text: str) -> Sentence:
    """Tokens that are a mention of one token stand with a star."""
    words = text.split()
    tags = tuple("S-Species" if word.startswith("*") else "O" for word in words)
    return Sentence(tuple(word.lstrip("*") for word in words), tags)


def test_mentions_fall_into_groups_and_are_counted_right_missed_or_wrong(
    capsys: pytest.CaptureFixture[str],
) -> None:
    support = [
        sentence("the *Mouse ran"),
        Sentence(("house", "cat"), ("B-Species", "E-Species")),
    ]
    known = frozenset({"yeast", "mouse", "rat"})
    test = [sentence("a *mouse , a *cat , *yeast , *rat and *person or box")]
    found = [sentence("a *mouse , a cat , *yeast , rat and person or *box")]
    gold, right, wrong = Counter[str](), Counter[str](), Counter[str]()

    novelty.count(test, found, support, known, gold, right, wrong)

    assert gold == {
        novelty.SUPPORT: 1, novelty.WORD: 1, novelty.SOURCE: 2, novelty.NEW: 1,
    }  # fmt: skip
    assert right == {novelty.SUPPORT: 1, novelty.SOURCE: 1}
    assert wrong == {novelty.NEW: 1}

    novelty.show(gold, right, wrong)
    lines = capsys.readouterr().out.splitlines()
    assert "| in the support | 20 | 100 | 0 | 100 |" in lines
    assert "| shares a word | 20 | 0 | 33 |  |" in lines
    assert "| in a source corpus | 40 | 50 | 33 | 100 |" in lines
    assert "| new | 20 | 0 | 33 | 0 |" in lines
    assert "| all | 100 | 40 | 100 | 67 |" in lines


def test_a_wrong_type_or_wrong_bounds_are_both_missed_and_wrong() -> None:
    test = [Sentence(("house", "cat"), ("B-Species", "E-Species"))]
    gold, right, wrong = Counter[str](), Counter[str](), Counter[str]()
    for tags in (("O", "S-Species"), ("B-Strain", "E-Strain")):
        found = [Sentence(("house", "cat"), tags)]
        novelty.count(test, found, [], frozenset(), gold, right, wrong)
    assert gold == {novelty.NEW: 2}
    assert right == {}
    assert wrong == {novelty.NEW: 2}


def test_a_target_that_is_not_there_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = novelty.main([
        "--checkpoint", "bionlp", "--target", "nowhere", "--data-dir", str(tmp_path),
    ])  # fmt: skip
    assert code == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
