"""Loading a corpus: found by name or path, checked against the catalogue, read or recalled."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from fewshot_metalstm.data import digests, locate
from fewshot_metalstm.data.catalogue import Catalogue, CorpusEntry
from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds.tagging.corpora import schemes
from fewshot_metalstm.kinds.tagging.corpora.bad import ERROR, BadAnnotations
from fewshot_metalstm.kinds.tagging.corpora.cache import EncodedCache
from fewshot_metalstm.kinds.tagging.corpora.columns import parse
from fewshot_metalstm.kinds.tagging.corpora.own_files import own_files
from fewshot_metalstm.kinds.tagging.corpora.reader import ReadResult, read_bytes, resolve
from fewshot_metalstm.kinds.tagging.corpora.schemes import Scheme, Writing
from fewshot_metalstm.kinds.tagging.corpora.sentence import Corpus, TokenLabels
from fewshot_metalstm.kinds.tagging.corpora.universal import words_of

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reading:
    """How token-per-line files are read (see
    :func:`fewshot_metalstm.kinds.tagging.corpora.columns.parse`).
    """

    scheme: Scheme | None = None
    """The tag scheme; None detects it over all the files of a corpus."""
    repair: bool = False
    """Whether illegal tag sequences are mended (and counted) rather than refused."""
    token_column: int = 0
    """Column of the tokens, from 0, or from the end when negative."""
    tag_column: int = -1
    """Column of the tags."""
    writing: Writing = Writing.STRICT
    """How tags are spelt."""
    universal: bool = False
    """Whether the files are of CoNLL-U, of which words are read with their labels."""


@dataclass(frozen=True)
class LoadedCorpus:
    """A corpus and how it was come by: its files, their scheme, the number of tags mended."""

    corpus: Corpus
    files: Mapping[str, Path]
    scheme: Scheme
    mended: int
    cached: bool


def load_corpus(
    name_or_path: str | Path,
    *,
    data_dir: Path | None = None,
    repair: bool = False,
    scheme: Scheme | str | None = None,
    tag_column: int = -1,
    universal: bool = False,
    bad: BadAnnotations | None = None,
    verify: bool = True,
    cache_dir: Path | None = None,
    catalogue: Catalogue | None = None,
) -> Corpus:
    """Load the corpus of a name in the catalogue, or of a path to the user's own files.

    As :func:`load`, for callers that need the text alone; tags that ``repair`` mended are
    logged as a warning. ``tag_column`` and ``universal`` are those of :class:`Reading`.
    """
    given, writing = schemes.written_how(scheme)
    return load(
        name_or_path,
        data_dir=data_dir,
        reading=Reading(
            _parse(given), repair, tag_column=tag_column, writing=writing, universal=universal
        ),
        bad=bad,
        verify=verify,
        cache_dir=cache_dir,
        catalogue=catalogue,
    ).corpus


def load(
    name_or_path: str | Path,
    *,
    data_dir: Path | None = None,
    reading: Reading | None = None,
    bad: BadAnnotations | None = None,
    verify: bool = True,
    cache_dir: Path | None = None,
    catalogue: Catalogue | None = None,
) -> LoadedCorpus:
    """Load a corpus with an account of how it was read.

    A name in the catalogue is looked for in ``data_dir``, ``FEWSHOT_METALSTM_DATA`` and the
    user's cache folder, and its files are checked against the catalogue's SHA-256 unless
    ``verify`` is off. Anything with a path separator, or else that exists, is the user's own: a
    folder with train, devel and test files, one file, or ``train=FILE,test=FILE``; its family is
    its own name, or the catalogue's when it holds a file of the catalogue. What was read is kept
    in ``cache_dir`` (default: ``encoded`` in the user's cache folder) and recalled from there,
    unless ``bad`` repairs or leaves out what is wrong: that is read, and listed, each time.

    Raises :class:`UserError` for what is absent, changed, empty or ill-formed.
    """
    catalogue = catalogue or Catalogue.load()
    reading = reading or Reading()
    name = str(name_or_path)
    entry: CorpusEntry | None = None
    if isinstance(name_or_path, str) and name in catalogue:
        entry = catalogue[name]
        files = locate.locate(entry, data_dir)
        reading = _declared(entry, reading)
    elif isinstance(name_or_path, Path) or locate.is_own(name):
        name, files = own_files(name)
    else:
        raise catalogue.unknown(name)

    contents: dict[str, bytes] = {}
    found: dict[str, str] = {}
    for split, path in files.items():
        contents[split] = read_bytes(path)
        expected = entry.files[split].sha256 if entry is not None else None
        found[split] = digests.catalogued(contents[split], expected)
        if entry is not None and verify and expected not in (None, found[split]):
            raise _changed(path, entry, data_dir)
        if path.suffix == ".gz":
            contents[split] = digests.unpacked_bytes(contents[split], path)

    folder = cache_dir or locate.cache_folder() / "encoded"
    results, cached = _read(files, contents, found, reading, EncodedCache(folder), bad)
    mended = sum(result.mended for result in results.values())
    if mended:
        _log.warning("%s: mended %d illegal tags", name, mended)
    known = entry or next(filter(None, map(catalogue.by_digest, found.values())), None)
    types = sorted({kind for result in results.values() for kind in result.types})
    corpus = Corpus(
        name=name,
        family=known.family if known is not None else name,
        types=TokenLabels(types) if reading.writing is Writing.TOKENS else tuple(types),
        splits={split: result.sentences for split, result in results.items()},
        digests=found,
    )
    scheme = next(iter(results.values())).scheme
    return LoadedCorpus(corpus, files, scheme, mended, cached)


def _read(
    files: Mapping[str, Path],
    contents: Mapping[str, bytes],
    found: Mapping[str, str],
    reading: Reading,
    cache: EncodedCache,
    bad: BadAnnotations | None,
) -> tuple[dict[str, ReadResult], bool]:
    place = cache.path(
        found,
        scheme=reading.scheme,
        repair=reading.repair,
        columns=(reading.token_column, reading.tag_column),
        writing=reading.writing,
        **({"universal": True} if reading.universal else {}),
    )
    strict = bad is None or bad.policy == ERROR
    recalled = cache.read(place) if strict else None
    if recalled is not None and list(recalled) == list(files):
        return recalled, True
    parsed = {
        split: words_of(contents[split], path, reading.tag_column, bad)
        if reading.universal
        else parse(
            contents[split],
            path,
            token_column=reading.token_column,
            tag_column=reading.tag_column,
            bad=bad,
            writing=reading.writing,
        )
        for split, path in files.items()
    }
    results = resolve(parsed, scheme=reading.scheme, repair=reading.repair, bad=bad)
    if strict:
        cache.write(place, results)
    return results, False


def _declared(entry: CorpusEntry, reading: Reading) -> Reading:
    """How a corpus of the catalogue is read: as it declares, where nothing else was asked for."""
    if entry.scheme is not None and reading.scheme is None:
        given, writing = schemes.written_how(entry.scheme)
        reading = replace(reading, scheme=_parse(given), writing=writing)
    return replace(
        reading, tag_column=entry.tag_column, universal=entry.universal
    )  # fmt: skip


def _parse(scheme: Scheme | str | None) -> Scheme | None:
    if scheme is None:
        return None
    try:
        return Scheme.parse(scheme)
    except ValueError as error:
        raise UserError(str(error)) from None


def _changed(path: Path, entry: CorpusEntry, data_dir: Path | None) -> UserError:
    return at(
        path,
        None,
        f"is not the file of corpus {entry.name} that the catalogue knows (its SHA-256 differs)",
        f"{locate.cure(entry, data_dir)}, or give the path of its folder to use it as your own",
    )
