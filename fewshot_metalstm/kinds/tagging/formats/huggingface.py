"""Data sets of Hugging Face as JSON: ``tokens`` and ``ner_tags``, a sentence an object.

The tags are strings in any scheme, or whole numbers; the names of the numbers stand in a file
beside the data: ``NAME.labels.json`` (for ``NAME.json``), ``labels.json`` or ``label_names.json``
(a list, or an object such as ``id2label`` of a model's config), ``labels.txt`` (a name a line), or
``dataset_info.json`` as `save_to_disk` writes it. Parquet files
say them within. ``tags`` and ``labels`` are read for
``ner_tags`` too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds.tagging.corpora import schemes
from fewshot_metalstm.kinds.tagging.corpora.bad import SEQUENCE, TAG, BadAnnotations
from fewshot_metalstm.kinds.tagging.corpora.columns import read_tag
from fewshot_metalstm.kinds.tagging.corpora.schemes import Scheme, Writing
from fewshot_metalstm.kinds.tagging.formats import files
from fewshot_metalstm.kinds.tagging.formats.document import Document
from fewshot_metalstm.kinds.tagging.formats.jsonl import objects, write_objects
from fewshot_metalstm.kinds.tagging.formats.looks import TAGS
from fewshot_metalstm.kinds.tagging.formats.notes import Notes
from fewshot_metalstm.kinds.tagging.formats.overlaps import ERROR
from fewshot_metalstm.kinds.tagging.formats.records import Place
from fewshot_metalstm.kinds.tagging.formats.tagged import scheme_called, tagged_sentences
from fewshot_metalstm.kinds.tagging.formats.token_lists import blank, joined, tokens_of


def read(
    path: Path,
    notes: Notes,
    bad: BadAnnotations,
    *,
    scheme: Scheme | str | None = None,
    repair: bool = False,
) -> Iterator[Document]:
    """The sentences of a file, a document each; one scheme holds for all."""
    yield from sentences(objects(path, bad), path, names_beside(path), notes, bad, scheme, repair)


def sentences(
    records: Iterable[tuple[Place, Mapping[str, Any]]],
    path: Path,
    names: list[str] | None,
    notes: Notes,
    bad: BadAnnotations,
    scheme: Scheme | str | None,
    repair: bool,
) -> Iterator[Document]:
    """The sentences of objects with ``tokens`` and ``ner_tags``; ``names`` are those of numbers."""
    scheme, writing = schemes.written_how(scheme)
    read: list[tuple[Place, str, list[str], list[str]]] = []
    for count, (place, record) in enumerate(records, 1):
        try:
            read.append(_sentence(record, place, f"{path.stem}-{count}", names, writing))
        except UserError as error:
            bad.leave_out(error, TAG)
    try:
        chosen = Scheme.parse(scheme) if scheme else schemes.detect(tags for *_, tags in read)
    except ValueError as mixed:
        raise at(path, None, str(mixed), "name the scheme with --scheme") from None
    for place, name, tokens, tags in read:
        wrong = schemes.violations(tags, chosen)
        if wrong:
            illegal = place.error(f"{wrong[0].reason} in {chosen}", "mend it, or pass --repair")
            words = " ".join(tags)
            if not repair and not bad.repairs:
                bad.leave_out(illegal, SEQUENCE, words)
                continue
            notes["mended_tags"] += schemes.repair(tags, chosen)[1]
            if bad.repairs:
                bad.mended(illegal, SEQUENCE, words, "tags mended")
        yield joined(name, tokens, schemes.decode(tags))


def _sentence(
    record: Mapping[str, Any],
    place: Place,
    fallback: str,
    names: list[str] | None,
    writing: Writing,
) -> tuple[Place, str, list[str], list[str]]:
    given = record.get("id")
    name = fallback if given is None else place.name(given, "the id")
    place = place.named(name)
    tokens = tokens_of(record.get("tokens"), place, "'tokens'")
    key = next((key for key in TAGS if isinstance(record.get(key), list)), TAGS[0])
    tags = [
        _tag(each, key, place, names, writing) for each in place.items(record.get(key), f"'{key}'")
    ]
    if len(tags) != len(tokens):
        raise place.error(f"has {len(tokens)} tokens and {len(tags)} tags", "give one a token")
    lost = blank(tokens, place)
    kept = [number for number in range(len(tokens)) if number not in lost]
    return place, name, [tokens[n] for n in kept], [tags[n] for n in kept]


def _tag(value: Any, key: str, place: Place, names: list[str] | None, writing: Writing) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        if names is None:
            raise place.error(
                f"'{key}' holds numbers, and no file beside it names them",
                f"write the list of names to {place.path.with_suffix('.labels.json').name}",
            )
        if not 0 <= value < len(names):
            problem = f"the tag {str(value)[:20]} is none of the {len(names)} that have names"
            raise place.error(problem, "mend it")
        value = names[value]
    words = place.text(value, f"a tag of '{key}'")
    tag = read_tag(words, writing)
    if tag is None:
        raise place.error(
            f"tag {words[:40]!r} is not O or <letter>-<type>",
            "mend it, or pass --scheme IO if tags are types alone",
        )
    return tag


def names_beside(path: Path) -> list[str] | None:
    """The names of tags from a file beside the data."""
    for file in (
        path.with_suffix(".labels.json"),
        *(path.with_name(name) for name in ("labels.json", "label_names.json", "labels.txt",
                                            "dataset_info.json")),
    ):  # fmt: skip
        if file == path or not file.is_file():
            continue
        text = files.read_text(file)
        if file.suffix == ".txt":
            return [line.strip() for line in text.splitlines() if line.strip()]
        found = listed(files.parse_json(text, file))
        if found is not None:
            return found
    return None


def listed(value: Any) -> list[str] | None:
    """The names in a list, an ``id2label`` or the features of a data set."""
    if isinstance(value, dict):
        value = value.get("id2label", value)
        features = value.get("features") if isinstance(value, dict) else None
        if isinstance(features, dict):
            column = next((features[key] for key in TAGS if key in features), None)
            inner = column.get("feature", column) if isinstance(column, dict) else None
            value = inner.get("names") if isinstance(inner, dict) else None
        elif isinstance(value, dict):
            numbered = [value.get(str(number)) for number in range(len(value))]
            value = numbered
    if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
        return value
    return None


def write(
    documents: Iterable[Document],
    path: Path,
    notes: Notes,
    *,
    scheme: Scheme | str = Scheme.IOB2,
    overlaps: str = ERROR,
) -> None:
    """Write a file, a sentence a line, tags as strings."""
    chosen = scheme_called(scheme)

    def records() -> Iterator[dict[str, Any]]:
        for document in documents:
            notes["lost_text"] += bool(document.text)
            placed = tagged_sentences(document, chosen, overlaps=overlaps, notes=notes, path=path)
            for number, (tokens, tags) in enumerate(placed, 1):
                yield {
                    "id": document.id if len(placed) == 1 else f"{document.id}-{number}",
                    "tokens": list(tokens), "ner_tags": list(tags),
                }  # fmt: skip

    write_objects(records(), path)
