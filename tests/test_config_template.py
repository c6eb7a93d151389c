"""Settings as a commented file: it says what the code says."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import pytest

from fewshot_metalstm.config import flat, resolve
from fewshot_metalstm.config_template import comments, template, uncommented
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.first_files import first_files, write_new
from fewshot_metalstm.kinds.tagging.adapt.settings import AdaptRunConfig, SweepConfig
from fewshot_metalstm.kinds.tagging.example import EXAMPLE
from fewshot_metalstm.kinds.tagging.kind import TAGGING
from fewshot_metalstm.kinds.tagging.training.recipe import MetaTrainConfig
from fewshot_metalstm.ranges import AtLeast1, Range


@dataclass(frozen=True)
class Inner:
    """A section. More of it."""

    # what is above, in
    # two lines
    far: float = 1e-3
    near: str = "#a: b"  # beside it


@dataclass(frozen=True)
class Outer(Inner):
    """All."""

    inner: Inner = field(default_factory=Inner)  # of the inner part
    own: Annotated[tuple[int, ...], Range(least=0)] = (1, 2)
    few: AtLeast1 = 3  # how many
    none: int | None = None  # nothing


def test_comments_stand_beside_above_or_in_the_base() -> None:
    above = "what is above, in two lines"
    assert comments(Inner) == {"far": above, "near": "beside it"}
    assert comments(Outer) == {
        "far": above, "near": "beside it", "inner": "of the inner part", "none": "nothing",
        "few": "how many",
    }  # fmt: skip


def test_the_file_is_what_it_should_be(tmp_path: Path) -> None:
    text = template(Outer(), ["Head."])
    assert text.splitlines() == [
        "# Head.",
        "",
        "#far: 0.001  # what is above, in two lines",
        "#near: '#a: b'  # beside it",
        "#own: [1, 2]  # [at least 0]",
        "#few: 3  # how many [at least 1]",
        "#none: null  # nothing",
        "",
        "inner:  # A section. More of it; of the inner part",
        "  #far: 0.001  # what is above, in two lines",
        "  #near: '#a: b'  # beside it",
    ]
    file = tmp_path / "a.yaml"
    for content in (text, uncommented(text)):
        file.write_text(content)
        assert resolve(Outer, file, [], {}) == Outer()
    file.write_text(text.replace("  #far: 0.001", "  far: 1e-2"))
    assert resolve(Outer, file, [], {}).inner == Inner(far=0.01)
    file.write_text("inner: 3\n")
    with pytest.raises(UserError, match="inner is a section"):
        resolve(Outer, file, [], {})


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("meta-train", MetaTrainConfig()),
        ("adapt", AdaptRunConfig()),
        ("sweep", SweepConfig(targets=("example/train.tsv",), shots=(10, 50))),
    ],
)
def test_the_first_files_hold_every_setting_with_its_default(
    tmp_path: Path, name: str, config: object
) -> None:
    text = first_files(TAGGING)[f"{name}.yaml"]
    file = tmp_path / "all.yaml"
    file.write_text(uncommented(text))
    assert resolve(type(config), file, [], {}) == config
    file.write_text(text)
    base = ["targets=[example/train.tsv]", "shots=[10, 50]"] if name == "sweep" else []
    assert resolve(type(config), file, [], {}, base) == config, "as it is, it changes nothing"
    for setting in flat(config):
        assert f"#{setting.split('.')[-1]}: " in text, setting
    assert max(map(len, text.splitlines())) <= 100


def test_settings_are_explained() -> None:
    missing = [
        line
        for name, text in first_files(TAGGING).items() if name.endswith("yaml")
        for line, before in zip(text.splitlines(), ["", *text.splitlines()], strict=False)
        if line.lstrip().startswith("#") and ": " in line and "  # " not in line
        and not line.lstrip().startswith("# ") and not before.lstrip().startswith("# ")
    ]  # fmt: skip
    # A few say themselves, as the seed does.
    assert len({line.strip(" #").split(":")[0] for line in missing}) <= 6, missing


def test_nothing_is_written_over(tmp_path: Path) -> None:
    files = {"a.yaml": "a\n", "deep/b.tsv": EXAMPLE}
    assert write_new(files, tmp_path) == [tmp_path / "a.yaml", tmp_path / "deep" / "b.tsv"]
    (tmp_path / "a.yaml").unlink()
    (tmp_path / "deep" / "b.tsv").write_text("mine")
    with pytest.raises(UserError, match="is there already"):
        write_new(files, tmp_path)
    assert (tmp_path / "deep" / "b.tsv").read_text() == "mine"
    assert not (tmp_path / "a.yaml").exists(), "all or nothing"
