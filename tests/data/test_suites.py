"""Declarations of suites and targets: the packaged ones, and mistakes in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from fewshot_metalstm.data.catalogue import Catalogue
from fewshot_metalstm.data.suites import TaskSpec, load_suite, load_suites, load_targets
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.corpora.demo import (
    DEMO_META_TRAIN,
    DEMO_META_VALIDATION,
    DEMO_TARGET,
)


def test_suite_bionlp_is_the_protocols() -> None:
    suite = load_suite("bionlp")
    names = {
        "BioNLP09",
        "BioNLP11EPI",
        "BioNLP13GE",
        "BioNLP11ID",
        "BioNLP13CG",
        "BioNLP13PC",
        *(f"BioNLP11ID-{part}" for part in ("chem", "ggp", "species")),
        *(f"BioNLP13CG-{part}" for part in ("cc", "cell", "chem", "ggp", "species")),
        *(f"BioNLP13PC-{part}" for part in ("cc", "chem", "ggp")),
    }
    assert {spec.corpus for spec in suite.tasks} == names
    assert len(suite.tasks) == 17
    assert {spec.corpus for spec in suite.validation} == {*names, "Ex-PTM"}
    assert {spec.split for spec in suite.tasks} == {"train"}
    assert {spec.split for spec in suite.validation} == {"devel"}
    assert suite.exclude == "official"


def test_suite_mtl_bio_is_every_corpus_that_can_be_fetched() -> None:
    suite = load_suite("mtl-bio")
    catalogue = Catalogue.load()
    fetched = {
        name for name, entry in zip(catalogue, catalogue.values(), strict=True)
        if not entry.bring and entry.collection.name == "MTL-Bioinformatics-2016"
    }  # fmt: skip
    assert {spec.corpus for spec in suite.tasks} == fetched
    assert suite.exclude == "given"


def test_suite_mtl_wide_is_mtl_bio_and_four_further_corpora() -> None:
    suite, inner, catalogue = load_suite("mtl-wide"), load_suite("mtl-bio"), Catalogue.load()
    corpora = {spec.corpus for spec in suite.tasks}
    assert corpora - {spec.corpus for spec in inner.tasks} == {"SciIE", "EBM-NLP", "BioID", "GRO13"}
    assert corpora > {spec.corpus for spec in inner.tasks}
    for spec in (*suite.tasks, *suite.validation):
        assert set(spec.types) <= set(catalogue[spec.corpus].types)
        assert spec.split in catalogue[spec.corpus].files
    assert {spec.corpus for spec in suite.validation} == corpora - {"EBM-NLP", "BioID"}
    assert suite.exclude == "given"


def test_a_suite_extends_another(tmp_path: Path) -> None:
    def declare(name: str, text: str) -> None:
        (tmp_path / f"{name}.yaml").write_text(f"name: {name}\n{text}")

    # By the order of names the one that extends is read first.
    declare("small", "tasks: [A]\nvalidation: [B]\n")
    declare("large", "extends: small\ntasks: [C]\nvalidation: [tasks]\nexclude: given\n")
    large = load_suite("large", tmp_path)
    assert large.tasks == (TaskSpec("A"), TaskSpec("C"))
    assert large.validation == (TaskSpec("B", split="devel"), TaskSpec("C", split="devel"))
    assert (large.extends, large.exclude) == ("small", "given")
    assert list(load_suites(tmp_path)) == ["large", "small"]
    declare("large", "extends: small\ntasks: [A]\n")
    with pytest.raises(UserError, match=r"large\.yaml: A stands twice under tasks"):
        load_suites(tmp_path)
    declare("large", "extends: small\ntasks: [C]\n")
    for text in ("extends: large\ntasks: [D]\n", "extends: none\ntasks: [D]\n"):
        declare("larger", text)
        with pytest.raises(UserError, match=r"no suite of tagging that stands alone; use .* small"):
            load_suites(tmp_path)
    declare("larger", "extends: small\nkind: digits\ntasks: [D]\n")
    with pytest.raises(UserError, match=r"no suite of digits that stands alone; name the tasks"):
        load_suites(tmp_path)


def test_suite_demo_is_the_embedded_one() -> None:
    suite = load_suite("demo")
    assert tuple(spec.corpus for spec in suite.tasks) == DEMO_META_TRAIN
    assert tuple(spec.corpus for spec in suite.validation) == DEMO_META_VALIDATION
    assert suite.synthetic
    assert load_targets().synthetic == (DEMO_TARGET,)


def test_suite_targets_are_the_protocols_and_in_no_suite_but_mtl_bio() -> None:
    targets = load_targets()
    assert targets.official == (
        "linnaeus",
        "NCBI-disease",
        "BC5CDR-chem",
        "BC5CDR-disease",
        "BC2GM",
        "AnatEM",
        "JNLPBA",
    )
    catalogue = Catalogue.load()
    families = {catalogue[name].family for name in targets.official}
    for suite in load_suites().values():
        if suite.exclude == "official":
            assert not families & {catalogue[name].family for name in suite.corpora}


def test_suite_reads_types_and_names_its_corpora_once(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(
        "name: s\ntasks:\n  - A\n  - {corpus: A, types: [y, x]}\nvalidation: [tasks, B]\n"
    )
    suite = load_suite("s", tmp_path)
    assert suite.tasks == (TaskSpec("A"), TaskSpec("A", ("x", "y")))
    assert [spec.name for spec in suite.validation] == ["A", "A:x+y", "B"]
    assert suite.corpora == ("A", "B")


def test_suites_and_targets_of_another_kind(tmp_path: Path) -> None:
    assert list(load_suites(kind="digits")) == ["digits"]
    reviews = load_suites(kind="classification")
    load = load_suites(kind="forecasting")
    assert set(load_suites(kind=None)) == {
        *load_suites(), *reviews, *load, "digits", "characters", "translation-topics",
    }  # fmt: skip
    suite = load_suite("digits", kind="digits")
    assert (suite.kind, suite.corpora) == ("digits", ("mnist",))
    assert load_targets(kind="digits").all == ("digits-6789",)
    assert load_targets(kind="none such").all == ()
    for text in ("kinds: [a]", "kinds: {digits: [a]}", "kinds: {digits: {offcial: [a]}}"):
        (tmp_path / "targets.yaml").write_text(text)
        with pytest.raises(UserError, match=r"targets.yaml: (kinds is not|unknown key offcial)"):
            load_targets(tmp_path, "digits")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name: s\ntasks: [A]\ntask: 1\n", "unknown key task"),
        ("tasks: [A]\n", "name is missing"),
        ("name: s\n", "tasks is missing"),
        ("name: s\ntasks: A\n", "must be lists"),
        ("name: s\ntasks: [A, A]\n", "A stands twice under tasks"),
        ("name: s\ntasks: [{name: A}]\n", "cannot read the task"),
        ("name: s\ntasks: [A]\nexclude: all\n", "exclude is 'all'"),
        ("- a\n", "is not a YAML mapping"),
        ("name: [\n", "cannot be read"),
    ],
)
def test_suite_mistakes_name_the_file(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=says) as caught:
        load_suites(tmp_path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message


def test_suite_unknown_name_lists_those_that_there_are() -> None:
    with pytest.raises(UserError, match="no suite bio; the suites are bionlp, demo, mtl-bio"):
        load_suite("bio")
