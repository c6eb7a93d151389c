"""``demo-methods``: a small corpus of invented sentences in the style of biomedical abstracts.

50 sentences to learn from and 60 to be scored on, written and annotated by hand for this project:
they stand in no corpus and report no finding. The one type, ``Method``, is none that the suites
have: names of laboratory assays and techniques, with the words that belong to the name (``Western
blot``, ``MTT assay``), also where they name a kit or a picture (``ELISA kit``). Words that are a
method elsewhere and not here (a Western diet, fatty fish, a capillary array) stand among them
untagged. Unlike the rest of ``demo`` it is not made from templates, so it is a target for
checkpoints that read real text; its figures show how a tagger is used and are no benchmark.
"""

from __future__ import annotations

from pathlib import Path

from fewshot_metalstm.data.digests import sha256
from fewshot_metalstm.kinds.tagging.corpora.reader import read_bytes, read_columns
from fewshot_metalstm.kinds.tagging.corpora.schemes import Scheme
from fewshot_metalstm.kinds.tagging.corpora.sentence import Corpus

METHODS = "demo-methods"
_FOLDER = Path(__file__).resolve().parent / "methods"


def methods_file(split: str) -> Path:
    """The file of ``train`` or ``test``: a token and its IOB2 tag a line."""
    return _FOLDER / f"{split}.conll"


def methods_corpus() -> Corpus:
    """Read the corpus, which is a family of its own."""
    files = {split: methods_file(split) for split in ("train", "test")}
    read = {split: read_columns(path, scheme=Scheme.IOB2) for split, path in files.items()}
    return Corpus(
        name=METHODS,
        family=METHODS,
        types=read["train"].types,
        splits={split: result.sentences for split, result in read.items()},
        digests={split: sha256(read_bytes(path)) for split, path in files.items()},
        invented=True,
    )
