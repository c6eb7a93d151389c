"""Hand-made features of words for a linear-chain CRF, as strings.

The usual set for named entities, without lexica or clusters: what the word is, how it begins and
ends, what it is made of, and the same for two neighbours on each side. Of biomedical names the
affixes and the shape (``IL-2``: ``XX-d``) say most.

Source: McCallum and Li, "Early Results for Named Entity Recognition with Conditional Random
Fields", CoNLL 2003; Settles, "Biomedical Named Entity Recognition Using Conditional Random Fields
and Rich Feature Sets", NLPBA 2004.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

NEIGHBOURS = 2  # words on each side
AFFIXES = 4  # characters of the longest prefix and suffix
_REPEATED = re.compile(r"(.)\1+")


def features(tokens: Sequence[str]) -> list[list[str]]:
    """The features of every token, in order.

    Those of a neighbour begin with its place: ``-1:lower=the``. Beyond a sentence's ends stand
    ``BOS`` and ``EOS``.
    """
    own = [word_features(token) for token in tokens]
    rows = []
    for i in range(len(tokens)):
        row = ["bias", *own[i]]
        for place in (*range(-NEIGHBOURS, 0), *range(1, NEIGHBOURS + 1)):
            if i + place < 0:
                row.append(f"{place:+d}:BOS")
            elif i + place >= len(tokens):
                row.append(f"{place:+d}:EOS")
            else:
                row += [f"{place:+d}:{name}" for name in own[i + place]]
        rows.append(row)
    return rows


def word_features(word: str) -> list[str]:
    """The features of one word, whatever stands beside it."""
    lower = word.lower()
    found = [f"word={word}", f"lower={lower}", f"shape={shape(word)}", f"short={short(word)}"]
    # A short word is its own affix, too, which longer ones share.
    for length in range(1, min(AFFIXES, len(word)) + 1):
        found += [f"prefix={lower[:length]}", f"suffix={lower[-length:]}"]
    letters = [c for c in word if c.isalpha()]
    flags = {
        "digits": word.isdigit(),
        "has digit": any(c.isdigit() for c in word),
        "hyphen": "-" in word,
        "punctuation": not any(c.isalnum() for c in word),
        "upper": bool(letters) and all(c.isupper() for c in letters),
        "lower case": bool(letters) and all(c.islower() for c in letters),
        "capital": word[:1].isupper(),
        "inner capital": any(c.isupper() for c in word[1:]),
    }
    return found + [name for name, held in flags.items() if held]


def shape(word: str) -> str:
    """Capitals as ``X``, other letters as ``x``, digits as ``d``, all else as it is."""
    return "".join(
        "X" if c.isupper() else "x" if c.isalpha() else "d" if c.isdigit() else c for c in word
    )


def short(word: str) -> str:
    """The shape with every run of one character as one: ``Xx-d``."""
    return _REPEATED.sub(r"\1", shape(word))
