"""Claims on a folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.jobs.folder import claimed


def test_one_process_at_a_time_and_again_later(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    code = (
        "import sys; from pathlib import Path; from fewshot_metalstm.jobs.folder import claimed\n"
        "with claimed(Path(sys.argv[1]), 'the sweep'): print('held')"
    )
    with claimed(folder, "the sweep"):
        other = subprocess.run(
            [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, timeout=300
        )
    assert "another process is writing the sweep there" in other.stderr
    assert "held" not in other.stdout
    (folder / "result").touch()
    with claimed(folder, "the sweep"):
        pass


def test_folders_of_others_are_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with (
        pytest.raises(UserError, match="holds other files; name another folder for x"),
        claimed(tmp_path, "x"),
    ):
        pass
    with pytest.raises(UserError, match="is a file"), claimed(tmp_path / "thesis.tex", "x"):
        pass
