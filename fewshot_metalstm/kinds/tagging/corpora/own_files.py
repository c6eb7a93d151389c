"""A user's own annotated text: which file is which split."""

from __future__ import annotations

import re
from pathlib import Path

from fewshot_metalstm.data.splits import CURE, WORDS, in_order, is_list, listed
from fewshot_metalstm.errors import at

_SPLIT_AT_END = re.compile(
    rf"(?:^|.*[-_.])({'|'.join(WORDS)})(?:[-_]?set)?(?:\.(?:pubtator|bioc))?", re.IGNORECASE
)
_EXTENSIONS = re.compile(
    r"\.(tsv|csv|txt|conll|conllu|bio|iob|iob1|iob2|iobes|bioes|bilou|col|tags|data"
    r"|jsonl|ndjson|json|xml|xmi|pubtator|spacy|parquet|zip)",
    re.IGNORECASE,
)


def own_files(source: str) -> tuple[str, dict[str, Path]]:
    """Name and files (by split) of a user's own corpus.

    ``source`` is a folder with files such as ``train.tsv``, ``dev.conll`` or ``x-test.jsonl``, or
    with folders of texts and annotations (BRAT) so named; one file or one folder of texts and
    annotations, which becomes the train split; or ``train=FILE,test=FILE``. Raises
    :class:`UserError` for what is absent or ambiguous.
    """
    if is_list(source) and not Path(source).exists():
        return listed(source)
    path = Path(source).expanduser()
    if path.is_file():
        return path.stem, {"train": path}
    if not path.is_dir():
        raise at(path, None, "there is no such file or folder", "check the path")
    found: dict[str, Path] = {}
    documents = _documents(path)
    if all(_SPLIT_AT_END.fullmatch(file.stem) for file in documents):
        documents = []  # a text a split; else one called blood-test is a document beside others
    for file in sorted(path.iterdir()):
        name = file.stem if file.is_file() else file.name
        match = _SPLIT_AT_END.fullmatch(name)
        if match is None or file.name.startswith(".") or file in documents:
            continue
        if not (_EXTENSIONS.fullmatch(file.suffix) if file.is_file() else _documents(file)):
            continue
        split = WORDS[match[1].lower()]
        if split in found:
            both = f"{found[split].name} and {file.name}"
            raise at(path, None, f"both {both} could be its {split} split", CURE)
        found[split] = file
    if not found and documents:
        return path.resolve().name, {"train": path}
    if not found:
        raise at(path, None, "holds no train, devel or test file", CURE)
    return path.resolve().name, in_order(found)


def _documents(folder: Path) -> list[Path]:
    """The texts of a folder with annotations beside them, in itself."""
    return [
        file
        for file in folder.glob("*.txt")
        if any(file.with_suffix(suffix).is_file() for suffix in (".ann", ".a1"))
    ]
