"""Loading corpora by name and by path, and the real ones as they were counted."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from fewshot_metalstm.data.catalogue import Catalogue
from fewshot_metalstm.data.digests import sha256
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.corpora import store
from fewshot_metalstm.kinds.tagging.corpora.schemes import Scheme, spans
from fewshot_metalstm.kinds.tagging.corpora.store import Reading, load, load_corpus
from tests.kinds.tagging.corpora.builders import FILES, catalogue


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A data folder that holds the corpus ``tiny``."""
    monkeypatch.setenv("FEWSHOT_METALSTM_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("FEWSHOT_METALSTM_DATA", raising=False)
    folder = tmp_path / "data" / "tiny-IOBES"
    folder.mkdir(parents=True)
    for split, text in FILES.items():
        (folder / f"{split}.tsv").write_bytes(text)
    return tmp_path / "data"


def test_load_by_name(data: Path) -> None:
    corpus = load_corpus("tiny", data_dir=data, catalogue=catalogue())
    assert (corpus.name, corpus.family, corpus.types) == ("tiny", "tiny-family", ("Sp",))
    assert {split: len(s) for split, s in corpus.splits.items()} == {
        "train": 30,
        "devel": 3,
        "test": 4,
    }
    assert corpus.digests["test"] == sha256(FILES["test"])
    assert corpus.splits["test"][3].tokens == ("test3", "E.", "coli")
    assert spans(corpus.splits["test"][3].tags)[0].type == "Sp"


def test_load_recalls(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load("tiny", data_dir=data, catalogue=catalogue())
    assert not first.cached

    def no_parsing(*_: object, **__: object) -> None:
        raise AssertionError("the text was parsed again")

    with monkeypatch.context() as patch:
        patch.setattr(store, "parse", no_parsing)
        second = load("tiny", data_dir=data, catalogue=catalogue())
    assert second.cached
    assert second.corpus == first.corpus
    for path in (data.parent / "cache" / "encoded").iterdir():
        path.write_bytes(path.read_bytes()[:-9])
    third = load("tiny", data_dir=data, catalogue=catalogue())
    assert not third.cached
    assert third.corpus == first.corpus


def test_load_changed_file(data: Path) -> None:
    path = data / "tiny-IOBES" / "test.tsv"
    path.write_bytes(FILES["test"] + b"\nnew\tO\n")
    with pytest.raises(UserError, match=r"test.tsv: is not the file of corpus tiny .*data fetch"):
        load("tiny", data_dir=data, catalogue=catalogue())
    loaded = load("tiny", data_dir=data, catalogue=catalogue(), verify=False)
    assert len(loaded.corpus.splits["test"]) == 5


def test_load_accepts_crlf_checkouts(data: Path) -> None:
    path = data / "tiny-IOBES" / "test.tsv"
    path.write_bytes(FILES["test"].replace(b"\n", b"\r\n"))
    loaded = load("tiny", data_dir=data, catalogue=catalogue())
    assert loaded.corpus.digests["test"] == sha256(FILES["test"])
    assert loaded.corpus.splits["test"][0].tokens == ("test0", "E.", "coli")


def test_load_unknown_name(data: Path) -> None:
    with pytest.raises(UserError, match="no corpus 'Tinny' in the catalogue; did you mean tiny"):
        load("Tinny", data_dir=data, catalogue=catalogue())
    with pytest.raises(UserError, match="`fewshot-metalstm data list` shows"):
        load("zzzzzzz", data_dir=data, catalogue=catalogue())


def test_load_own_folder(data: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "train.txt").write_text("a B-X\nb I-X\n")
    (mine / "test.txt").write_text("a O\n")
    loaded = load(str(mine), catalogue=catalogue())
    assert (loaded.corpus.name, loaded.corpus.family) == ("mine", "mine")
    assert (loaded.scheme, loaded.corpus.types) == (Scheme.IOB2, ("X",))
    assert list(loaded.corpus.splits) == ["train", "test"]
    (mine / "test.txt").write_text("")
    with pytest.raises(UserError, match=r"test.txt: holds no sentence"):
        load(mine, catalogue=catalogue())


def test_load_own_copy_of_a_known_corpus_keeps_its_family(data: Path) -> None:
    corpus = load_corpus(data / "tiny-IOBES", catalogue=catalogue())
    assert (corpus.name, corpus.family) == ("tiny-IOBES", "tiny-family")


def test_load_repairs_only_when_asked(
    data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "illegal.tsv"
    path.write_text("a\tB-X\n\nb\tI-Y\nc\tE-X\n\nd\tS-X\n")
    for _ in range(2):
        with pytest.raises(UserError, match="pass --repair"):
            load_corpus(path, catalogue=catalogue())
    for cached in (False, True):
        loaded = load(path, catalogue=catalogue(), reading=Reading(repair=True))
        assert (loaded.mended, loaded.cached) == (3, cached)
    with caplog.at_level(logging.WARNING):
        load_corpus(path, catalogue=catalogue(), repair=True)
    assert "illegal: mended 3 illegal tags" in caplog.text


def test_load_where_the_cache_cannot_be_written(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FEWSHOT_METALSTM_CACHE", "/dev/null")
    assert len(load_corpus("tiny", data_dir=data, catalogue=catalogue()).splits) == 3


def test_load_brought(data: Path) -> None:
    (data / "tiny-IOBES").rename(data / "brought")
    loaded = load("brought", data_dir=data, catalogue=catalogue())
    assert (loaded.scheme, loaded.corpus.family) == (Scheme.IOBES, "brought-family")


# sentences and mentions of train, devel and test, as they were counted independently
COUNTED = {
    "AnatEM": ((5861, 6946), (2118, 2139), (3830, 4616)),
    "BC2GM": ((12574, 15197), (2519, 3061), (5038, 6325)),
    "BC5CDR": ((4560, 9385), (4581, 9593), (4797, 9809)),
    "BioNLP09": ((7462, 9296), (1448, 2078), (2446, 3589)),
    "BioNLP11EPI": ((5698, 7586), (1955, 2495), (4122, 5730)),
    "BioNLP11ID": ((2496, 5674), (721, 1598), (1961, 3810)),
    "BioNLP13CG": ((3033, 10826), (1003, 3616), (1906, 6881)),
    "BioNLP13GE": ((2449, 3566), (2737, 4132), (3391, 4359)),
    "BioNLP13PC": ((2499, 7853), (857, 2734), (1695, 5306)),
    "CRAFT": ((10875, 29026), (3730, 9727), (7425, 18881)),
    "Ex-PTM": ((1377, 1787), (437, 603), (1839, 2308)),
    "linnaeus": ((11935, 2119), (4078, 711), (7142, 1433)),
    "NCBI-disease": ((5424, 5134), (923, 787), (940, 960)),
}


@pytest.mark.slow
@pytest.mark.xdist_group("corpora")
def test_load_real_corpora(real_data: Path, read_corpora: Path) -> None:
    known = Catalogue.load()
    general = ("conll2000-chunks", "conll2003", "ud-ewt-pos", "ud-ewt-xpos")
    for name in (
        *COUNTED,
        *general,
        "JNLPBA",
        "BC5CDR-chem",
        "BioNLP11ID-species",
        "BioNLP13CG-cc",
    ):
        corpus = load_corpus(name, data_dir=real_data, cache_dir=read_corpora, catalogue=known)
        counts = {
            split: (len(sentences), sum(len(spans(s.tags)) for s in sentences))
            for split, sentences in corpus.splits.items()
        }
        files = known[name].files
        assert counts == {s: (files[s].sentences, files[s].mentions) for s in files}, name
        assert tuple(counts.values()) == COUNTED.get(name, tuple(counts.values())), name
        assert corpus.types == known[name].types
        assert corpus.family == known[name].family
    assert [known["JNLPBA"].files[split].sentences for split in FILES] == [16807, 1739, 3856]
