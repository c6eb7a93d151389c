"""From a template to tokens and the names among them, within a document.

A document keeps to its subjects: names come back, and a name that was introduced with its
abbreviation comes back abbreviated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fewshot_metalstm.kinds.tagging.corpora.demo.chance import Chance
from fewshot_metalstm.kinds.tagging.corpora.demo.fillers import FILLERS, OPENERS, TAILS
from fewshot_metalstm.kinds.tagging.corpora.demo.lexicons import Lexicon, Name

#: Slots that stand for one of several kinds, each as often as it is listed.
_ALIASES: Mapping[str, tuple[str, ...]] = {
    "gene": ("gene.symbol", "gene.symbol", "gene.symbol", "gene.name"),
    "chem": ("chem.drug", "chem.drug", "chem.compound"),
    "dis": ("dis.word", "dis.phrase"),
    "cell": ("cell.any",),
    "anat": ("anat.any",),
    "enz": ("enz.any",),
    "genus": ("decoy.genus",),
    "taxon": ("decoy.taxon",),
    "sp.pathogen": ("sp.microbe", "sp.microbe", "sp.virus"),
    "sp": ("sp.microbe", "sp.microbe", "sp.animals", "sp.animals", "sp.virus", "sp.plant"),
}

_COMMON = 0.75  # of the draws, where a kind has common and rare names
_AGAIN = 0.4  # a name of the document instead of a new one
_DEFINE = 0.45  # the first mention brings its abbreviation in brackets
_SHORT = 0.6  # a later mention is abbreviated
_OPENER = 0.3
_TAIL = 0.35


@dataclass(frozen=True, slots=True)
class Piece:
    """Tokens that belong together; ``kind`` names what they are, None for plain words."""

    tokens: tuple[str, ...]
    kind: str | None = None


class Document:
    """Realises templates with names that recur; one object a document."""

    def __init__(self, lexicon: Lexicon, chance: Chance) -> None:
        self._lexicon = lexicon
        self._chance = chance
        self._used: dict[str, list[Name]] = {}
        self._introduced: set[Name] = set()
        # Of the sentence at hand; it may yet be thrown away.
        self._in_sentence: set[Name] = set()
        self._new_names: list[tuple[str, Name, bool]] = []

    def sentence(self, template: str) -> list[Piece]:
        """Realise ``template`` with an opener and a tail, a full stop and a capital letter.

        The sentence is no part of the document until :meth:`accept`.
        """
        chance = self._chance
        self._in_sentence = set()
        self._new_names = []
        opener = self._expand(chance.pick(OPENERS)) if chance.unit() < _OPENER else []
        body = self._expand(template)
        tail = self._expand(chance.pick(TAILS)) if chance.unit() < _TAIL else []
        if opener and opener[-1].tokens == (":",):
            body = _capitalised(body)
        return [*_capitalised([*opener, *body]), *tail, Piece((".",))]

    def accept(self) -> None:
        """Take the last sentence into the document: later ones may refer to its names."""
        for kind, name, introduced in self._new_names:
            self._used.setdefault(kind, []).append(name)
            if introduced:
                self._introduced.add(name)
        self._new_names = []

    def _expand(self, text: str) -> list[Piece]:
        pieces: list[Piece] = []
        for word in text.split():
            if word[0] == "[" and ":" in word:
                kind, name = word[1:-1].split(":")
                pieces.append(Piece((name,), kind))
            elif "{" not in word:
                pieces.append(Piece((word,)))
            elif word[0] == "{" and word[-1] == "}" and word.count("{") == 1:
                pieces.extend(self._slot(word[1:-1]))
            else:
                pieces.append(Piece((self._glued(word),)))
        return pieces

    def _glued(self, word: str) -> str:
        """A word that holds small numbers among its letters, such as ``q{n}``."""
        for slot in ("n", "d"):
            while f"{{{slot}}}" in word:
                word = word.replace(f"{{{slot}}}", self._number(slot), 1)
        return word

    def _number(self, slot: str) -> str:
        chance = self._chance
        return str(2 + chance.below(8) if slot == "d" else 2 + chance.below(chance.pick((20, 300))))

    def _slot(self, slot: str) -> list[Piece]:
        chance = self._chance
        if slot in ("n", "d"):
            return [Piece((self._number(slot),))]
        if slot == "pct":
            return [Piece((str(1 + chance.below(99)), ".", str(chance.below(10)), "%"))]
        if slot == "year":
            return [Piece((str(1978 + chance.below(40)),))]
        if slot == "ord":
            return [Piece((chance.pick(("first", "second", "third", "last")),))]
        if slot == "fig":
            panel = chance.pick(("", "A", "B", "C"))
            return [Piece(("Fig", ".", f"{1 + chance.below(8)}{panel}"))]
        if slot in FILLERS:
            return [Piece(tuple(chance.pick(FILLERS[slot]).split()))]
        return self._mention(chance.pick(_ALIASES.get(slot, (slot,))))

    def _mention(self, kind: str) -> list[Piece]:
        chance = self._chance
        before = [n for n in self._used.get(kind, ()) if n not in self._in_sentence]
        if before and chance.unit() < _AGAIN:
            name = chance.pick(before)
            self._in_sentence.add(name)
            known = not name.defined or name in self._introduced
            short = name.short if known and chance.unit() < _SHORT else None
            return [Piece(short or name.full, kind)]
        name = self._new(kind)
        self._in_sentence.add(name)
        introduces = name.defined and chance.unit() < _DEFINE
        self._new_names.append((kind, name, introduces))
        if name.short is None or not introduces:
            return [Piece(name.full, kind)]
        return [Piece(name.full, kind), Piece(("(",)), Piece(name.short, kind), Piece((")",))]

    def _new(self, kind: str) -> Name:
        chance, pool = self._chance, self._lexicon[kind]
        for _ in range(20):
            rare = pool.rare and not (pool.common and chance.unit() < _COMMON)
            name = chance.pick_early(pool.rare if rare else pool.common)
            if name not in self._in_sentence:
                break
        return name


def _capitalised(pieces: list[Piece]) -> list[Piece]:
    """Write the first word with a capital, as a sentence has it; symbols stay as they are."""
    first, *others = pieces
    word = first.tokens[0]
    if not (word.isalpha() and word.islower()):
        return pieces
    return [Piece((word.capitalize(), *first.tokens[1:]), first.kind), *others]
