"""An embedded, synthetic suite, so that everything can be tried without a download."""

from __future__ import annotations

from fewshot_metalstm.corpora.demo.families import (
    DEMO_META_TRAIN,
    DEMO_META_VALIDATION,
    DEMO_TARGET,
)
from fewshot_metalstm.corpora.demo.generate import demo_corpora

__all__ = ["DEMO_META_TRAIN", "DEMO_META_VALIDATION", "DEMO_TARGET", "demo_corpora"]
