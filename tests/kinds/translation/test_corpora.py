"""Topics and corpora of the catalogue: what is of which topic, and what stays out of a suite."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fewshot_metalstm import declarations
from fewshot_metalstm.data.catalogue import Catalogue
from fewshot_metalstm.data.draws import draws_file
from fewshot_metalstm.data.suites import load_suite, load_targets
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.translation import corpora, draws
from fewshot_metalstm.kinds.translation.pairs import KIND, read_corpus
from fewshot_metalstm.kinds.translation.tasks import DEVEL, TEST, TRAIN
from fewshot_metalstm.kinds.translation.topics import load_topics
from tests.kinds.translation.builders import SUITE, TARGETS, TOPICS, task


@pytest.mark.usefixtures("world")
def test_a_topic_is_its_sentences_and_nothing_else() -> None:
    whole = read_corpus(Catalogue.load(kind=KIND)["multi30k"], TRAIN, None)
    assert len(whole) == 120
    target = corpora.load_target("multi30k-snow")
    assert target.sizes == {TRAIN: 15, TEST: 5}
    own = [whole.sources[i] for i in range(1, 120, 6)]
    assert list(target.splits[TEST].sources) == own[::4]
    assert sorted(target.splits[TRAIN].sources + target.splits[TEST].sources) == sorted(own)
    assert corpora.load_target("wmt-sample").sizes == {TRAIN: 12, DEVEL: 12, TEST: 13}
    with pytest.raises(UserError, match="did you mean multi30k-snow"):
        corpora.load_target("multi30k-snov")


@pytest.mark.usefixtures("world")
def test_a_suite_has_nothing_of_its_targets() -> None:
    suite = load_suite(SUITE, kind=KIND)
    loaded = corpora.load_suite(suite, ())
    assert [each.name for each in loaded.train] == ["multi30k-street"]
    assert loaded.validation[0].sizes == {DEVEL: 20}
    # The first sentence of the topic stands in the test split of the far target.
    first = read_corpus(Catalogue.load(kind=KIND)["multi30k"], TRAIN, None).sources[0]
    assert first.upper() in corpora.load_target("wmt-sample").splits[TEST].sources
    assert loaded.train[0].sizes == {TRAIN: 19}
    assert first not in loaded.train[0].splits[TRAIN].sources
    report = loaded.report
    assert (report.targets, dict(report.lost)) == ((*TARGETS, "wmt-sample"), {"multi30k-street": 1})
    assert "0 tasks and 1 pairs" in report.summary()[0]
    with pytest.raises(UserError, match="has no task left beside"):
        corpora.load_suite(suite, ("multi30k-street",))


@pytest.mark.usefixtures("world")
def test_a_file_of_topics_is_believed_for_its_sentences_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = declarations.folder() / "topics" / "multi30k.json"
    record = json.loads(path.read_text())
    for number, (change, problem) in enumerate((
        ({"sha256": "0"}, "is for other sentences than those of multi30k at hand; restore it"),
        ({"sentences": 7}, "letters and sentences do not go together"),
        ({"format": 2}, "format 2, corpus multi30k"),
        ({"topics": {}}, "letters and sentences do not go together"),
    )):  # fmt: skip
        folder = tmp_path / str(number)
        (folder / "topics").mkdir(parents=True)
        for name in ("catalogue.yaml", "suites"):
            (folder / name).symlink_to(declarations.folder() / name)
        (folder / "topics" / "multi30k.json").write_text(json.dumps(record | change))
        with monkeypatch.context() as patch:
            patch.setattr("fewshot_metalstm.declarations.folder", lambda folder=folder: folder)
            with pytest.raises(UserError, match=problem):
                corpora.load_target("multi30k-snow")


def test_the_declared_topics_are_whole_and_their_draws_fit_them() -> None:
    topics = load_topics()
    assert len(topics.letters) == 29_000
    assert len(topics.names) == 24
    suite = load_suite(SUITE, kind=KIND)
    used = [spec.corpus for spec in (*suite.tasks, *suite.validation)]
    targets = load_targets(kind=KIND).official
    assert sorted([*used, *targets]) == sorted([*topics.names, "wmt-sample"])
    for name in targets:
        data, supports = draws.FROZEN.read(draws_file(name))
        assert len(supports) == 15
        if name in topics.names:
            assert data["pairs"] == topics.split_sizes(name)[0]
    assert set(TARGETS) < set(targets)
    assert {f"multi30k-{name}" for name in TOPICS.values()} < set(topics.names)


def test_draws_are_of_a_seed_and_hold_those_of_fewer_shots(tmp_path: Path) -> None:
    target = task()
    few, many = (draws.support(target, shots, 1, folder=tmp_path).indices for shots in (5, 20))
    assert len(few) == 5
    assert set(few) < set(many)
    assert draws.support(target, 5, 2, folder=tmp_path).indices != few
    assert draws.support(target, 5, 1, seed=7, folder=tmp_path).indices != few
    assert draws.support(target, 0, 0, folder=tmp_path).indices == tuple(range(40))
    short = draws.support(target, 50, 0, folder=tmp_path)
    assert len(short.indices) == 40
    assert short.note == "fewer than 50 pairs: there are 40"


def test_frozen_draws_are_believed_for_their_split_alone(tmp_path: Path) -> None:
    target = task(240)
    draws.FROZEN.freeze([target], tmp_path)
    assert draws.FROZEN.check([target], tmp_path) == ()
    assert draws.support(target, 10, 3, folder=tmp_path).indices == draws.draw(target, 10, 3)
    with pytest.raises(UserError, match="was made on another train split of pairs"):
        draws.support(task(241), 10, 3, folder=tmp_path)
    path = draws_file("pairs", tmp_path)
    path.write_text(path.read_text().replace('"shots":10,"draw":4', '"shots":10,"draw":5'))
    with pytest.raises(UserError, match="draw 4 at 10 shots is missing"):
        draws.support(target, 10, 3, folder=tmp_path)
