"""What a worker raised is raised in the process that waits for it."""

from __future__ import annotations

import pickle
from types import SimpleNamespace
from typing import Any

import pytest

from fewshot_metalstm.adapt import execute
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.jobs.outcome import Worker
from fewshot_metalstm.kinds import registry


class Picky(Exception):
    """Pickles, and cannot be made again of what was pickled."""

    def __init__(self, code: int, *, what: str) -> None:
        super().__init__(f"{what}: {code}")


@pytest.mark.parametrize(
    ("raised", "kind", "says"),
    [
        (Picky(7, what="the real one"), RuntimeError, r"Picky: the real one: 7"),
        (ValueError("as it was"), ValueError, "^as it was$"),
        (UserError("mend it"), UserError, "^mend it$"),
    ],
)
def test_the_real_fault_is_told(
    raised: Exception, kind: type[Exception], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def do_cell(*_: Any) -> None:
        raise raised

    toy = SimpleNamespace(loaded=lambda model: model, do_cell=do_cell)
    monkeypatch.setattr(registry, "kind", lambda name: toy)
    setup: Any = execute._Setup("toy", None, None)  # type: ignore[arg-type]
    outcome = Worker(setup).attempt(0, None)
    sent = pickle.loads(pickle.dumps(outcome))  # as the pool does
    with pytest.raises(kind, match=says):
        execute._result(sent)
