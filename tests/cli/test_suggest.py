"""``fewshot-metalstm suggest`` as a user runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fewshot_metalstm.cli.main import main
from fewshot_metalstm.kinds.tagging.formats import read_documents
from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER, save_model
from tests.cli.builders import refused, run_json
from tests.kinds.tagging.tagger.builders import model

TEXT = "".join(f"Mice number {i} ate the {word} apples.\n" for i, word in enumerate("abcdefgh"))


@pytest.fixture
def tagger(tmp_path: Path) -> Path:
    save_model(model(kind=TAGGER, types=1), tmp_path / "tagger")
    (tmp_path / "notes.txt").write_text(TEXT)
    return tmp_path / "tagger"


def test_table_json_and_files(
    tmp_path: Path, tagger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["suggest", str(tagger), str(tmp_path / "notes.txt"), "-n", "3"]
    assert main(command) == 0
    printed = capsys.readouterr()
    assert "with [mentions] as" in printed.out
    assert "mistakes" in printed.out
    assert "add --output" in printed.err
    value = run_json(command, capsys)
    assert value["output"] is None
    assert len(value["sentences"]) == 3
    for each in value["sentences"]:
        assert TEXT[each["start"] : each["end"]] == each["text"]
        assert 0 <= each["uncertainty"] <= 1
        assert each["expected_mistakes"] > 0
        for mention in each["mentions"]:
            assert each["text"][mention["start"] : mention["end"]] == mention["text"]
    for form, name in (("jsonl", "a.jsonl"), ("brat", "b"), ("conll", "c.conll")):
        output = tmp_path / "out" / name
        again = [*command, "--to", form, "--output", str(output)]
        assert run_json(again, capsys)["output"] == str(output)
        found = {document.text for document in read_documents(output)}
        assert found == {each["text"] for each in value["sentences"]}
        assert "is there already" in refused(again, capsys)
    # What was annotated is not suggested again.
    more = [*command, "--exclude", str(tmp_path / "out" / "a.jsonl"), "-n", "99"]
    rest = run_json(more, capsys)["sentences"]
    assert len(rest) == 5
    assert not {each["text"] for each in rest} & {each["text"] for each in value["sentences"]}
    assert "no sentence is left" in refused(
        [*command, "--exclude", str(tmp_path / "notes.txt")], capsys
    )
    assert "format 'bart' is unknown" in refused([*command, "--to", "bart"], capsys)
