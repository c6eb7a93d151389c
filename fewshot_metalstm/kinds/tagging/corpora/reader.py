"""Reading annotated text: its tag scheme found, validated or mended, and converted to IOBES.

What the lines of a file may look like is :mod:`fewshot_metalstm.kinds.tagging.corpora.columns`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds.tagging.corpora import schemes
from fewshot_metalstm.kinds.tagging.corpora.bad import SEQUENCE, BadAnnotations
from fewshot_metalstm.kinds.tagging.corpora.columns import ParsedFile, parse
from fewshot_metalstm.kinds.tagging.corpora.schemes import Scheme
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence


@dataclass(frozen=True)
class ReadResult:
    """What a file held: ``sentences`` in IOBES, and how they were come by.

    ``scheme`` is the one that the file was written in, ``mended`` the number of tags that repair
    changed, ``types`` the entity types in sorted order, ``comments`` the comment lines passed.
    """

    sentences: tuple[Sentence, ...]
    scheme: Scheme
    mended: int
    types: tuple[str, ...]
    comments: int = 0


def read_columns(
    path: Path | str,
    *,
    scheme: Scheme | str | None = None,
    repair: bool = False,
    token_column: int = 0,
    tag_column: int = -1,
) -> ReadResult:
    """Read one labelled file; ``scheme`` is detected when it is not given.

    Columns count from 0, or from the end when negative. Raises :class:`UserError`, with file,
    line and cure, for an illegal tag sequence (unless ``repair``), a malformed tag, a wrong
    number of columns, bytes that are not UTF-8, and a file without a sentence.
    """
    parsed = parse(read_bytes(path), path, token_column=token_column, tag_column=tag_column)
    return resolve({"": parsed}, scheme=scheme, repair=repair)[""]


def read_tokens(path: Path | str, *, token_column: int = 0) -> tuple[tuple[str, ...], ...]:
    """The sentences of an unlabelled token-per-line file: any columns, of which one is read.

    Raises :class:`UserError` as :func:`read_columns` does, tags apart.
    """
    parsed = parse(read_bytes(path), path, token_column=token_column, tag_column=None)
    return tuple(parsed.tokens)


def read_bytes(path: Path | str) -> bytes:
    """The bytes of ``path``; a :class:`UserError` where it cannot be read."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise at(path, None, f"cannot be read ({reason})", "check the path") from None


def resolve(
    files: Mapping[str, ParsedFile],
    *,
    scheme: Scheme | str | None = None,
    repair: bool = False,
    bad: BadAnnotations | None = None,
) -> dict[str, ReadResult]:
    """Judge the files of one corpus together, and convert them to IOBES.

    One scheme holds for all: a split in which only ``O`` occurs says nothing of its own.
    ``types`` of each result are those of its own file. Where ``bad`` repairs, it does as
    ``repair`` does; where it skips, sentences with illegal tags are left out, of ``files`` too.
    """
    chosen = _scheme(files, scheme)
    if bad is not None and not repair:
        repair = bad.repairs
        for parsed in files.values() if bad.repairs or bad.skips else ():
            _list_illegal(parsed, chosen, bad)
    results: dict[str, ReadResult] = {}
    converted: dict[tuple[str, ...], tuple[tuple[str, ...], int]] = {}
    for split, parsed in files.items():
        mended = 0
        sentences: list[Sentence] = []
        for tokens, tags in zip(parsed.tokens, parsed.tags, strict=True):
            known = converted.get(tags)
            if known is None:
                legal, changed = schemes.repair(tags, chosen) if repair else (tags, 0)
                try:
                    known = converted[tags] = (schemes.to_iobes(legal, chosen), changed)
                except schemes.IllegalTagsError:
                    raise _illegal(files, chosen, detected=scheme is None) from None
            sentences.append(Sentence(tokens, known[0]))
            mended += known[1]
        types = {tag[2:] for tags in set(parsed.tags) for tag in tags if tag != "O"}
        results[split] = ReadResult(
            tuple(sentences), chosen, mended, tuple(sorted(types)), parsed.comments
        )
    return results


def _list_illegal(parsed: ParsedFile, scheme: Scheme, bad: BadAnnotations) -> None:
    """List the sentences with illegal tags, and leave them out where these are not repaired."""
    legal: dict[tuple[str, ...], bool] = {}
    kept = []
    for number, tags in enumerate(parsed.tags):
        if tags not in legal:
            legal[tags] = not schemes.violations(tags, scheme)
        if legal[tags]:
            kept.append(number)
            continue
        first = schemes.violations(tags, scheme)[0]
        line = parsed.lines[number] + first.index
        error = at(parsed.path, line, f"{first.reason} in {scheme}", "mend the tags")
        words = " ".join(tags)
        if bad.repairs:
            bad.mended(error, SEQUENCE, words, "tags mended")
        else:
            bad.leave_out(error, SEQUENCE, words)
    if len(kept) < len(parsed.tags) and not bad.repairs:
        parsed.tokens = [parsed.tokens[number] for number in kept]
        parsed.tags = [parsed.tags[number] for number in kept]
        parsed.lines = [parsed.lines[number] for number in kept]


def _scheme(files: Mapping[str, ParsedFile], scheme: Scheme | str | None) -> Scheme:
    if scheme is not None:
        try:
            return Scheme.parse(scheme)
        except ValueError as error:
            raise UserError(str(error)) from None
    try:
        return schemes.detect(tags for parsed in files.values() for tags in parsed.tags)
    except ValueError:
        raise _mixed(files) from None


def _mixed(files: Mapping[str, ParsedFile]) -> UserError:
    seen: dict[str, str] = {}
    for parsed in files.values():
        for start, tags in zip(parsed.lines, parsed.tags, strict=True):
            for index, tag in enumerate(tags):
                group = "IOBES" if tag[0] in "ES" else "BILOU" if tag[0] in "LU" else None
                if group is not None:
                    seen.setdefault(group, tag)
                if len(seen) == 2:
                    first = next(iter(seen.values()))
                    return at(
                        parsed.path,
                        start + index,
                        f"{tag} belongs to {group}, but {first} before it does not",
                        "name the scheme with --scheme and mend the others with --repair",
                    )
    raise AssertionError("detect() found two schemes where there is one")


def _illegal(files: Mapping[str, ParsedFile], scheme: Scheme, *, detected: bool) -> UserError:
    """The first violation of all the files, and how many there are."""
    count, place = 0, None
    for parsed in files.values():
        for start, tags in zip(parsed.lines, parsed.tags, strict=True):
            for violation in schemes.violations(tags, scheme):
                count += 1
                place = place or (parsed.path, start + violation.index, violation.reason)
    if place is None:
        raise AssertionError("no violation where there should be one")
    path, line, reason = place
    if detected:
        own = {
            parsed.path: schemes.detect(parsed.tags)
            for parsed in files.values()
            if any(tag != "O" for tags in parsed.tags for tag in tags)
        }
        if len(set(own.values())) > 1:
            each = ", ".join(f"{Path(path).name} as {kind}" for path, kind in own.items())
            return at(path, line, f"{reason}; the files differ ({each})", "write all in one scheme")
    more = f" (the first of {count} illegal tags)" if count > 1 else ""
    how = "detected" if detected else "given"
    return at(
        path,
        line,
        f"{reason} in {scheme}, the scheme {how}{more}",
        "mend the file, name its scheme with --scheme, or pass --repair or --bad-annotations skip",
    )
