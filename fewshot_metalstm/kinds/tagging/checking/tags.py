"""Token-per-line files read for what is wrong with their tags, rather than refused for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.checking.finding import ERROR, Finding
from fewshot_metalstm.kinds.tagging.corpora import schemes
from fewshot_metalstm.kinds.tagging.corpora.bad import FILE, BadAnnotations
from fewshot_metalstm.kinds.tagging.corpora.columns import ParsedFile, parse
from fewshot_metalstm.kinds.tagging.corpora.reader import read_bytes
from fewshot_metalstm.kinds.tagging.corpora.schemes import Scheme
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.kinds.tagging.corpora.universal import words_of


@dataclass(frozen=True)
class Tagged:
    """Sentences in IOBES with the line of their first token, the scheme, and what was wrong."""

    splits: Mapping[str, list[tuple[Sentence, int]]]
    scheme: str
    findings: tuple[Finding, ...]


def read_tagged(
    files: Mapping[str, Path], examples: int, bad: BadAnnotations, given: str | None = None, *,
    tag_column: int = -1, universal: bool = False,
) -> Tagged:  # fmt: skip
    """Read the files of one corpus, mentions of illegal tags leniently (as conlleval does).

    Lines that are none of tokens, and files that cannot be read among others, go to ``bad``.
    ``given`` is the scheme, as `adapt --scheme` has it; None detects it. ``tag_column`` and
    ``universal`` are those of :class:`~fewshot_metalstm.kinds.tagging.corpora.store.Reading`.

    Raises:
        UserError: the one file that there is has no tokens and tags in columns; no such scheme.
    """
    named, writing = schemes.written_how(given)
    try:
        chosen = None if named is None else Scheme.parse(named)
    except ValueError as unknown:
        raise UserError(f"--scheme: {unknown}") from None
    parsed = {}
    for split, path in files.items():
        try:
            data = read_bytes(path)
            parsed[split] = (
                words_of(data, path, tag_column, bad) if universal
                else parse(data, path, tag_column=tag_column, bad=bad, writing=writing)
            )  # fmt: skip
        except UserError as error:
            if len(files) == 1:
                raise
            bad.document(error, FILE)
            parsed[split] = ParsedFile(path)
    scheme, findings = _scheme(parsed) if chosen is None else (chosen, ())
    how = "detected" if chosen is None else "named"
    findings += _illegal(parsed, scheme, examples, how)
    splits = {
        split: [
            (
                Sentence(
                    tokens, schemes.encode(schemes.decode(tags), len(tags), Scheme.IOBES)
                ),
                line,
            )
            for tokens, tags, line in zip(each.tokens, each.tags, each.lines, strict=True)
        ]
        for split, each in parsed.items()
    }  # fmt: skip
    return Tagged(splits, given or str(scheme), findings)


def _scheme(parsed: Mapping[str, ParsedFile]) -> tuple[Scheme, tuple[Finding, ...]]:
    try:
        return schemes.detect(tags for each in parsed.values() for tags in each.tags), ()
    except ValueError as problem:
        finding = Finding(
            "mixed-schemes", ERROR, f"the files mix tag schemes: {problem}", 1,
            "write all in one scheme, or name it with --scheme and mend the rest with --repair",
        )  # fmt: skip
        return Scheme.IOBES, (finding,)


def _illegal(
    parsed: Mapping[str, ParsedFile], scheme: Scheme, examples: int, how: str
) -> tuple[Finding, ...]:  # fmt: skip
    count = 0
    places: list[str] = []
    for each in parsed.values():
        for tags, line in zip(each.tags, each.lines, strict=True):
            for violation in schemes.violations(tags, scheme):
                count += 1
                if len(places) < examples:
                    places.append(f"{each.path}:{line + violation.index}: {violation.reason}")
    if not count:
        return ()
    cure = "mend the tags; --repair of the other commands reads each as the mention it must mean"
    problem = f"tags that {scheme}, the scheme {how}, forbids"
    return (Finding("illegal-tags", ERROR, problem, count, cure, tuple(places)),)
