"""Annotated text as the checks see it: sentences with their places, whatever the format was."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from fewshot_metalstm.data.splits import SPLITS
from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds.tagging.checking.faults import faulty
from fewshot_metalstm.kinds.tagging.checking.finding import Finding
from fewshot_metalstm.kinds.tagging.checking.standoff import documents_of
from fewshot_metalstm.kinds.tagging.checking.tags import read_tagged
from fewshot_metalstm.kinds.tagging.corpora.bad import FILE, LIST, BadAnnotations
from fewshot_metalstm.kinds.tagging.corpora.own_files import own_files
from fewshot_metalstm.kinds.tagging.corpora.schemes import TOKEN, spans
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence, Span
from fewshot_metalstm.kinds.tagging.formats import Notes, detect, find
from fewshot_metalstm.kinds.tagging.formats.columns import columns_asked
from fewshot_metalstm.kinds.tagging.formats.looks import tabbed

_ALIASES = {"train": "train", "training": "train", "dev": "devel", "devel": "devel",
            "valid": "devel", "validation": "devel", "test": "test"}  # fmt: skip
_NAMED = re.compile(rf"(?:.*[-_.])?({'|'.join(_ALIASES)})", re.IGNORECASE)
_LOOKED_AT = 65536  # characters


@dataclass(frozen=True)
class Placed:
    """A sentence in IOBES; ``place`` tells of a token's number where it stands (file:line)."""

    sentence: Sentence
    place: Callable[[int], str]

    @property
    def mentions(self) -> list[Span]:
        """Its mentions."""
        return spans(self.sentence.tags)

    def words(self, span: Span) -> str:
        """The tokens of a mention with blanks between them."""
        return " ".join(self.sentence.tokens[span.start : span.end])


@dataclass(frozen=True)
class Text:
    """The splits of a text and what reading them showed already.

    ``splits`` maps train, devel, test, or the empty name of a text without splits.
    """

    path: str
    format: str
    scheme: str | None
    splits: dict[str, list[Placed]] = field(default_factory=dict)
    found: tuple[Finding, ...] = ()

    @property
    def labels(self) -> bool:
        """Whether every token has a label."""
        return self.scheme is not None and self.scheme.strip().lower() == TOKEN

    def all(self) -> Iterator[Placed]:
        """The sentences of all splits."""
        for sentences in self.splits.values():
            yield from sentences

    def learned(self) -> list[Placed]:
        """The sentences that would be learned from: of train, or of a text without splits."""
        return self.splits.get("train", self.splits.get("", []))


def read(
    source: str, format: str | None = None, examples: int = 3, scheme: str | None = None,
    tag_column: str | None = None,
) -> Text:  # fmt: skip
    """Read a file, a folder, or ``train=FILE,test=FILE``.

    Illegal tags, bad annotations and documents that cannot be read are findings and no reason to
    stop.

    Args:
        format: a name of :data:`fewshot_metalstm.kinds.tagging.formats.FORMATS`; None detects it.
        examples: how many places a finding names.
        scheme: of its tags, as `adapt --scheme` has it; None detects it.
        tag_column: of its tags, as `adapt --tag-column` has it.

    Raises:
        UserError: what is absent or cannot be read at all.
    """
    files = _files(source)
    bad, notes = BadAnnotations(LIST), Notes()
    kinds = {}
    for split, path in files.items():
        try:
            kinds[split] = format or kind_of(path)
        except UserError as error:
            if len(files) == 1:
                raise
            bad.document(error, FILE)
    if not kinds:
        raise UserError(f"{source}: {bad.faults[0].place}: {bad.faults[0].problem}, and so on; "
                        "check the files one by one")  # fmt: skip
    files = {split: files[split] for split in kinds}
    if len(set(kinds.values())) > 1:
        each = ", ".join(f"{files[split].name} as {kind}" for split, kind in kinds.items())
        raise UserError(f"{source}: the files differ in their format ({each}); name it: --format")
    kind = next(iter(kinds.values()))
    asked = columns_asked(files, scheme, tag_column, kind)
    if scheme is not None and asked is None:
        find(kind).scheme("--scheme", scheme)
    if kind in ("conll", "conll-plain") or asked is not None:
        tagged = read_tagged(files, examples, bad, scheme, **(asked or {}))
        splits = {
            split: [
                Placed(sentence, partial(_line, files[split], line)) for sentence, line in sentences
            ]
            for split, sentences in tagged.splits.items()
        }
        found = (*faulty(bad, notes, examples), *tagged.findings)
        return Text(source, kind, tagged.scheme, splits, found)
    splits = {}
    findings: tuple[Finding, ...] = ()
    for split, path in files.items():
        try:
            placed, findings = documents_of(path, kind, findings, examples, bad, notes, scheme)
        except UserError as error:
            if len(files) == 1:
                raise
            bad.document(error, FILE)
            placed = []
        splits[split] = [Placed(sentence, place) for sentence, place in placed]
    return Text(source, kind, None, splits, (*faulty(bad, notes, examples), *findings))


def kind_of(path: Path) -> str:
    """The format of a file or folder; a ``.txt`` in columns by tabs is taken for such."""
    name = detect(path).name
    if name == "text" and path.is_file():
        with path.open(encoding="utf-8", errors="replace") as file:
            lines = file.read(_LOOKED_AT).split("\n")[:50]
        if tabbed(lines):
            return "conll"
    return name


def _line(path: Path, first: int, number: int) -> str:
    return f"{path}:{first + number}"


def _files(source: str) -> dict[str, Path]:
    path = Path(source).expanduser()
    if not path.is_dir():
        name, files = own_files(source)
        del name
        return files if "=" in source and not path.exists() else {"": path}
    if any(path.glob("*.ann")):
        return {"": path}
    found: dict[str, Path] = {}
    for each in sorted(path.iterdir()):
        match = _NAMED.fullmatch(each.stem)
        if match is None or each.name.startswith("."):
            continue
        split = _ALIASES[match[1].lower()]
        if split in found:
            both = f"{found[split].name} and {each.name}"
            cure = f"name the files as train={found[split]},test=FILE"
            raise at(path, None, f"both {both} could be its {split} split", cure)
        found[split] = each
    if not found:
        return {"": path}
    return {split: found[split] for split in SPLITS if split in found}
