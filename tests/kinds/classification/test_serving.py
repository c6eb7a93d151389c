"""A classifier as MLflow serves it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fewshot_metalstm.kinds.classification.kind import CLASSIFICATION
from fewshot_metalstm.kinds.classification.model import save_model
from tests.kinds.classification.builders import classifier


def test_a_table_of_texts_is_labelled(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    from mlflow.exceptions import MlflowException

    from fewshot_metalstm.kinds.classification.serving.pyfunc import PyfuncClassifier

    serving = CLASSIFICATION.serving()
    assert serving.script.is_file()
    save_model(classifier(("bad", "good")), tmp_path)
    served: Any = PyfuncClassifier()
    limits = {"max_rows": 2}
    served.load_context(
        SimpleNamespace(artifacts={serving.artifact: str(tmp_path)}, model_config=limits)
    )
    table = pandas.DataFrame({"text": ["a lovely book", ""]}, index=[7, 8])
    found = served.predict(None, table)
    assert list(found.columns) == serving.signature.outputs.input_names()
    assert list(found.index) == [7, 8]
    chances = {each["label"]: each["probability"] for each in found["probabilities"][7]}
    assert set(chances) == {"bad", "good"}
    assert found["probability"][7] == max(chances.values())
    with pytest.raises(MlflowException, match=r"row 0 .* has no text"):
        served.predict(None, pandas.DataFrame({"text": [None]}))
    with pytest.raises(MlflowException, match="3 rows; send at most 2 at once"):
        served.predict(None, pandas.DataFrame({"text": ["a"] * 3}))
