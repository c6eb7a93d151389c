"""What the synthetic suite consists of: families, their corpora, types, topics and sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """Corpora over the same synthetic documents.

    ``annotates`` maps the first part of a kind (``sp`` of ``sp.microbe``) to the entity type it
    is tagged with here; names of any other kind stay untagged. ``corpora`` maps each corpus to
    its types. ``topics`` weighs the groups of templates. ``sentences`` counts train, devel, test.
    """

    name: str
    annotates: Mapping[str, str]
    corpora: Mapping[str, tuple[str, ...]]
    topics: Mapping[str, int]
    sentences: Mapping[str, int]


_META_SIZES: Mapping[str, int] = {"train": 600, "devel": 120, "test": 120}

FAMILIES: tuple[Family, ...] = (
    Family(
        name="demo-genes",
        annotates={"gene": "Gene", "enz": "Gene"},
        corpora={"demo-genes": ("Gene",)},
        topics={"genetics": 55, "shared": 30, "plain": 15},
        sentences=_META_SIZES,
    ),
    Family(
        name="demo-drugs",
        annotates={"chem": "Chemical", "dis": "Disease"},
        corpora={
            "demo-drugs": ("Chemical", "Disease"),
            "demo-drugs-chem": ("Chemical",),
            "demo-drugs-disease": ("Disease",),
        },
        topics={"pharmacology": 55, "shared": 30, "plain": 15},
        sentences=_META_SIZES,
    ),
    Family(
        name="demo-cells",
        annotates={"cell": "Cell", "anat": "Anatomy"},
        corpora={
            "demo-cells": ("Anatomy", "Cell"),
            "demo-cells-anatomy": ("Anatomy",),
            "demo-cells-cell": ("Cell",),
        },
        topics={"cells": 55, "shared": 30, "plain": 15},
        sentences=_META_SIZES,
    ),
    Family(
        name="demo-infection",
        annotates={"gene": "Gene", "enz": "Gene", "chem": "Chemical", "sp": "Organism"},
        corpora={
            "demo-infection": ("Chemical", "Gene", "Organism"),
            "demo-infection-chem": ("Chemical",),
            "demo-infection-gene": ("Gene",),
            "demo-infection-organism": ("Organism",),
        },
        topics={"infection": 50, "shared": 28, "plain": 22},
        sentences=_META_SIZES,
    ),
    Family(
        name="demo-enzymes",
        annotates={"enz": "Enzyme"},
        corpora={"demo-enzymes": ("Enzyme",)},
        topics={"enzymes": 50, "shared": 35, "plain": 15},
        sentences={"train": 400, "devel": 150, "test": 120},
    ),
    Family(
        name="demo-species",
        annotates={"sp": "Species"},
        corpora={"demo-species": ("Species",)},
        topics={"species": 55, "decoys": 20, "shared": 15, "plain": 10},
        sentences={"train": 600, "devel": 120, "test": 350},
    ),
)

#: The held-out corpus.
DEMO_TARGET = "demo-species"
#: Corpora on which hyper-parameters and the best checkpoint are chosen; a family of their own.
DEMO_META_VALIDATION: tuple[str, ...] = ("demo-enzymes",)
#: Corpora that the outer loop learns from.
DEMO_META_TRAIN: tuple[str, ...] = tuple(
    corpus
    for family in FAMILIES
    for corpus in family.corpora
    if corpus != DEMO_TARGET and corpus not in DEMO_META_VALIDATION
)
