"""The catalogue as it is shipped."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fewshot_metalstm.data.catalogue import Catalogue
from fewshot_metalstm.data.splits import SPLITS
from fewshot_metalstm.errors import UserError

# corpora of English in general, with their schemes
GENERAL = {"conll2000-chunks": "IOB2", "conll2003": "IOB2", "ud-ewt-pos": "token",
           "ud-ewt-xpos": "token"}  # fmt: skip
# kinds of name that the collection of biomedical corpora has not
FURTHER = {"SciIE": "IOB1", "EBM-NLP": "IOB1", "BioID": "IOBES", "GRO13": "IOBES"}
# where not train, devel and test
SPLITS_OF = {"conll2000-chunks": ["train", "test"], "EBM-NLP": ["train", "test"],
             "BioID": ["train", "test"], "GRO13": ["train", "devel"]}  # fmt: skip


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.load()


def test_catalogue_is_complete(catalogue: Catalogue) -> None:
    assert len(catalogue) == 33 + len(GENERAL) + len(FURTHER)
    brought = ["BC4CHEMD", "BioID", "GRO13"]
    assert [entry.name for entry in catalogue.values() if entry.bring] == brought
    for entry in catalogue.values():
        assert list(entry.files) == SPLITS_OF.get(entry.name, list(SPLITS))
        assert entry.types == tuple(sorted(entry.types))
        assert entry.citation
        assert entry.licence
        if not entry.bring:
            usual = "IOB2" if entry.name == "JNLPBA" else "IOBES"
            assert entry.scheme == (GENERAL | FURTHER).get(entry.name, usual)
            for file in entry.files.values():
                assert re.fullmatch("[0-9a-f]{64}", file.sha256 or "")
                assert file.bytes
                assert file.sentences
                assert file.mentions


def test_catalogue_families(catalogue: Catalogue) -> None:
    families = {"BC5CDR": 3, "BioNLP11ID": 4, "BioNLP13CG": 6, "BioNLP13PC": 4, "CRAFT": 6}
    for family, size in families.items():
        members = [entry.name for entry in catalogue.values() if entry.family == family]
        assert len(members) == size
        assert all(name == family or name.startswith(f"{family}-") for name in members)
    assert sum(entry.family == entry.name for entry in catalogue.values()) == 33 - 23 + 5 + 5


def test_catalogue_urls(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FEWSHOT_METALSTM_MIRROR", raising=False)
    entry = catalogue["linnaeus"]
    path = "data/linnaeus-IOBES/test.tsv"
    assert entry.url("test").endswith(f"/df0df02fae6dbb87d88ffcf323b9096528f06f84/{path}")
    monkeypatch.setenv("FEWSHOT_METALSTM_MIRROR", "http://localhost:1/x/")
    assert entry.url("test") == f"http://localhost:1/x/{path}"
    assert entry.url("test", "file:///y") == f"file:///y/{path}"
    monkeypatch.delenv("FEWSHOT_METALSTM_MIRROR")
    other = Catalogue.load(kind="forecasting")["load-ETTh1"]  # whose folder upstream is another
    assert other.url("series").endswith("/ETT-small/ETTh1.csv")


def test_catalogue_unknown_name(catalogue: Catalogue) -> None:
    with pytest.raises(UserError, match="did you mean NCBI-disease"):
        catalogue["ncbi_disease"]


@pytest.mark.parametrize(
    "text", ["", "format: 2", "[", "format: 1\ncorpora: {x: {}}\ncollections: {}", "format: 1"]
)
def test_catalogue_that_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "catalogue.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=r"catalogue.yaml: .*; restore the file") as caught:
        Catalogue.load(path)
    assert "\n" not in str(caught.value)


def test_catalogue_of_another_kind(catalogue: Catalogue) -> None:
    digits = Catalogue.load(kind="digits")
    assert list(digits) == ["mnist"]
    reviews = Catalogue.load(kind="classification")
    assert len(reviews) == 16
    regions = Catalogue.load(kind="forecasting")
    assert len(regions) == 14
    texts = Catalogue.load(kind="language-model")
    assert len(texts) == 7
    assert texts["enwik8"].url("train") == "https://mattmahoney.net/dc/enwik8.zip"
    pairs = Catalogue.load(kind="translation")
    assert list(pairs) == ["multi30k", "wmt-sample"]
    assert set(Catalogue.load(kind=None)) == {
        *catalogue,
        *reviews,
        *regions,
        *texts,
        *pairs,
        "mnist",
    }
    entry = digits["mnist"]
    assert list(entry.files) == ["train", "train-labels", "test", "test-labels"]
    assert [file.size for file in entry.files.values()] == [60000, 60000, 10000, 10000]
    assert entry.url("test", "file:///y") == "file:///y/mnist/t10k-images-idx3-ubyte.gz"
    assert {known.kind for known in catalogue.values()} == {"tagging"}
    assert catalogue["linnaeus"].files["train"].size == 11935
