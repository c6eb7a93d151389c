"""Settings from files, overrides and options."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fewshot_metalstm.config import as_mapping, dump, flat, from_mapping, read_mapping, resolve
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.training.recipe import MetaTrainConfig


@dataclass(frozen=True)
class Inner:
    rate: float = 0.5
    steps: int = 3
    noise: bool = True


@dataclass(frozen=True)
class Outer:
    name: str = "a"
    tags: tuple[str, ...] = ()
    limit: int | None = None
    inner: Inner = field(default_factory=Inner)


def write(folder: Path, text: str) -> Path:
    path = folder / "settings.yaml"
    path.write_text(text)
    return path


def test_precedence_is_default_base_file_set_option(tmp_path: Path) -> None:
    file = write(tmp_path, "name: file\ninner:\n  steps: 20\n  rate: 2\n")
    made = resolve(
        Outer,
        file,
        ["inner.rate=3", "tags=[x, y]"],
        {"name": "option", "inner.noise": None},
        base=["name=base", "inner.steps=10", "limit=7"],
    )
    assert made == Outer("option", ("x", "y"), 7, Inner(3.0, 20, True))
    assert isinstance(made.inner.rate, float)
    assert resolve(Outer, None, [], {}) == Outer()
    assert resolve(Outer, write(tmp_path, ""), [], {}) == Outer()
    assert resolve(Outer, None, ["limit=null"], {}, base=["limit=1"]).limit is None


def test_a_section_keeps_the_defaults_that_it_has_where_it_stands(tmp_path: Path) -> None:
    """One field that is set leaves the others as this config has them, not as the section does."""

    @dataclass(frozen=True)
    class Whole:
        other: Outer = field(default_factory=lambda: Outer("b", inner=Inner(0.1, 7)))
        tenth: Inner = Inner(0.1)

    made = resolve(Whole, None, ["other.limit=2"], {"tenth.steps": 9}, base=["other.inner.rate=4"])
    assert made == Whole(Outer("b", limit=2, inner=Inner(4.0, 7)), Inner(0.1, 9))
    assert resolve(Whole, write(tmp_path, "other: {inner: {noise: false}}"), [], {}) == Whole(
        Outer("b", inner=Inner(0.1, 7, False))
    )
    assert from_mapping(Whole, as_mapping(made), "here") == made


def test_round_trip(tmp_path: Path) -> None:
    made = Outer("é: 1", ("x",), 3, Inner(1e-5, 1, False))
    assert resolve(Outer, write(tmp_path, dump(made)), [], {}) == made
    assert from_mapping(Outer, as_mapping(made), "x") == made
    assert flat(made) == {
        "name": "é: 1", "tags": ("x",), "limit": 3, "inner.rate": 1e-5, "inner.steps": 1,
        "inner.noise": False,
    }  # fmt: skip


def test_a_tiny_number_is_a_number_and_not_a_word() -> None:
    # PyYAML reads 1e-3 (no dot) as a string; a user means the number.
    for text in ("1e-3", "1E-3", "1.e-3", "0.001"):
        assert resolve(Outer, None, [f"inner.rate={text}"], {}).inner.rate == 1e-3


def test_the_default_recipe_survives_its_own_file(tmp_path: Path) -> None:
    file = write(tmp_path, dump(MetaTrainConfig()))
    assert resolve(MetaTrainConfig, file, [], {}) == MetaTrainConfig()


@pytest.mark.parametrize(
    ("override", "fault"),
    [
        ("inner.step=1", r"--set: unknown setting inner\.step; did you mean inner\.steps\?"),
        ("inner.zzz=1", r"unknown setting inner\.zzz; known: inner\.\w+, inner\."),
        ("iner.steps=1", r"unknown setting iner; did you mean inner\?"),
        ("zzz=1", "unknown setting zzz; known: name, tags, limit, inner"),
        ("inner=1", "inner is a section; set one of its fields"),
        ("name.x=1", r"name=\{'x': 1\} is not of type str"),
        ("inner.steps=1.5", r"inner\.steps=1\.5 is not of type int"),
        ("inner.steps=true", r"inner\.steps=True is not of type int"),
        ("inner.noise=1", r"inner\.noise=1 is not of type bool"),
        ("inner.rate=fast", r"inner\.rate='fast' is not of type float"),
        ("tags=x", r"tags='x' is not of type"),
        ("tags=[1]", r"tags=\[1\] is not of type"),
        ("name=", "name=None is not of type str"),
        ("inner.steps", r"--set inner\.steps: no '='; write --set section\.field=value"),
        ("name=[", "is not YAML; quote it"),
        ("name=2026-13-45", "is not YAML; quote it"),
        ("tags=" + "[" * 3000, "--set tags: the value is nested too deeply"),
        (
            "inner.steps=[" + "x, " * 3000 + "]",
            r"inner\.steps=\['x', .*\.\.\.\] is not of",
        ),
    ],
)
def test_overrides_that_do_not_fit(override: str, fault: str) -> None:
    with pytest.raises(UserError, match=fault) as caught:
        resolve(Outer, None, [override], {})
    assert "\n" not in str(caught.value)


def test_overrides_that_contradict_each_other() -> None:
    with pytest.raises(UserError, match="name is no section"):
        resolve(Outer, None, ["name=a", "name.x=1"], {})


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("inner:\n  stepz: 1\n", r"settings\.yaml: unknown setting inner\.stepz; did you mean"),
        ("name: a\n  b: [\n", r"settings\.yaml:2: not valid YAML"),
        ("name: a\ntags: [x\n", r"settings\.yaml:3: not valid YAML"),
        ("- a\n", r"settings\.yaml:1: not a mapping"),
        ("1: a\n", "unknown setting 1; known: name"),
        ("inner: 3\n", "inner is a section"),
    ],
)
def test_files_that_do_not_fit(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(UserError, match=fault) as caught:
        resolve(Outer, write(tmp_path, text), [], {})
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"absent: cannot be read \(No such file"):
        read_mapping(tmp_path / "absent")
    with pytest.raises(UserError, match="cannot be read"):
        read_mapping(tmp_path)
    path = tmp_path / "bytes"
    path.write_text("inner: " + "{a: " * 3000)
    with pytest.raises(UserError, match="bytes: nested too deeply"):
        read_mapping(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="bytes: not valid YAML"):
        read_mapping(path)


@dataclass(frozen=True)
class Own:
    """A config with other defaults for a section than the section has by itself."""

    inner: Inner = field(default_factory=lambda: Inner(rate=0.1, noise=False))


def test_a_setting_leaves_the_own_defaults_of_its_section() -> None:
    assert resolve(Own, None, (), {}).inner == Inner(0.1, 3, False)
    assert resolve(Own, None, ("inner.steps=9",), {}).inner == Inner(0.1, 9, False)
    assert resolve(Own, None, (), {"inner.rate": 2.0}).inner == Inner(2.0, 3, False)
