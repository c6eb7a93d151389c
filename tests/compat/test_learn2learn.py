"""learn2learn loads without its optional parts, leaves nothing behind, and is missed politely."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from collections.abc import Iterator

import pytest

from fewshot_metalstm.compat import learn2learn
from fewshot_metalstm.errors import UserError


@pytest.fixture
def unloaded() -> Iterator[None]:
    """A process that has not imported learn2learn, and gets its modules back afterwards."""
    kept = {n: m for n, m in sys.modules.items() if n.split(".")[0] == "learn2learn"}
    for name in kept:
        del sys.modules[name]
    yield
    for name in [n for n in sys.modules if n.split(".")[0] == "learn2learn"]:
        del sys.modules[name]
    sys.modules.update(kept)


def test_load_gives_the_algorithms_and_leaves_no_empty_module() -> None:
    if importlib.util.find_spec("learn2learn") is None:
        pytest.skip("learn2learn is not installed: pip install -r requirements-learn2learn.txt")
    code = (
        "import sys\n"
        "from fewshot_metalstm.compat import learn2learn\n"
        "l2l = learn2learn.load()\n"
        "assert l2l is learn2learn.load()\n"
        "import torch\n"
        "l2l.algorithms.MAML(torch.nn.Linear(2, 1), lr=0.1).clone()\n"
        "for name in ('vision', 'gym', 'text'):\n"
        "    assert f'learn2learn.{name}' not in sys.modules, name\n"
        "    assert not hasattr(l2l, name), name\n"
        "assert 'torchvision' not in sys.modules\n"
        "assert 'gym' not in sys.modules\n"
    )
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=120
    )
    assert (result.returncode, result.stderr) == (0, "")


def test_its_absence_is_one_line_with_the_cure(
    unloaded: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> None:
        assert "learn2learn.vision" in sys.modules
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(UserError, match=r"No module named 'learn2learn'.*make install") as caught:
        learn2learn.load()
    assert "\n" not in str(caught.value)
    assert not [name for name in sys.modules if name.startswith("learn2learn")]
