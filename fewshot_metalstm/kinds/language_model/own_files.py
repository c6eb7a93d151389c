"""A user's own text as a task: one file, or one for each split."""

from __future__ import annotations

from pathlib import Path

from fewshot_metalstm.data.splits import is_list, listed
from fewshot_metalstm.data.text_files import unknown_file
from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds.language_model.tasks import TRAIN, TextTask
from fewshot_metalstm.kinds.language_model.text import Document, read_document


def load_own(source: str) -> TextTask:
    """The task of a file or a folder of them, or of ``train=FILE,test=FILE``.

    A file alone is a document like those of a target: a support is its beginning, and what comes
    next is scored. In a folder every ``.txt`` is one. What is given as ``train=FILE`` is learned
    from as a whole, and scored is the file ``test``, if there is one.

    Raises:
        UserError: files that are absent, empty or no UTF-8 text.
    """
    if is_list(source) and not Path(source).exists():
        name, files = listed(source)
        if TRAIN not in files:
            raise UserError(f"{source}: has no train split; name the files as train=FILE,test=FILE")
        documents: list[Document] = []
        splits: dict[str, tuple[int, ...]] = {}
        for split, path in files.items():
            found = _documents(path)
            splits[split] = tuple(range(len(documents), len(documents) + len(found)))
            documents += found
        name = name.split(".")[0]
        return TextTask(name, name, tuple(documents), splits)
    path = Path(source).expanduser()
    documents = _documents(path)
    name = path.resolve().name.split(".")[0]
    return TextTask(name, name, tuple(documents), {TRAIN: tuple(range(len(documents)))},
                    follows=True)  # fmt: skip


def _documents(path: Path) -> list[Document]:
    path = path.expanduser()
    if path.is_dir():
        found = [read_document(each) for each in sorted(path.glob("*.txt"))]
        if not found:
            raise at(path, None, "has no .txt file in it", "give a text file, or a folder of them")
        return found
    if not path.exists():
        raise unknown_file(path)
    return [read_document(path)]
