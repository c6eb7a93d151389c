"""A language model as MLflow serves it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fewshot_metalstm.kinds.language_model.kind import LANGUAGE_MODEL
from fewshot_metalstm.kinds.language_model.model import (
    PRODUCT,
    StoredModel,
    load_model,
    new_model,
    save_model,
)
from fewshot_metalstm.kinds.language_model.predict import cost
from fewshot_metalstm.kinds.language_model.text import Document
from tests.kinds.language_model.builders import SMALL, prose


def test_texts_are_said_to_cost_what_predict_says(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    from mlflow.exceptions import MlflowException

    from fewshot_metalstm.kinds.language_model.serving.pyfunc import PyfuncLanguageModel

    serving = LANGUAGE_MODEL.serving()
    assert serving.script.is_file()
    save_model(StoredModel(new_model(SMALL, 0), PRODUCT), tmp_path)
    served: Any = PyfuncLanguageModel()
    limits = {"max_characters": 600}
    served.load_context(SimpleNamespace(artifacts={PRODUCT: str(tmp_path)}, model_config=limits))
    texts = [prose(300, 1), "naïve"]
    found = served.predict(None, pandas.DataFrame({"text": texts}, index=[7, 8]))
    assert list(found.columns) == serving.signature.outputs.input_names()
    assert found["characters"].tolist() == [300, 5]
    learner = load_model(tmp_path, PRODUCT).learner
    for text, value in zip(texts, found["bits_per_character"], strict=True):
        assert value == pytest.approx(cost(learner, Document("it", text.encode())).value)
    for text, why in (("", "is empty"), ("a" * 601, "send at most 600")):
        with pytest.raises(MlflowException, match=why):
            served.predict(None, pandas.DataFrame({"text": [text]}))
    with pytest.raises(MlflowException, match="is no text; send Unicode"):
        served.columns(["\ud800"])
