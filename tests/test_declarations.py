"""The folder of declarations: the installed one, the source tree's, or an error."""

from __future__ import annotations

from pathlib import Path

import pytest

from fewshot_metalstm import declarations
from fewshot_metalstm.errors import UserError

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.skipif(
    not (ROOT / "fewshot_metalstm").is_dir(), reason="the package's sources are not here"
)
def test_the_source_tree_has_it_at_the_top() -> None:
    folder = declarations.folder()
    assert folder == ROOT / "tasks"
    assert (folder / "catalogue.yaml").is_file()


def test_an_installed_folder_comes_first(tmp_path: Path) -> None:
    package = tmp_path / "fewshot_metalstm"
    (package / "tasks").mkdir(parents=True)
    (tmp_path / "tasks").mkdir()
    (tmp_path / "setup.cfg").touch()
    assert declarations.find(package) == package / "tasks"


def test_another_distributions_tasks_beside_an_installed_package_are_not_ours(
    tmp_path: Path,
) -> None:
    package = tmp_path / "fewshot_metalstm"
    package.mkdir()
    (tmp_path / "tasks").mkdir()
    with pytest.raises(UserError, match="install fewshot-metalstm again"):
        declarations.find(package)
