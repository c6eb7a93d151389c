"""The overlap audit, counted by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.episodes.audit import audit, audit_suite
from fewshot_metalstm.kinds.tagging.episodes.task import Task
from tests.kinds.tagging.episodes.builders import task

LONG = "one two three four five six seven eight nine ten"


@pytest.fixture
def target() -> Task:
    return task(
        "goal",
        ["The same/S-X", "own"],
        ["fresh"],
        ["the same/S-X", "the SAME/S-X", "another one", LONG],
    )


def test_audit_counts_distinct_sentences_before_and_after(target: Task) -> None:
    near = task("near", ["THE same/S-Y", "the same", "another one", "mine/S-Y"], ["mine", "w"])
    kin = task("kin", ["the same/S-X"], ["v"], family="goal")
    report = audit("hand", [near, kin], target, validation=[near])
    assert report.test_sentences == 3
    assert report.own == {"train": 1, "devel": 0}
    first, second, third = report.overlaps
    assert (first.sentences, first.shared) == (3, 2)
    assert (first.sentences_after, first.shared_after) == (1, 0)
    assert (second.shared, second.left_out, second.shared_after) == (1, True, 0)
    assert (third.split, third.sentences, third.shared, third.sentences_after) == ("devel", 2, 0, 1)
    assert report.clean
    assert report.as_dict()["overlaps"][0]["task"] == "near"


@pytest.mark.parametrize(
    ("text", "near"),
    [
        (f"so {LONG} more/S-Y", 1),  # all three 8-grams
        ("one two three four five six seven eight nine x/S-Y", 1),  # two of three
        ("one two three four five six seven eight x/S-Y", 0),  # one of three
        (LONG + " x/S-Y", 1),
        ("x/S-Y", 0),
    ],
)
def test_audit_near_is_half_of_the_eight_grams(target: Task, text: str, near: int) -> None:
    (row,) = audit("hand", [task("t", [text])], target).overlaps
    assert (row.shared, row.near, row.near_after) == (0, near, near)


def test_audit_a_shared_sentence_is_not_near(target: Task) -> None:
    (row,) = audit("hand", [task("t", [LONG, "y/S-Y"])], target).overlaps
    assert (row.shared, row.near) == (1, 0)


def test_audit_can_leave_the_near_measure_out(target: Task) -> None:
    (row,) = audit("hand", [task("t", [LONG, "y/S-Y"])], target, near=False).overlaps
    assert row.near is None


def test_audit_needs_a_test_split() -> None:
    with pytest.raises(UserError, match="goal has no test split"):
        audit_suite("demo", task("goal", ["a/S-X"]))


@pytest.mark.slow
@pytest.mark.xdist_group("corpora")
def test_audit_of_the_real_suite_finds_the_known_overlap(
    real_data: Path, read_corpora: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FEWSHOT_METALSTM_CACHE", str(read_corpora.parent))
    report = audit_suite("bionlp", "linnaeus", data_dir=real_data, near=False)
    assert report.clean
    assert report.own["train"] == 143  # of its 6,552 distinct lower-cased test sentences
    assert report.test_sentences == 6552
    shared = {o.task: o.shared for o in report.overlaps if o.split == "train"}
    assert (shared["BioNLP09"], shared["BioNLP11ID"], shared["BioNLP13CG"]) == (7, 10, 0)
