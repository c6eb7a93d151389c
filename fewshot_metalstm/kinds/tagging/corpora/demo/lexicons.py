"""Lexicons of the synthetic corpora: names by kind, built from word parts and a seed.

A kind is written ``type.kind`` (``sp.microbe``, ``gene.symbol``). A pool holds ``common`` names,
which every split of every family may use, and ``rare`` ones, of which each family and each split
gets its own part, so that most names in a test split were never met in training.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fewshot_metalstm.kinds.tagging.corpora.demo import morphemes as m
from fewshot_metalstm.kinds.tagging.corpora.demo.chance import Chance


@dataclass(frozen=True, slots=True)
class Name:
    """A name as tokens, with the short form that a text may use after its first mention.

    ``defined`` says that the short form is introduced in brackets, as in ``tumor necrosis
    factor ( TNF )``; the short form of a binomial (``E . coli``) is not.
    """

    full: tuple[str, ...]
    short: tuple[str, ...] | None = None
    defined: bool = False

    @property
    def surfaces(self) -> tuple[str, ...]:
        """Every form as one lower-cased string, tokens joined by spaces."""
        forms = (self.full,) if self.short is None else (self.full, self.short)
        return tuple(" ".join(form).lower() for form in forms)


@dataclass(frozen=True, slots=True)
class Pool:
    """The names of one kind."""

    common: tuple[Name, ...]
    rare: tuple[Name, ...]


Lexicon = Mapping[str, Pool]


def _name(text: str, short: str | None = None, *, defined: bool = False) -> Name:
    return Name(tuple(text.split()), tuple(short.split()) if short else None, defined)


def _plain(texts: Iterable[str]) -> tuple[Name, ...]:
    return tuple(_name(text) for text in texts)


def _initials(text: str, last: str = "") -> str:
    return "".join(word[0] for word in text.split() if word[0].isalpha()).upper() + last


def _abbreviated(text: str, last: str = "") -> Name:
    return _name(text, _initials(text, last), defined=True)


def _join(stem: str, ending: str) -> str:
    vowels = "aeiou"
    if stem[-1] in vowels and ending[0] in vowels:
        return stem[:-1] + ending
    if stem[-1] not in vowels and ending[0] not in vowels:
        return stem + "o" + ending
    return stem + ending


def _product(stems: Sequence[str], endings: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_join(s, e) for s in stems for e in endings))


def _halves(items: Sequence[str], chance: Chance) -> tuple[tuple[str, ...], tuple[str, ...]]:
    dealt = chance.shuffled(items)
    middle = len(dealt) // 2
    return tuple(dealt[:middle]), tuple(dealt[middle:])


def _animals(pairs: Sequence[str], adjectives: Sequence[str]) -> tuple[list[str], list[str]]:
    """Singular and plural names, each with every adjective (none for ``("",)``)."""
    split = [pair.split(":") for pair in pairs]
    singular = [f"{a} {one}".strip() for a in adjectives for one, _ in split]
    plural = [f"{a} {many}".strip() for a in adjectives for _, many in split]
    return singular, plural


def _organisms(
    chance: Chance,
    *,
    genera: Sequence[str],
    epithets: Sequence[str],
    places: Sequence[str],
    common: Sequence[str],
    animals: Sequence[str],
    plants: Sequence[str],
) -> dict[str, Pool]:
    microbes = []
    for genus in chance.shuffled(genera)[:60]:
        name = genus.capitalize()
        for _ in range(2):
            epithet = chance.pick(epithets)
            microbes.append(_name(f"{name} {epithet}", f"{name[0]} . {epithet}"))
    viruses = [
        _abbreviated(f"{place} {quality} virus")
        for place in places
        for quality in m.VIRUS_QUALITIES
    ]
    one, many = _animals(animals, m.ANIMAL_ADJECTIVES)
    common_one, common_many = _animals(common, ("",))
    return {
        "sp.microbe": Pool((), tuple(microbes)),
        "sp.virus": Pool((), tuple(viruses)),
        "sp.animal": Pool(_plain(common_one), _plain(one)),
        "sp.animals": Pool(_plain(common_many), _plain(many)),
        "sp.plant": Pool(_plain(plants), ()),
    }


def _symbols(chance: Chance, count: int) -> tuple[Name, ...]:
    found = []
    for _ in range(count):
        root = "".join(chance.pick("ABCDEFGHKLMNPRSTVX") for _ in range(2 + chance.below(3)))
        number = str(1 + chance.below(29))
        form = chance.below(6)
        if form == 0:
            text = f"{root} - {number}"
        elif form == 1:
            text = f"{root.capitalize()}{number}"
        elif form == 2:
            text = f"{root} - {chance.pick(m.GREEK)}"
        elif form == 3:
            text = f"p{20 + chance.below(80)}"
        else:
            text = f"{root}{number}"
        found.append(text)
    return _plain(dict.fromkeys(found))


def _others(chance: Chance) -> dict[str, Pool]:
    """Every kind that is not an organism."""
    alphabet = "abcdefghlmnprst"
    bacterial = [
        "".join(chance.pick(alphabet) for _ in range(3)) + chance.pick("ABCDEFR")
        for _ in range(120)
    ]
    long_genes = [
        f"{a} {h} {1 + chance.below(9)}" if chance.below(2) else f"{a} {h} {chance.pick(m.GREEK)}"
        for a in m.GENE_ADJECTIVES
        for h in m.GENE_HEADS
    ]
    systematic = [
        f"{1 + chance.below(8)} - {r} {p}" if chance.below(3) else f"N - {r} {p}"
        for r in m.RADICALS
        for p in m.PARENTS
    ]
    acids = [f"{stem}ic acid" for stem in m.DRUG_STEMS if stem[-1] not in "aeiou"]
    latin = _plain(m.LATIN_DISEASES)
    eponyms = [_name(f"{s} 's {h}") for s in m.SURNAMES for h in ("disease", "syndrome")]
    compound = [
        _abbreviated(f"{a} {o} {h}")
        for a in m.DISEASE_ADJECTIVES
        for o in m.ORGAN_ADJECTIVES
        for h in m.DISEASE_HEADS
        if chance.below(12) == 0
    ]
    two_word = [_name(f"{o} {h}") for o in m.ORGAN_ADJECTIVES for h in m.DISEASE_HEADS]
    blood_cells = [t.replace("_", " ") for t in _product(m.CELL_STEMS, m.CELL_ENDINGS)]
    lines = [
        chance.pick("ABCHKMNST")
        + chance.pick("ACEFLTV")
        + chance.pick("CFKMT")
        + f" - {2 + chance.below(98)} cells"
        for _ in range(60)
    ]
    enzymes = [_abbreviated(f"{s} {h}") for s in m.SUBSTRATES for h in m.ENZYME_HEADS]
    drugs = _product(m.DRUG_STEMS, m.DRUG_ENDINGS)
    pools: dict[str, Pool] = {
        "gene.symbol": Pool(_plain(m.COMMON_GENES), _symbols(chance, 250)),
        "gene.bacterial": Pool((), _plain(dict.fromkeys(bacterial))),
        "gene.name": Pool((), tuple(_abbreviated(t) for t in long_genes)),
        "chem.drug": Pool(_plain(m.COMMON_CHEMICALS), _plain(drugs)),
        "chem.compound": Pool(
            _plain(f"{c} {a}" for c in m.CATIONS for a in m.ANIONS), _plain([*systematic, *acids])
        ),
        "dis.word": Pool(
            _plain(m.COMMON_DISEASES), _plain(_product(m.DISEASE_STEMS, m.DISEASE_ENDINGS))
        ),
        "dis.phrase": Pool(latin, (*compound, *two_word, *eponyms)),
        "cell.any": Pool(
            _plain(m.COMMON_CELLS),
            _plain([*blood_cells, *lines, *(f"{a} cells" for a in m.CELL_ADJECTIVES)]),
        ),
        "anat.any": Pool(
            _plain([*m.COMMON_ANATOMY, *m.LATIN_ANATOMY]),
            _plain(
                f"{a} {o}{h}"
                for a in m.ANATOMY_ADJECTIVES
                for o in ("", *(f"{x} " for x in m.ORGAN_ADJECTIVES[:3]))
                for h in m.ANATOMY_HEADS
            ),
        ),
        "enz.any": Pool((), (*enzymes, *_plain(f"{s}ase" for s in m.ENZYME_STEMS))),
    }
    return pools


def build_lexicons(chance: Chance) -> tuple[Lexicon, Lexicon]:
    """Lexicons of the meta-train families and of the target, as (meta, target).

    Organism names are dealt to one side only, together with the genera, epithets and places that
    they are built from; names of other types that happen to equal one of the target's organisms
    are left out. The other types are shared: in the target they are not to be tagged.
    """
    genera = _halves(_product(m.GENUS_STEMS, m.GENUS_ENDINGS), chance)
    epithets = _halves(_product(m.EPITHET_STEMS, m.EPITHET_ENDINGS), chance)
    places = _halves(m.VIRUS_PLACES, chance)
    target = _organisms(
        chance,
        genera=genera[0],
        epithets=epithets[0],
        places=places[0],
        common=m.TARGET_COMMON,
        animals=m.TARGET_ANIMALS,
        plants=m.TARGET_PLANTS,
    )
    meta = _organisms(
        chance,
        genera=genera[1],
        epithets=epithets[1],
        places=places[1],
        common=m.META_COMMON,
        animals=m.META_ANIMALS,
        plants=m.META_PLANTS,
    )
    # Higher ranks look like the names to be tagged and are not.
    for organisms, side in ((target, genera[0]), (meta, genera[1])):
        organisms["decoy.genus"] = Pool((), _plain(g.capitalize() for g in side[60:100]))
        organisms["decoy.taxon"] = Pool(
            (), _plain(f"{g.capitalize()[:-1]}aceae" for g in side[100:130])
        )
    taken = {surface for pool in target.values() for n in pool.rare for surface in n.surfaces}
    taken |= {surface for pool in target.values() for n in pool.common for surface in n.surfaces}
    others = _without(_others(chance), taken)
    return {**_without(meta, taken), **others}, {**target, **others}


def _without(pools: Mapping[str, Pool], taken: set[str]) -> dict[str, Pool]:
    """Drop the names that are ``taken`` or hold a word that is, such as ``CAT - 5 cells``."""

    def free(name: Name) -> bool:
        own = {token for surface in name.surfaces for token in surface.split()}
        return taken.isdisjoint(name.surfaces) and taken.isdisjoint(own)

    return {
        kind: Pool(tuple(filter(free, pool.common)), tuple(filter(free, pool.rare)))
        for kind, pool in pools.items()
    }
