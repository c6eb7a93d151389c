"""UIMA CAS as XMI, by dkpro-cassis (the extra ``xmi``): as INCEpTION and DKPro export it.

The type system, which says what an annotation is, stands in a file beside: ``TypeSystem.xml`` or
``NAME.typesystem.xml``. Mentions are the annotations of named entities (DKPro's, and layers derived
from it) and of types of one's own; what a mention is stands in the first of the features ``value``,
``label``, ``entityType`` and ``type`` that holds text, else of INCEpTION's own layers in the first
of their texts, else it is the name of the type. Annotations of other DKPro layers (parts of
speech, say) are left out and counted.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds.tagging.corpora.bad import OFFSETS, BadAnnotations
from fewshot_metalstm.kinds.tagging.formats import files
from fewshot_metalstm.kinds.tagging.formats.document import Bounds, Document, Mention
from fewshot_metalstm.kinds.tagging.formats.notes import Notes

_FEATURES = ("value", "label", "entityType", "type")
_TEXT = "uima.cas.String"
_DKPRO = "de.tudarmstadt.ukp."
_ENTITY = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"
_OWN = ("webanno.custom.", "custom.")
_SEGMENTS = "de.tudarmstadt.ukp.dkpro.core.api.segmentation.type."
_DOCUMENT = "uima.tcas.DocumentAnnotation"


def read(path: Path, notes: Notes, bad: BadAnnotations) -> Iterator[Document]:
    """The one document of a file, its id the file's name."""
    cassis = _cassis()
    cas = _loaded(cassis, path)
    text = cas.sofa_string
    if not isinstance(text, str):
        raise at(path, None, "has no text", "export it with its text")
    mentions: list[Mention] = []
    bounds: dict[str, list[Bounds]] = {"Sentence": [], "Token": []}
    for each in cas.select_all_annotations():
        begin, end, kind = each.begin, each.end, each.type
        if _is(kind, _DOCUMENT):
            continue
        placed = isinstance(begin, int) and isinstance(end, int) and 0 <= begin < end <= len(text)
        name = kind.name.removeprefix(_SEGMENTS)
        if name in bounds and kind.name != name:
            if placed:
                bounds[name].append((begin, end))
            continue
        if kind.name.startswith(_DKPRO) and not _is(kind, _ENTITY):
            notes["other_layers"] += 1
            continue
        if not placed:
            error = at(path, None, f"an annotation of {kind.name} at {begin}-{end} is empty, or "
                       f"not within the text of {len(text)} characters", "mend it")  # fmt: skip
            bad.leave_out(error, OFFSETS, f"{kind.name} {begin} {end}")
            continue
        mentions.append(Mention(begin, end, _type(each, kind)))
    mentions.sort(key=lambda m: (m.start, -m.end))
    yield Document(
        path.stem, text, tuple(mentions), (),
        tuple(sorted(bounds["Sentence"])), tuple(sorted(bounds["Token"])),
    )  # fmt: skip


def _loaded(cassis: Any, path: Path) -> Any:
    """The annotations of a file and its type system."""
    system = next((file for file in _systems(path) if file.is_file()), None)
    if system is None:
        raise at(path, None, "has no type system beside it",
                 "export it with TypeSystem.xml into one folder")  # fmt: skip
    place = system
    try:
        types = cassis.load_typesystem(io.BytesIO(_plain(system)))
        place = path
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # An offset that is no character's would else be taken for another's.
            warnings.filterwarnings("error", message="Not mapping")
            return cassis.load_cas_from_xmi(io.BytesIO(_plain(path)), typesystem=types)
    except UserError:
        raise
    except Exception as error:  # of many kinds, for anything that is not as it should be
        reason = " ".join(str(error).split())[:120]
        problem = f"cannot be read as XMI ({type(error).__name__}: {reason})"
        raise at(place, None, problem, "export it again, with its type system") from None


def _systems(path: Path) -> Iterator[Path]:
    yield path.with_suffix(".typesystem.xml")
    for name in ("TypeSystem.xml", "typesystem.xml"):
        yield path.with_name(name)


def _plain(path: Path) -> bytes:
    """The bytes of an XML file in UTF-8 that declares nothing: no entity can expand."""
    data = files.read_bytes(path, files.MAX_JSON)
    files.decode(data, path)
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data or b"\0" in data:
        raise at(path, None, "declares a document type, which is not read", "remove it")
    return data


def _is(kind: Any, name: str) -> bool:
    """Whether a type is the one called ``name``, or derived from it."""
    while kind is not None:
        if kind.name == name:
            return True
        kind = kind.supertype
    return False


def _type(annotation: Any, kind: Any) -> str:
    """What a mention is."""
    given = [feature.name for feature in kind.all_features if feature.rangeType.name == _TEXT]
    own = given if kind.name.startswith(_OWN) else []
    for name in (*_FEATURES, *own):
        value = getattr(annotation, name, None) if name in given else None
        if isinstance(value, str) and value.strip():
            return value.strip()
    return str(kind.name).rpartition(".")[2]


def _cassis() -> Any:
    try:
        import cassis
    except ImportError:
        raise UserError(
            "UIMA CAS XMI needs the package dkpro-cassis, which is not installed; "
            "pip install 'fewshot-metalstm[xmi]'"
        ) from None
    return cassis
