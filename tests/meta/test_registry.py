"""The one list of meta-learners: what it says is so, and what other packages add to it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from fewshot_metalstm import entry_points
from fewshot_metalstm.config import resolve
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.meta import registry
from fewshot_metalstm.meta.algorithm import InnerConfig
from fewshot_metalstm.meta.config import TrainingConfig
from fewshot_metalstm.meta.engines import ENGINES
from fewshot_metalstm.meta.fomaml import FirstOrderMAML
from fewshot_metalstm.meta.make import make_algorithm
from tests.packages import install, run_with

CONFIG = TrainingConfig()
LIGHT = """\
from fewshot_metalstm.meta.entry import AlgorithmEntry

{name} = AlgorithmEntry("{name}", "one of others", "{target}", {more})
"""
# A class that says it all itself.
OWN = """\
from dataclasses import dataclass
from typing import ClassVar

from fewshot_metalstm.meta.entry import AlgorithmEntry
from fewshot_metalstm.meta.fomaml import FirstOrderMAML


@dataclass(frozen=True)
class Own(FirstOrderMAML):
    entry: ClassVar[AlgorithmEntry] = AlgorithmEntry(
        "own", "says it itself", orders=(1,), presets=("inner.lr=0.25",), tune="head"
    )

    @classmethod
    def from_config(cls, config):
        return cls(config.inner)
"""
FOMAML = "fewshot_metalstm.meta.fomaml:FirstOrderMAML"
Put = Callable[..., None]


def clear() -> None:
    entry_points.installed.cache_clear()
    registry._loaded.cache_clear()


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Put]:
    """Put a package of others in reach of this process, for the time of a test."""
    modules: set[str] = set()

    def do(name: str, points: Mapping[str, str], **sources: str) -> None:
        files = {f"{module}.py": text for module, text in sources.items()}
        monkeypatch.syspath_prepend(str(install(tmp_path / name, name, points, files)))
        modules.update(sources)
        clear()

    clear()
    yield do
    monkeypatch.undo()
    for module in modules:
        sys.modules.pop(module, None)
    clear()


def test_every_entry_holds_what_it_promises() -> None:
    for name, entry in registry.BUILT_IN.items():
        assert name == entry.name
        assert "\n" not in entry.about
        assert len(entry.about) <= 80, "a line of a table"
        config = resolve(
            TrainingConfig, None, [], {"algorithm": name, "inner.steps": 2}, entry.presets
        )
        for order in entry.orders:
            make_algorithm(replace(config, order=order))
        if 2 not in entry.orders:
            with pytest.raises(UserError, match=r"leave out --order 2|use --algorithm maml"):
                make_algorithm(replace(config, order=2))
            with pytest.raises(UserError, match="--truncate is for second order"):
                make_algorithm(replace(config, truncate=1))
        for engine in ENGINES:
            asked = replace(config, engine=engine)
            if entry.inner == "descent" or engine == CONFIG.engine:
                make_algorithm(asked)
            else:
                with pytest.raises(UserError, match=r"leave out .*--engine"):
                    make_algorithm(asked)
        idle = replace(config, inner=replace(config.inner, steps=0))
        if entry.inner == "own" and entry.needs_steps:
            with pytest.raises(UserError, match="needs at least 1"):
                make_algorithm(idle)
        else:
            make_algorithm(idle)


def test_only_joint_training_has_no_outer_loop() -> None:
    jointly = [name for name in registry.BUILT_IN if registry.jointly(name)]
    assert jointly == ["joint", "nnshot", "structshot"]
    assert not registry.jointly("no such")
    assert not registry.jointly(None)
    for name in jointly:
        with pytest.raises(UserError, match=f"an outer loop, which {name} has not"):
            make_algorithm(replace(CONFIG, algorithm=name, start="runs/x"))


def test_what_is_unknown(put: Put) -> None:
    del put  # with nothing of others in reach
    assert registry.names() == tuple(registry.BUILT_IN)
    assert registry.lookup("proto") is None
    assert (registry.presets("proto"), registry.usual_tune("proto")) == ((), "all")
    with pytest.raises(UserError, match="algorithm 'proto' is unknown; use fomaml or maml or"):
        registry.find("proto")


def test_another_packages_entry(put: Put) -> None:
    more = 'orders=(1,), engines=("func",), inner="descent", presets=("engine=func",)'
    put("light-one", {"LIGHT": "light_one:LIGHT"},
        light_one=LIGHT.format(name="LIGHT", target=FOMAML, more=more))  # fmt: skip
    assert registry.names() == (*registry.BUILT_IN, "LIGHT")
    assert "light_one" not in sys.modules, "names are known without importing the package"
    entry = registry.find("LIGHT")
    assert (entry.package, entry.presets) == ("light-one", ("engine=func",))
    assert registry.entries()[-1] is entry
    config = replace(CONFIG, algorithm="LIGHT", inner=InnerConfig(steps=3))
    assert make_algorithm(replace(config, engine="func")) == FirstOrderMAML(InnerConfig(steps=3))
    with pytest.raises(UserError, match="LIGHT does not go with the engine higher; use --engine f"):
        make_algorithm(config)


def test_a_class_that_says_its_own_entry(put: Put) -> None:
    put("own-one", {"own": "own_one:Own"}, own_one=OWN)
    made = make_algorithm(replace(CONFIG, algorithm="own"))
    assert type(made).__name__ == "Own"
    assert made.inner == CONFIG.inner
    assert registry.presets("own") == ("inner.lr=0.25",)
    assert registry.usual_tune("own") == "head"
    with pytest.raises(UserError, match="own has no second order; use --algorithm maml"):
        make_algorithm(replace(CONFIG, algorithm="own", order=2))


def test_second_order_alone(put: Put) -> None:
    put("two", {"TWO": "two_module:TWO"},
        two_module=LIGHT.format(name="TWO", target=FOMAML, more="orders=(2,)"))  # fmt: skip
    make_algorithm(replace(CONFIG, algorithm="TWO", order=2))
    with pytest.raises(UserError, match="TWO is of second order; leave out --order 1"):
        make_algorithm(replace(CONFIG, algorithm="TWO", order=1))


def test_a_name_that_is_taken(put: Put) -> None:
    put("grabber", {"maml": "grabber_module:MAML"}, grabber_module="")
    with pytest.raises(UserError, match=r"package grabber .* 'maml', which fewshot-metalstm has"):
        registry.names()
    assert registry.find("maml") is registry.BUILT_IN["maml"], "runs by other names go on"


def test_two_packages_of_one_name(put: Put) -> None:
    for number in ("a", "b"):
        put(f"pack-{number}", {"same": f"same_{number}:X"}, **{f"same_{number}": ""})
    with pytest.raises(UserError, match="uninstall pack-b, or rename it") as caught:
        registry.find("same")
    assert "which pack-a has too" in str(caught.value)


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("import no_such_module_at_all\n", "ModuleNotFoundError: No module named"),
        ("raise ValueError('on\\ntwo lines')\n", "ValueError: on two lines"),
        ("", "AttributeError"),
        ("bad = 3\n", "neither an AlgorithmEntry nor a class with one as its `entry`"),
        (LIGHT.format(name="x", target=FOMAML, more="") + "bad = x\n", "its name is 'x'"),
        (LIGHT.format(name="bad", target="", more=""), "has no factory"),
        (LIGHT.format(name="bad", target=FOMAML, more="orders=(3,)"), r"the orders \(3,\)"),
        (LIGHT.format(name="bad", target=FOMAML, more='engines=("x",)'), r"the engines \('x',\)"),
        (LIGHT.format(name="bad", target=FOMAML, more='inner="odd"'), "its inner is 'odd'"),
        (OWN.replace("Own", "bad").replace('"own"', '"bad"').split("    @class")[0]
         .replace("FirstOrderMAML)", "object)"), "no from_config"),
    ],
)  # fmt: skip
def test_a_broken_package_is_one_line_with_its_name(put: Put, source: str, fault: str) -> None:
    put("broken-one", {"bad": "broken_one:bad"}, broken_one=source)
    assert "bad" in registry.names()
    with pytest.raises(UserError, match=f"the package broken-one registers .*{fault}") as caught:
        registry.entries()
    assert "\n" not in str(caught.value)
    assert "update broken-one, or uninstall it" in str(caught.value)


def test_a_factory_that_is_not_there_names_its_package(put: Put) -> None:
    source = LIGHT.format(name="bad", target="no_such_module_at_all:X", more="")
    put("broken-two", {"bad": "broken_two:bad"}, broken_two=source)
    with pytest.raises(UserError, match=r"package broken-two .*no_such_module_at_all"):
        make_algorithm(replace(CONFIG, algorithm="bad"))


def test_the_table_and_the_settings_import_no_torch() -> None:
    code = (
        "import sys\n"
        "import fewshot_metalstm.meta.config, fewshot_metalstm.meta.budget\n"
        "from fewshot_metalstm.meta.registry import entries\n"
        "assert entries()\n"
        "assert not {'torch', 'numpy', 'yaml'} & set(sys.modules)\n"
    )
    done = run_with([], "-c", code)
    assert done.returncode == 0, done.stderr
