"""Many files: which, where to, what is done, one worker or two."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.jobs.choose import has_ray
from fewshot_metalstm.jobs.outcome import Runner
from fewshot_metalstm.jobs.pool import PoolRunner
from fewshot_metalstm.kinds.tagging.bulk.ray_data import RayDataRunner
from fewshot_metalstm.kinds.tagging.bulk.run import (
    BulkReport,
    TagSetup,
    find_inputs,
    finished,
    plan_files,
    tag_files,
)
from fewshot_metalstm.kinds.tagging.bulk.tagging import TagSettings
from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER, save_model
from tests.kinds.tagging.bulk.builders import SETTINGS, article, pubmed
from tests.kinds.tagging.tagger.builders import digests, model


@pytest.fixture
def tagger(tmp_path: Path) -> Path:
    save_model(model(2, TAGGER), tmp_path / "tagger")
    return tmp_path / "tagger"


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.xml").write_bytes(pubmed(article("1", "the cell was in"), article("2", "a")))
    lines = [json.dumps({"id": i, "text": f"we saw cell {i} of the"}) for i in range(300)]
    (folder / "b.jsonl").write_text("\n".join([*lines, "{"]))
    (folder / "c.txt").write_text("and with .\n")
    (folder / "list.md5").touch()
    return folder


def run(
    tagger: Path, inputs: Path, output: Path, runner: Runner | None = None,
    settings: TagSettings = SETTINGS,
) -> BulkReport:  # fmt: skip
    jobs = plan_files(find_inputs([inputs], None)[0], None, output)
    setup = TagSetup(tagger, settings)
    return tag_files(jobs, setup, runner or PoolRunner(1), output, retries=0)


def outputs(folder: Path) -> dict[str, str]:
    return {name: sha for name, sha in digests(folder).items() if not name.startswith("done/")}


def test_files_of_folders_and_by_name(inputs: Path, tmp_path: Path) -> None:
    found, left = find_inputs([inputs, inputs / "list.md5"], "text")
    assert ([path.name for path in found], left) == (
        ["a.xml", "b.jsonl", "c.txt", "list.md5", "list.md5"], 0,
    )  # fmt: skip
    found, left = find_inputs([inputs], None)
    assert ([path.name for path in found], left) == (["a.xml", "b.jsonl", "c.txt"], 1)
    (inputs / "2020").mkdir()  # which is not looked into, and that is said
    (inputs / "2020" / "d.xml").touch()
    assert find_inputs([inputs], None)[1] == 2
    with pytest.raises(UserError, match="add --format pubmed or jsonl or text"):
        find_inputs([inputs / "list.md5"], None)
    with pytest.raises(UserError, match="there is no such file"):
        find_inputs([tmp_path / "nowhere.xml"], None)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no file to tag"):
        find_inputs([tmp_path / "empty"], None)


def test_outputs_are_named_after_inputs(tmp_path: Path) -> None:
    paths = [Path("x/a.xml.gz"), Path("x/b.jsonl"), Path("x/notes")]
    jobs = plan_files(paths, "text", tmp_path)
    assert [job.output.name for job in jobs] == ["a.jsonl.gz", "b.jsonl", "notes.jsonl"]
    with pytest.raises(UserError, match=r"y/a.xml: its output would be that of x/a.xml.gz"):
        plan_files([*paths, Path("y/a.xml")], "text", tmp_path)


def test_finished_files_are_skipped_and_two_workers_equal_one(
    tagger: Path, inputs: Path, tmp_path: Path
) -> None:
    report = run(tagger, inputs, tmp_path / "one")
    assert (report.total("documents"), report.total("bad")) == (303, 1)
    assert report.total("mentions") > 0
    before = digests(tmp_path / "one")
    again = run(tagger, inputs, tmp_path / "one")
    assert (len(again.files), len(again.skipped)) == (0, 3)
    (tmp_path / "one" / "b.jsonl").unlink()  # as if it was killed within this file
    (tmp_path / "one" / ".b.jsonl.abcdefgh.part").mkdir()
    assert [Path(r.input).name for r in run(tagger, inputs, tmp_path / "one").files] == ["b.jsonl"]
    assert not list((tmp_path / "one").glob(".*"))
    run(tagger, inputs, tmp_path / "two", PoolRunner(2))
    whole = {name: sha for name, sha in before.items() if not name.startswith("done/")}
    assert outputs(tmp_path / "one") == outputs(tmp_path / "two") == whole


@pytest.mark.skipif(
    not has_ray(), reason="Ray is not installed: pip install 'fewshot-metalstm[ray]'"
)
@pytest.mark.filterwarnings("ignore")  # Ray's own
@pytest.mark.xdist_group("ray")
def test_ray_data_equals_the_pool(tagger: Path, inputs: Path, tmp_path: Path) -> None:
    run(tagger, inputs, tmp_path / "one")
    report = run(tagger, inputs, tmp_path / "ray", RayDataRunner(2))
    assert not report.failed
    assert outputs(tmp_path / "one") == outputs(tmp_path / "ray")


def test_a_damaged_file_fails_alone(tagger: Path, inputs: Path, tmp_path: Path) -> None:
    (inputs / "a.xml").write_bytes(pubmed(article("1", "a"))[:-30])
    report = run(tagger, inputs, tmp_path / "out")
    ((name, failure),) = report.failed
    assert Path(name).name == "a.xml"
    assert "fetch the file again" in failure.reason
    assert [Path(r.input).name for r in report.files] == ["b.jsonl", "c.txt"]
    shape: dict[str, Any] = report.as_dict()
    assert json.loads(json.dumps(shape)) == shape
    assert shape["failed"][0]["attempts"] == 1
    (inputs / "a.xml").write_bytes(pubmed(article("1", "a")))
    report = run(tagger, inputs, tmp_path / "out")
    assert (len(report.files), len(report.skipped), report.failed) == (1, 2, ())


def test_outputs_of_other_settings_or_inputs_are_refused(
    tagger: Path, inputs: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run(tagger, inputs, out)

    def refused(settings: TagSettings = SETTINGS) -> str:
        with pytest.raises(UserError) as caught:
            run(tagger, inputs, out, settings=settings)
        return str(caught.value)

    line = refused(replace(SETTINGS, model={"model.safetensors": "b"}))
    assert line.startswith(f"{out}/a.jsonl: was made by another model; remove {out}/done/a.json")
    assert "made with another --text" in refused(replace(SETTINGS, with_text=True))
    assert "made with another --documents" in refused(replace(SETTINGS, documents="line"))
    os.utime(inputs / "c.txt", (1, 1))
    assert len(run(tagger, inputs, out).skipped) == 3, "the same text at another time"
    (inputs / "c.txt").write_text("and with !\n")
    assert "c.jsonl: was made from another c.txt" in refused()
    (out / "done" / "c.json").write_text("{")
    assert "c.json: is damaged; remove it" in refused()
    (out / "done" / "c.json").unlink()
    job = plan_files([inputs / "c.txt"], None, out)[0]
    assert finished(job, SETTINGS) is None
