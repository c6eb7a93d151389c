"""Which encoder a tagger needs, found again or asked for in one line."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from fewshot_metalstm.encoders.reference import VARIABLE, read_reference, refer
from fewshot_metalstm.errors import UserError
from tests.encoders.fakes import REFERENCE
from tests.kinds.tagging.adapt.needed import tiny_bert, transformers_or_skip


def test_it_is_found_by_its_folder_or_where_it_has_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tiny_bert(tmp_path / "tiny")
    found = refer(str(folder))
    assert (found.name, found.size) == (str(folder), 32)
    assert found.opened().folder == folder.resolve()
    assert read_reference(json.loads(json.dumps(vars(found)))) == found
    moved = folder.rename(tmp_path / "moved")
    with pytest.raises(UserError, match=r"needs the encoder .*tiny with SHA-256 \w{16}, which"):
        found.opened()
    monkeypatch.setenv(VARIABLE, str(moved))
    assert found.opened().folder == moved.resolve()
    with pytest.raises(UserError, match=rf"moved: is another encoder .*; give .* {VARIABLE}="):
        replace(found, sha256="0" * 64).opened()
    monkeypatch.setenv(VARIABLE, str(tmp_path / "none"))
    with pytest.raises(UserError, match=rf"{VARIABLE}=.*none: no such folder") as problem:
        found.opened()
    assert "\n" not in str(problem.value)


def test_a_folder_that_is_no_encoder(tmp_path: Path) -> None:
    transformers_or_skip()
    with pytest.raises(UserError, match=r"vectors\.encoder=.*none: no such folder"):
        refer(str(tmp_path / "none"))
    folder = tiny_bert(tmp_path / "tiny")
    (folder / "config.json").write_text('{"hidden_size": "x"}')
    with pytest.raises(UserError, match=r"config\.json: does not say hidden_size"):
        refer(str(folder))


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    for ask in (REFERENCE.opened, lambda: refer("x")):
        with pytest.raises(UserError, match=r"pip install 'fewshot-metalstm\[contextual\]'") as no:
            ask()
        assert "\n" not in str(no.value)
