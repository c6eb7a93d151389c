"""TF-IDF with logistic regression: what anyone would try first, beside every classifier.

Words and pairs of neighbouring words, lower case, with sublinear counts; the weights of words are
those of the support alone. Source: Wang, Manning, "Baselines and Bigrams", ACL 2012, for bigrams
and linear models as a strong baseline on sentiment.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.classification.settings import TfidfConfig
from fewshot_metalstm.kinds.classification.text import words

ITERATIONS = 1000


def lowered(text: str) -> list[str]:
    """The words of a text in lower case."""
    return list(words(text.lower()))


def predict(
    texts: Sequence[str], labels: NDArray[np.int64], new: Sequence[str], config: TfidfConfig,
    seed: int = 0,
) -> NDArray[np.int64]:  # fmt: skip
    """Learn from ``texts`` with ``labels``, and give the label of each of ``new``.

    Raises:
        UserError: scikit-learn is not installed.
    """
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
    except ImportError:
        raise UserError(
            "the baseline tfidf needs scikit-learn; type `pip install scikit-learn`"
        ) from None
    features = TfidfVectorizer(
        analyzer="word", tokenizer=lowered, token_pattern=None, lowercase=False,
        ngram_range=(1, 2 if config.pairs else 1), sublinear_tf=True,
    )  # fmt: skip
    regression = LogisticRegression(C=config.c, max_iter=ITERATIONS, random_state=seed % 2**32)
    regression.fit(features.fit_transform(texts), labels)
    found: NDArray[np.int64] = regression.predict(features.transform(new)).astype(np.int64)
    return found
