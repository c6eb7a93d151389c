"""An embedded, synthetic suite, so that everything can be tried without a download."""

from __future__ import annotations

from fewshot_metalstm.kinds.tagging.corpora.demo.families import (
    DEMO_META_TRAIN,
    DEMO_META_VALIDATION,
    DEMO_TARGET,
)
from fewshot_metalstm.kinds.tagging.corpora.demo.generate import demo_corpora
from fewshot_metalstm.kinds.tagging.corpora.demo.invented import (
    METHODS,
    methods_corpus,
    methods_file,
)

__all__ = [
    "DEMO_META_TRAIN",
    "DEMO_META_VALIDATION",
    "DEMO_TARGET",
    "METHODS",
    "demo_corpora",
    "methods_corpus",
    "methods_file",
]
