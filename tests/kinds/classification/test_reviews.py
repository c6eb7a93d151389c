"""The suites of reviews: splits, folds, what is kept out, frozen draws."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from fewshot_metalstm.data.suites import kept_out, load_suites, load_targets
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.classification import draws
from fewshot_metalstm.kinds.classification.kind import CLASSIFICATION
from fewshot_metalstm.kinds.classification.reviews import EMPTY, load_reviews, parse
from tests.kinds.classification.builders import DOMAINS, task


def test_lines_are_reviews() -> None:
    notes: Counter[str] = Counter()
    found = parse("1\tfine book\n0\tdull\r\n1\t \n", Path("x"), notes)
    assert (found.texts, found.labels.tolist()) == (("fine book", "dull"), [1, 0])
    assert notes == {EMPTY: 1}
    with pytest.raises(UserError, match="x:2: is not 0 or 1"):
        parse("1\ta\n2\tb\n", Path("x"), notes)


def test_a_tenth_of_train_is_devel(world: Path) -> None:
    found = load_reviews("reviews-books")
    assert found.sizes == {"train": 36, "devel": 4, "test": 12}
    assert not set(found.splits["train"].texts) & set(found.splits["devel"].texts)
    assert load_reviews("reviews-books").digests == found.digests


def test_every_domain_is_held_out_by_one_fold() -> None:
    official = load_targets(kind="classification").official
    folds = [load_suites(kind="classification")[f"reviews-fold-{i}"] for i in range(4)]
    held = [kept_out(fold, (), "classification") for fold in folds]
    assert sorted(name for each in held for name in each) == sorted(official)
    for fold, out in zip(folds, held, strict=True):
        assert (len(fold.tasks), len(out)) == (12, 4)
        assert not {spec.corpus for spec in fold.tasks} & set(out)


def test_nothing_of_a_target_is_learned_from(world: Path, tmp_path: Path) -> None:
    suite = CLASSIFICATION.load_suite("reviews-fold-0", data_dir=None)
    assert [each.name for each in suite.train] == list(DOMAINS[:2])
    assert suite.report.targets == (DOMAINS[2],)
    less = CLASSIFICATION.load_suite("reviews", data_dir=None, exclude=[DOMAINS[0]])
    assert [each.name for each in less.train] == list(DOMAINS[1:])
    assert less.report.tasks == (DOMAINS[0],)
    with pytest.raises(UserError, match="has no task left"):
        CLASSIFICATION.load_suite("reviews", data_dir=None, exclude=DOMAINS)


def test_texts_equal_to_a_test_text_are_left_out() -> None:
    from fewshot_metalstm.kinds.classification.tasks import test_keys, without

    other = task("other")
    own = task("mine")
    left, lost = without(own, test_keys([other]))
    assert (lost, left.sizes["test"]) == (10, 0)  # the made-up test splits are the same
    assert left.digests["test"] != own.digests["test"]
    assert without(own, frozenset())[0] is own


def test_draws_are_of_each_class_and_pure() -> None:
    mine = task(train=30)
    drawn = draws.draw(mine, 3, 0)
    labels = mine.splits["train"].labels[list(drawn)]
    assert np.bincount(labels).tolist() == [3, 3]
    assert draws.draw(mine, 3, 0) == drawn != draws.draw(mine, 3, 1)
    few = draws.support(mine, 20, 0)
    assert (len(few.indices), few.note) == (
        30, "fewer than 20 texts: 15 of negative, 15 of positive"
    )  # fmt: skip
    assert draws.support(mine, 0, 0).indices == tuple(range(30))


def test_frozen_draws_are_believed_for_their_split_alone(tmp_path: Path) -> None:
    mine = task(train=120)
    (path,) = draws.FROZEN.freeze([mine], tmp_path)
    assert draws.FROZEN.check([mine], tmp_path) == ()
    assert draws.support(mine, 5, 2, folder=tmp_path).indices == draws.draw(mine, 5, 2)
    other = task(train=118)
    with pytest.raises(UserError, match="another train split"):
        draws.support(other, 5, 2, folder=tmp_path)
    path.write_text(path.read_text("utf-8").replace("indices", "places"), "utf-8")
    with pytest.raises(UserError, match="is not a file of frozen draws"):
        draws.support(mine, 5, 2, folder=tmp_path)


def test_the_real_reviews_are_as_the_catalogue_says(real_reviews: Path) -> None:
    found = CLASSIFICATION.load_target("reviews-mr", data_dir=real_reviews)
    assert sum(found.notes.values()) == 37
    known = CLASSIFICATION.known(real_reviews)
    assert {split: known.size("reviews-mr", split)[0] for split in found.sizes} == found.sizes
    assert CLASSIFICATION.check_draws([found]) == ()
