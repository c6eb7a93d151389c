"""The rules of exclusion, on corpora made by hand."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from fewshot_metalstm.data.suites import Suite, TaskSpec
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.episodes.load import (
    apply_rules,
    as_task,
    load_suite_tasks,
    load_target,
    no_collection,
)
from fewshot_metalstm.kinds.tagging.episodes.sampling import sentence_key
from fewshot_metalstm.kinds.tagging.episodes.source import CorporaInMemory, InstalledCorpora
from tests.kinds.tagging.episodes.builders import corpus, task

TARGET = corpus("goal", ["own train x/S-X"], [], ["Shared text/S-X", "only here"], family="goal")
SOURCE = CorporaInMemory(
    {
        "goal": TARGET,
        "goal-part": corpus("goal-part", ["a/S-X"], ["b/S-X"], family="goal"),
        "near": corpus(
            "near",
            ["shared TEXT/S-Y", "mine/S-Y", "mine too", "mine too"],
            ["SHARED text", "Mine/S-Y", "held/S-Y out"],
            ["shared text"],
        ),
        "valid": corpus("valid", ["v/S-Z"], ["w/S-Z", "shared text", "MINE too"]),
    }
)


def suite(*tasks: str, validation: tuple[str, ...] = (), exclude: str = "given") -> Suite:
    return Suite(
        name="hand",
        tasks=tuple(TaskSpec(name) for name in tasks),
        validation=tuple(TaskSpec(name, split="devel") for name in validation),
        synthetic=False,
        description="",
        exclude=exclude,
    )


def test_load_keeps_out_families_and_test_sentences_of_the_target() -> None:
    loaded = load_suite_tasks(
        "hand",
        exclude_targets=["goal"],
        source=SOURCE,
        suite=suite("goal-part", "near", validation=("near", "goal-part", "valid")),
    )
    assert [t.name for t in loaded.train] == ["near"]
    assert [t.name for t in loaded.validation] == ["near", "valid"]
    assert loaded.report.left_out == ("goal-part",)
    texts = [sentence_key(s) for s in loaded.train[0].split("train")]
    assert texts == ["mine", "mine\ttoo", "mine\ttoo"]
    banned = {sentence_key(s) for s in TARGET.splits["test"]}
    for held in (*loaded.train, *loaded.validation):
        for sentences in held.corpus.splits.values():
            assert not banned & {sentence_key(s) for s in sentences}


def test_load_holds_validation_out_of_meta_training() -> None:
    loaded = load_suite_tasks(
        "hand",
        exclude_targets=[TARGET],
        source=SOURCE,
        suite=suite("near", validation=("near", "valid")),
    )
    assert [set(t.corpus.splits) for t in loaded.train] == [{"train"}]
    assert [set(t.corpus.splits) for t in loaded.validation] == [{"devel"}, {"devel"}]
    near, valid = ([sentence_key(s) for s in t.split("devel")] for t in loaded.validation)
    assert near == ["held\tout"]
    assert valid == ["w"]


def test_load_reports_each_removal_with_its_reason() -> None:
    loaded = load_suite_tasks(
        "hand", exclude_targets=["goal"], source=SOURCE, suite=suite("near", validation=("near",))
    )
    counted = [(r.task, r.split, r.sentences, r.removed) for r in loaded.report.removals]
    assert counted == [("near", "train", 4, 1), ("near", "devel", 3, 1), ("near", "devel", 2, 1)]
    text = "\n".join(loaded.report.lines())
    assert "near (train): 1 of 4 sentences removed, equal to a sentence of a target's" in text
    assert "near (devel): 1 of 2 sentences removed, equal to a meta-train sentence" in text


def test_load_says_which_declared_targets_were_absent_and_keeps_their_families_out() -> None:
    declared = CorporaInMemory(
        {
            "linnaeus": TARGET,
            "BC5CDR": corpus("BC5CDR", ["q/S-C"], family="BC5CDR"),
            "near": SOURCE.load("near"),
        },
        families={"BC5CDR-chem": "BC5CDR"},
    )
    loaded = load_suite_tasks(
        "hand", source=declared, suite=suite("near", "BC5CDR", exclude="official")
    )
    assert loaded.report.targets == ("goal",)
    assert "BC5CDR-chem" in loaded.report.absent
    assert "linnaeus" not in loaded.report.absent
    assert loaded.report.left_out == ("BC5CDR",)
    assert any("not at hand" in line for line in loaded.report.lines())


def test_load_needs_a_target_where_the_suite_leaves_one_family_out() -> None:
    with pytest.raises(UserError, match="given no target"):
        load_suite_tasks("hand", source=SOURCE, suite=suite("near"))


def test_load_refuses_a_suite_that_the_rules_leave_empty() -> None:
    with pytest.raises(UserError, match="no task outside"):
        load_suite_tasks("hand", exclude_targets=["goal"], source=SOURCE, suite=suite("goal-part"))


def test_load_refuses_a_corpus_without_the_split() -> None:
    with pytest.raises(UserError, match="goal has no devel split"):
        load_suite_tasks(
            "hand",
            exclude_targets=[corpus("other", ["a/S-X"], [], ["b"])],
            source=SOURCE,
            suite=suite("near", validation=("goal",)),
        )


def test_load_rules_leave_the_given_tasks_as_they_are() -> None:
    held = task("t", ["Shared text/S-X", "rest/S-X"])
    loaded = apply_rules("s", [held], [], [as_task(TARGET)])
    assert len(held.split("train")) == 2
    assert len(loaded.train[0].split("train")) == 1
    assert loaded.train[0].corpus.digests == held.corpus.digests


def test_load_task_over_some_types_is_named_after_them() -> None:
    both = corpus("both", ["a/S-A b/S-B"])
    assert as_task(both).name == "both"
    assert as_task(both, ("B", "A")).name == "both"
    chosen = as_task(both, ("B",))
    assert (chosen.name, chosen.types) == ("both:B", ("B",))
    assert chosen.split("train")[0].tags == ("O", "S-B")
    with pytest.raises(UserError, match="no entity type Z; its types are A, B"):
        as_task(both, ("Z",))
    with pytest.raises(UserError, match="holds no entity"):
        as_task(corpus("none", ["a b"]))
    with pytest.raises(UserError, match=r"^mine/none.conll: holds no entity"):
        as_task(corpus("none", ["a b"]), path="mine/none.conll")


def test_load_names_the_file_of_ones_own_that_holds_no_mention(tmp_path: Path) -> None:
    path = tmp_path / "none.conll"
    path.write_text("He\tO\nran\tO\n")
    with pytest.raises(UserError) as found:
        load_target(str(path))
    assert str(found.value).startswith(f"{path}: holds no entity")


def test_a_split_that_a_corpus_has_not_is_named_before_anything_is_read() -> None:
    with pytest.raises(UserError, match="corpus EBM-NLP has no devel split"):
        InstalledCorpora(None).size("EBM-NLP", "devel")


def test_load_target_of_the_embedded_default() -> None:
    target = load_target("demo-species")
    assert target.corpus.synthetic
    assert target.types == ("Species",)


def test_load_demo_suite_is_synthetic_and_free_of_its_target() -> None:
    loaded = load_suite_tasks("demo")
    target = load_target("demo-species")
    assert loaded.synthetic
    assert len(loaded.train) >= 6
    assert len({t.family for t in loaded.train}) >= 4
    banned = {sentence_key(s) for s in target.split("test")}
    for held in (*loaded.train, *loaded.validation):
        assert held.family != target.family
        (sentences,) = held.corpus.splits.values()
        assert not banned & {sentence_key(s) for s in sentences}


def test_the_collector_is_left_as_it_was() -> None:
    seen: list[bool] = []

    def fail() -> None:
        seen.append(gc.isenabled())
        raise UserError("no")

    assert gc.isenabled()
    with pytest.raises(UserError):
        no_collection()(fail)()
    assert (seen, gc.isenabled()) == ([False], True)
    gc.disable()
    try:
        with no_collection():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
