"""``fewshot-metalstm data`` as a user types it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fewshot_metalstm.cli.data import select
from fewshot_metalstm.cli.main import main
from fewshot_metalstm.data.catalogue import Catalogue
from tests.kinds.tagging.corpora.builders import FILES, Server, catalogue, serving


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("FEWSHOT_METALSTM_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("FEWSHOT_METALSTM_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, here: Path) -> Iterator[Server]:
    """A catalogue of one corpus, ``tiny``, and a server that has it."""
    monkeypatch.setattr(Catalogue, "load", classmethod(lambda cls, **_: catalogue()))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving({f"/data/tiny-IOBES/{split}.tsv": text for split, text in FILES.items()}) as it:
        monkeypatch.setenv("FEWSHOT_METALSTM_MIRROR", it.address)
        yield it


def test_data_list(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "list"]) == 0
    out = capsys.readouterr().out
    for words in (("linnaeus", "11935", "4078", "7142", "4263"), ("BC4CHEMD", "yours to bring")):
        assert any(all(word in line for word in words) for line in out.splitlines())
    assert "CC BY 4.0" in out


def test_data_list_json(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "list", "targets", "linnaeus", "--json"]) == 0
    corpora = json.loads(capsys.readouterr().out)["corpora"]
    assert {corpus["name"] for corpus in corpora} == {
        "linnaeus",
        "NCBI-disease",
        "BC5CDR-chem",
        "BC5CDR-disease",
        "BC2GM",
        "AnatEM",
        "JNLPBA",
    }
    assert corpora[0]["files"]["train"]["url"].startswith("https://")


def test_data_status(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "status", "linnaeus", "--data-dir", str(here), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["corpora"] == [
        {"name": "linnaeus", "state": "absent", "folder": None, "problems": []}
    ]
    assert [each["folder"] for each in found["data_folders"]] == [str(here), str(here / "cache")]
    assert main(["data", "status", "linnaeus"]) == 0
    printed = capsys.readouterr().out
    assert "│ linnaeus │ absent │" in printed  # and no markup
    assert "0 of 1 ready; looked in" in printed


def test_data_status_real(here: Path, real_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "status", "bionlp", "--data-dir", str(real_data), "--json"]) == 0
    corpora = json.loads(capsys.readouterr().out)["corpora"]
    assert len(corpora) >= 17
    assert {corpus["state"] for corpus in corpora} == {"ready"}


def test_data_fetch(here: Path, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    server.faults = ["break"]
    # the first try breaks off; the next goes on after a second
    assert main(["data", "fetch", "--json"]) == 0
    captured = capsys.readouterr()
    summary = json.loads(captured.out)
    assert captured.err == ""
    assert (summary["fetched"], summary["present"]) == (["tiny"], [])
    folder = here / "cache/col/data/tiny-IOBES"
    assert (folder / "train.tsv").read_bytes() == FILES["train"]
    assert server.asked[1][1] is not None
    asked = len(server.asked)
    assert main(["data", "fetch", "tiny", "--quiet"]) == 0
    assert capsys.readouterr().out == "0 corpora fetched, 1 there already\n"
    assert len(server.asked) == asked
    assert main(["data", "status", "tiny"]) == 0
    assert "1 of 1 ready" in capsys.readouterr().out


def test_data_fetch_into_a_folder(
    here: Path, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "fetch", "tiny", "--data-dir", "mine"]) == 0
    captured = capsys.readouterr()
    assert captured.out == "1 corpora fetched into mine, 0 there already\n"
    assert "tiny" in captured.err
    assert (here / "mine/col/data/tiny-IOBES/test.tsv").read_bytes() == FILES["test"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fetch", "linaeus"], "there is no corpus 'linaeus' in the catalogue; did you mean linn"),
        (["list", "bionpl"], "did you mean bionlp"),
        (["fetch", "BC4CHEMD", "-q"], "corpus BC4CHEMD: it is not fetched"),
    ],
)
def test_data_errors(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["data", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert message in captured.err
    assert captured.err.count("\n") == 1


def test_data_select() -> None:
    names = [entry.name for entry in select(["bionlp", "linnaeus", "linnaeus"])]
    assert len(names) == len(set(names))
    assert {"BioNLP13CG", "BioNLP11ID-chem", "linnaeus"} <= set(names)
    assert [entry.name for entry in select(())] == list(Catalogue.load(kind=None))
