"""A task's view of its corpus."""

from __future__ import annotations

from fewshot_metalstm.kinds.tagging.episodes.task import Task
from tests.kinds.tagging.episodes.builders import corpus


def test_task_masks_the_types_that_it_does_not_tag() -> None:
    held = corpus("c", ["a/S-A b/B-BA c/E-BA d"], ["e/S-BA"])
    part = Task("c:A", held, ("A",))
    assert part.split("train")[0].tags == ("S-A", "O", "O", "O")
    assert part.split("devel")[0].tags == ("O",)
    assert part.view(held.splits["devel"][0]).tags == ("O",)
    assert part.labels == ("O", "B-A", "I-A", "E-A", "S-A")


def test_task_over_all_types_shares_the_corpus() -> None:
    held = corpus("c", ["a/S-A b/S-B"])
    whole = Task("c", held, held.types)
    assert whole.split("train") is held.splits["train"]
    assert whole.view(held.splits["train"][0]) is held.splits["train"][0]
